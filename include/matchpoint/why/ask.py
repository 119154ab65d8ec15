"""Asking everything about one person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, select

from matchpoint.alma.fields import PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.findings import TEXTS
from matchpoint.profile import Profile
from matchpoint.run_folder import AnyPath
from matchpoint.store.history import rule_of
from matchpoint.store.tables import history, identifiers, plan_rows, runs, users
from matchpoint.undo.reading import users_called
from matchpoint.why.account import Changed, Planned, Tried, Why
from matchpoint.why.origins import origins
from matchpoint.why.raw import RawRow, fired
from matchpoint.why.rows import LoadRun, Person, Seeker, late_runs

_CHANGES = 10


def why(
    engine: Engine, profiles: Iterable[Profile], runs_home: AnyPath | None, identifier: str, *, last: int = 5
) -> Why:
    """Give the account of a person by any identifier: the user, rows seen, keys tried, rules, origins, changes, plan.

    ``runs_home`` is the place of all run folders, None when there is none; ``last`` how many runs are looked through.
    A person who is in no user gets an account, too: the rows that were refused are the answer then.
    """
    by_code = {one.code: one for one in profiles}
    account = Why(identifier)
    with engine.connect() as connection, connection.begin():
        user_ids = users_called(connection, identifier)
        _user(connection, account, user_ids)
        changes = _history(connection, user_ids)
        account.changes = changes[:_CHANGES]
        person = Person(user_ids, frozenset({key(identifier), *_keys(account)}))
        seeker = Seeker(connection, by_code, runs_home, person)
        for run in late_runs(connection, last):
            account.rows += seeker.rows(run)
        account.notes += seeker.notes
        if seeker.newest:
            _explain(connection, account, *seeker.newest, by_code)
        account.planned = _planned(connection, user_ids)
    if account.user is not None and not account.deleted:
        account.origins = list(origins(account.user, changes, account.protections))
    return account


def _keys(account: Why) -> set[str]:
    return {key(value) for _, value in identifiers_of(account.user or {})}


def _user(connection: Connection, account: Why, user_ids: Sequence[int]) -> None:
    query = select(users.c.document, users.c.version, users.c.protected).where(users.c.id.in_(user_ids))
    if found := connection.execute(query).one_or_none():
        account.user, account.version, account.protections = found
        return
    deleted = select(history.c.before, history.c.version).where(
        history.c.user_id.in_(user_ids), history.c.outcome == "deleted"
    )
    if gone := connection.execute(deleted.order_by(history.c.at.desc())).first():
        account.deleted, (account.user, account.version) = True, gone


def _history(connection: Connection, user_ids: Sequence[int]) -> list[Changed]:
    """Read the changes of users, the newest first."""
    query = select(history).where(history.c.user_id.in_(user_ids))
    found = []
    for one in connection.execute(query.order_by(history.c.user_id.desc(), history.c.version.desc())):
        before, after = (side if one.outcome == "updated" else {} for side in (one.before or {}, one.after or {}))
        fields = {name: [before.get(name), after.get(name)] for name in {**before, **after}}
        rule = rule_of(one.rule, one.actor, one.extract)
        told = (one.at.isoformat(), one.version, one.outcome, one.actor, rule)
        found.append(Changed(*told, one.run_id, one.row, fields))
    return found


def _explain(connection: Connection, account: Why, run: LoadRun, row: RawRow, profiles: dict[str, Profile]) -> None:
    profile = profiles[run.profile]
    account.rule_row = f"{row.label}, row {row.row}, run {run.run_id}, by the profile {profile.code} as it is now"
    account.fired = list(fired(row, profile))
    action = profile.actions.synchronize
    for match_point in action.match_points if action else ():
        values = [value for id_type, value in identifiers_of(row.user) if id_type == match_point]
        for value in values:
            account.tried.append(Tried(match_point, value, _hit(connection, account, match_point, value)))
        if not values:
            account.tried.append(Tried(match_point, "", "the row has no value"))


def _hit(connection: Connection, account: Why, match_point: str, value: str) -> str:
    query = (
        select(identifiers.c.id_type, users.c.primary_id)
        .join(users, users.c.id == identifiers.c.user_id)
        .where(identifiers.c.value_key == key(value))
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return "nobody"
    mine = account.user is not None and found[1] == account.user.get(PRIMARY_ID)
    who = "this person" if mine else found[1]
    return who if found[0] == match_point else f"no match: {who} holds it as {found[0]}"


def _planned(connection: Connection, user_ids: Sequence[int]) -> Planned | None:
    """Find what the newest plan that was not applied would do."""
    columns: Any = (runs.c.run_id, runs.c.planned_at, plan_rows.c.outcome, plan_rows.c.code, plan_rows.c.changes)
    query = (
        select(*columns)
        .join(plan_rows, plan_rows.c.run_id == runs.c.run_id)
        .where(runs.c.applied_at.is_(None), plan_rows.c.user_id.in_(user_ids))
        .order_by(runs.c.planned_at.desc())
    )
    found = connection.execute(query).first()
    if found is None:
        return None
    run_id, planned_at, outcome, code, changes = found
    return Planned(run_id, planned_at.isoformat(), outcome, TEXTS.get(code, code or ""), changes or {})
