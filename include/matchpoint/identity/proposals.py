"""Proposals in the store: made with a plan, renewed while their row comes, open until a person answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import key
from matchpoint.outcomes import Outcome
from matchpoint.profile.identity import Identity
from matchpoint.run_folder import RunFolder
from matchpoint.store.bulk import among
from matchpoint.store.identity_tables import proposals
from matchpoint.store.tables import users

OPEN, ACCEPTED, DECLINED, SUPERSEDED = "open", "accepted", "declined", "superseded"


@dataclass(frozen=True)
class Found:
    """A proposal that a run makes: the row's user, ``incoming``, may be the user ``user_id``.

    ``kind`` is new_primary_id or new_identifier when an identifier or email is the same, else name_and_birth_date;
    ``outcome`` what became of the row; ``match_point`` the type of the identifier by which the next run finds it, and
    ``incoming_key`` the hash of that, by which the proposal is known from night to night.
    """

    kind: str
    confidence: float
    reasons: list[str]
    outcome: str
    user_id: int
    incoming: User
    incoming_key: int
    match_point: str


def kind_of(incoming: User, existing: User, reasons: Sequence[str]) -> str:
    """Name what a proposal is about."""
    if key(incoming.get(PRIMARY_ID, "")) == key(existing[PRIMARY_ID]):
        return "new_identifier"
    if any(one.startswith(("same identifier", "same email")) for one in reasons):
        return "new_primary_id"
    return "name_and_birth_date"


def answered(connection: Connection, profile: str) -> tuple[set[tuple[int, int]], set[int]]:
    """Give what was declined, as key and user, and the keys of proposals that wait for a row without account."""
    columns = (proposals.c.status, proposals.c.incoming_key, proposals.c.user_id, proposals.c.outcome)
    query = select(*columns).where(proposals.c.profile == profile, proposals.c.status.in_([OPEN, DECLINED]))
    declined, waiting = set(), set()
    for status, incoming_key, user_id, outcome in connection.execute(query):
        if status == DECLINED:
            declined.add((incoming_key, user_id))
        elif outcome != Outcome.CREATED:
            waiting.add(incoming_key)
    return declined, waiting


# --- written with a plan --------------------------------------------------------------------------


def write_found(folder: RunFolder, found: Sequence[Found], seen: set[int]) -> None:
    """Write ``proposals.json`` of a run: the proposals, and the keys of rows that came and may have had one."""
    folder.write_json("proposals.json", {"found": [asdict(one) for one in found], "seen": sorted(seen)})


def save_proposals(
    connection: Connection, folder: RunFolder, summary: Mapping[str, Any], at: datetime, identity: Identity
) -> None:
    """Bring the store's proposals in step with those of a plan, as often as one likes; ``summary`` is ``plan.json``.

    One that was made before is renewed, unless it was declined. Superseded are those whose row came and is no
    longer like that user, or has not come for the profile's ``unanswered_days``, and those whose known user is gone;
    one whose row has got its own account waits for an answer however long. An import, and a profile without review,
    leave all as it is.
    """
    if summary["mode"] != "synchronize" or not identity.review:
        return
    profile = summary["profile"]
    made = folder.read_json("proposals.json")
    rows = [
        {**one, "profile": profile, "run_id": summary["run_id"], "at": at, "status": OPEN} for one in made["found"]
    ]
    if rows:
        make: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        written = make(proposals)
        renewed = {name: written.excluded[name] for name in rows[0]} | {"decided_by": None, "decided_at": None}
        unique = ["profile", "incoming_key", "user_id"]
        again = written.on_conflict_do_update(
            index_elements=unique, set_=renewed, where=proposals.c.status != DECLINED
        )
        connection.execute(again, rows)
    mine = and_(proposals.c.profile == profile, proposals.c.status == OPEN)
    without_account = proposals.c.outcome != Outcome.CREATED
    here = [one["incoming_key"] for one in rows]
    came = among(connection, proposals.c.incoming_key, {*made["seen"], *here})
    over = [
        and_(without_account, came, proposals.c.at != at),
        and_(without_account, proposals.c.at < at - timedelta(days=identity.unanswered_days)),
        ~exists().where(users.c.id == proposals.c.user_id),
    ]
    connection.execute(update(proposals).where(mine, or_(*over)).values(status=SUPERSEDED))


# --- read -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposal:
    """A proposal with both records: ``known``, the user of the store, and ``incoming``, the one of the row."""

    id: int
    profile: str
    run_id: str
    at: datetime
    kind: str
    confidence: float
    reasons: list[str]
    outcome: str
    user_id: int
    known: User
    incoming: User


def open_proposals(engine: Engine, *, profile: str | None = None, limit: int | None = None) -> list[Proposal]:
    """List the proposals that wait for an answer, the surest first."""
    names = ("id", "profile", "run_id", "at", "kind", "confidence", "reasons", "outcome", "user_id")
    columns = [proposals.c[name] for name in names]
    query = (
        select(*columns, users.c.document, proposals.c.incoming)
        .join(users, users.c.id == proposals.c.user_id)
        .where(proposals.c.status == OPEN)
        .order_by(proposals.c.confidence.desc(), proposals.c.id)
        .limit(limit)
    )
    if profile is not None:
        query = query.where(proposals.c.profile == profile)
    with engine.connect() as connection:
        return [Proposal(*row) for row in connection.execute(query)]


def profile_of_proposal(engine: Engine, proposal_id: int) -> str | None:
    """Give the code of the profile that a proposal is of; None when there is no such proposal."""
    with engine.connect() as connection:
        return connection.scalar(select(proposals.c.profile).where(proposals.c.id == proposal_id))
