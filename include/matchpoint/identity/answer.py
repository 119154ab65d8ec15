"""Answering a proposal: accepted, the known user gets the row's identity; declined, the two stay two for good.

Each answer is one transaction, with a history row that says who gave it, and may be given again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, select, update

from matchpoint.accounts import rules
from matchpoint.accounts.purge import holds
from matchpoint.accounts.rules import Account
from matchpoint.accounts.store import Act, change, lock, remove
from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID, SEGMENT_TYPE, SEGMENTS, User
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.errors import AccountError
from matchpoint.identity.proposals import ACCEPTED, DECLINED, OPEN, SUPERSEDED
from matchpoint.store.engine import writing
from matchpoint.store.identity_tables import proposals
from matchpoint.store.tables import identifiers


def accept(engine: Engine, proposal_id: int, act: Act, *, old_primary_id_as: str | None = None) -> None:
    """Say that row and user are one: the known user gets the row's primary id and identifiers.

    The next run then finds the user by them. Where the row has got an account of its own, that is merged into the
    known user: its roles, and the segments that the library made, come over; what the SIS sent comes again with the
    next run. ``old_primary_id_as`` is the identifier type under which the old primary id is kept.

    Raises :class:`AccountError` when there is no such proposal, it was declined or superseded, one of the two is
    internal, the second account has loans, requests or fees or belongs to another profile, or somebody else holds an
    identifier of the row. Nothing is changed then.
    """
    with writing(engine).begin() as connection:
        proposal = _locked(connection, proposal_id)
        if proposal.status == ACCEPTED:
            return
        _refuse_unless(proposal, OPEN)
        known = next(iter(lock(connection, [proposal.user_id])), None)
        if known is None:
            raise AccountError("401861", "user: found none; the known user of this proposal is gone")
        _refuse_internal(known)
        user = known.user
        second = _second(connection, proposal)
        if second:
            user = _merged(second, known, proposal.profile)
            remove(connection, [second], act)
        renamed = _renamed(user, proposal.incoming, old_primary_id_as)
        change(connection, [(known, (rules.checked(renamed), known.protected))], act)
        _decide(connection, proposal, ACCEPTED, act)
        same_row = (proposals.c.profile == proposal.profile, proposals.c.incoming_key == proposal.incoming_key)
        others = update(proposals).where(*same_row, proposals.c.status == OPEN)
        connection.execute(others.values(status=SUPERSEDED))


def decline(engine: Engine, proposal_id: int, act: Act) -> None:
    """Say that row and user are two: it is not proposed again, and the row gets its own account from the next run on.

    Raises :class:`AccountError` when there is no such proposal, or it was accepted.
    """
    with writing(engine).begin() as connection:
        proposal = _locked(connection, proposal_id)
        if proposal.status != DECLINED:
            _refuse_unless(proposal, OPEN, SUPERSEDED)
            _decide(connection, proposal, DECLINED, act)


def _locked(connection: Connection, proposal_id: int) -> Any:
    query = select(proposals).where(proposals.c.id == proposal_id).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        raise AccountError("no_proposal", f"proposal {proposal_id}: found none of that number; look at the list")
    return found


def _refuse_unless(proposal: Any, *statuses: str) -> None:
    if proposal.status not in statuses:
        raise AccountError(
            "decided", f"proposal {proposal.id}: found one that is {proposal.status}; expected an open one"
        )


def _decide(connection: Connection, proposal: Any, status: str, act: Act) -> None:
    decided = {"status": status, "decided_by": act.actor, "decided_at": act.now}
    connection.execute(update(proposals).where(proposals.c.id == proposal.id).values(decided))


def _refuse_internal(account: Account) -> None:
    if not account.is_external:
        raise AccountError("not_external", "user: found an internal one; convert the user to external first")


def _second(connection: Connection, proposal: Any) -> Account | None:
    """Find the account that the row has got of its own: by its match point, as the next run would."""
    wanted = [key(value) for id_type, value in identifiers_of(proposal.incoming) if id_type == proposal.match_point]
    held = select(identifiers.c.user_id).where(
        identifiers.c.value_key.in_(wanted), identifiers.c.user_id != proposal.user_id
    )
    return next(iter(lock(connection, list(connection.scalars(held)))), None)


def _merged(second: Account, known: Account, profile: str) -> User:
    _refuse_internal(second)
    if second.user.get("external_id") != profile:
        raise AccountError("two_profiles", "found a second account of another profile; convert one of the two first")
    for reason in holds(second.user):
        raise AccountError("401850", f"failed to merge: {reason} in the second account; settle or move them first")
    own = second.user
    for segment in SEGMENTS:
        own = rules.with_parts(own, segment, [one for one in segment.parts(own) if _is_internal(one)])
    gone = Account(second.id, second.version, own, second.protected)
    return rules.merge(gone, known, copy_segments=True)


def _is_internal(part: dict[str, Any]) -> bool:
    return part.get(SEGMENT_TYPE) == "Internal"


def _renamed(user: User, incoming: User, old_primary_id_as: str | None) -> User:
    """Give a user with the row's primary id and identifiers: of those that the SIS gave, one of each type."""
    primary_id = incoming.get(PRIMARY_ID) or user[PRIMARY_ID]
    given = IDENTIFIERS.parts(incoming)
    types = {one["id_type"]["value"] for one in given}
    kept = [one for one in IDENTIFIERS.parts(user) if _is_internal(one) or one["id_type"]["value"] not in types]
    old = {"id_type": {"value": old_primary_id_as}, "value": user[PRIMARY_ID], SEGMENT_TYPE: "Internal"}
    if old_primary_id_as and key(primary_id) != key(user[PRIMARY_ID]):
        kept.append(old)
    kept = [one for one in kept if key(one["value"]) != key(primary_id)]
    held = {key(one["value"]) for one in kept} | {key(primary_id)}
    new = [{**one, SEGMENT_TYPE: "External"} for one in given if key(one["value"]) not in held]
    return rules.with_parts({**user, PRIMARY_ID: primary_id}, IDENTIFIERS, [*kept, *new])
