"""Absences in the store: who of a profile's people was missing from how many feeds, and which steps were taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, select, update

from matchpoint.canonical import canonical
from matchpoint.hashes import Hashes
from matchpoint.outcomes import Outcome
from matchpoint.store.bulk import among, beside, insert_or_update, numbers_of
from matchpoint.store.leavers_tables import absences
from matchpoint.store.tables import history, runs, users

_FLAGS = ("counted", "stepped", "has_step", "may_step", "handed")
STATE = np.dtype([("user_id", np.int64), ("feeds", np.int64), *((name, np.bool_) for name in _FLAGS)])
"""Of an absent user: feeds counted; whether this very run counted the last of them, and took the last step; whether a
step was taken at all; whether another one may be looked at now; whether the user was handed over."""
HAND_OVER = "hand_over"
"""The step that ends somebody's part in a profile: what other profiles say of the user is all that is left."""


class Absence(NamedTuple):
    """What is noted of somebody absent, as :data:`matchpoint.store.leavers_tables.absences` says."""

    user_id: int
    profile: str
    feeds: int
    first_absent: str
    run_id: str
    step: str | None
    step_run_id: str | None
    before: str | None
    next_on: str
    held: str | None


def profile_users(connection: Connection, profile: str) -> Hashes:
    """Give the EXTERNAL users of a profile by number, in order: a million in less than a second."""
    query = select(users.c.id).where(users.c.external_id == profile, users.c.account_type == "EXTERNAL")
    return np.sort(numbers_of(connection, query)[:, 0])


def states(connection: Connection, profile: str, run_id: str, *, last_step: str, as_of: str) -> np.ndarray[Any, Any]:
    """Give the absences of a profile as :data:`STATE`, in the order of users.

    ``last_step`` is the last one of the policy, after which nothing comes.
    """
    one = absences.c
    may = and_(case((one.step.is_(None), ""), else_=one.step) != last_step, one.next_on <= as_of)
    flags = [one.run_id == run_id, one.step_run_id == run_id, one.step.is_not(None), may, one.step == HAND_OVER]
    query = select(one.user_id, one.feeds, *(case((flag, 1), else_=0) for flag in flags))
    rows = connection.execute(query.where(one.profile == profile).order_by(one.user_id))
    return np.array([tuple(row) for row in rows], dtype=STATE)


class SoFar(NamedTuple):
    """What was done about somebody absent: the last step, what all steps have overwritten, the first day."""

    step: str | None
    before: dict[str, Any]
    first_absent: str


def so_far(connection: Connection, profile: str, user_ids: Iterable[int]) -> dict[int, SoFar]:
    """Give of users who are absent from a profile what was done about them."""
    one = absences.c
    query = select(one.user_id, one.step, one.before, one.first_absent)
    found = connection.execute(query.where(one.profile == profile, among(connection, one.user_id, user_ids)))
    return {user_id: SoFar(step, before or {}, first) for user_id, step, before, first in found}


def is_newest(connection: Connection, profile: str, run_id: str) -> bool:
    """Tell whether no synchronize of a profile was applied that first met its extracts after this run did."""
    met: Any = connection.scalar(select(runs.c.planned_at).where(runs.c.run_id == run_id))
    if met is None:
        return True
    newer = and_(runs.c.profile == profile, runs.c.mode == "synchronize", runs.c.planned_at > met)
    return not connection.scalar(select(exists().where(newer, runs.c.applied_at.is_not(None))))


def note(connection: Connection, some: Sequence[Absence], *, with_steps: bool) -> None:
    """Note absences; users who are gone are left out.

    Without ``with_steps`` the steps that were taken earlier stay as they are noted.
    """
    if not some:
        return
    with beside(connection, absences, Absence._fields, some) as new:
        there = new.c.user_id.in_(select(users.c.id))
        written = insert_or_update(connection, absences).from_select(Absence._fields, select(new).where(there))
        changed = {name: written.excluded[name] for name in _NOTED if with_steps or name not in _STEPS}
        is_in_a_row = absences.c.feeds > 0
        changed["first_absent"] = case((is_in_a_row, absences.c.first_absent), else_=written.excluded.first_absent)
        connection.execute(written.on_conflict_do_update(index_elements=_KEY, set_=changed))


_KEY = ("user_id", "profile")
_NOTED = tuple(name for name in Absence._fields if name not in _KEY)
_STEPS = ("step", "step_run_id", "before", "next_on")


def end(connection: Connection, profile: str, user_ids: Sequence[int]) -> None:
    """End the absence of users who are in the feed of a profile again.

    Where a step was taken and the row of the feed did not reach the user, the steps stay noted, to be told when the
    user is in fact brought back; feeds are counted anew.
    """
    held = _of_profile(connection, profile, user_ids)
    as_the_row_says = select(users.c.id).where(
        among(connection, users.c.id, user_ids), users.c.source_version == users.c.version
    )
    is_back = absences.c.step.is_(None) | absences.c.user_id.in_(as_the_row_says)
    connection.execute(delete(absences).where(held, is_back))
    connection.execute(update(absences).where(held).values(feeds=0, held=None))


def forget(connection: Connection, profile: str, user_ids: Sequence[int]) -> None:
    """Forget the absence of users who are no longer a profile's."""
    connection.execute(delete(absences).where(_of_profile(connection, profile, user_ids)))


def _of_profile(connection: Connection, profile: str, user_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(absences.c.profile == profile, among(connection, absences.c.user_id, user_ids))


def stepped_by(connection: Connection, run_id: str, user_ids: Sequence[int]) -> dict[int, int]:
    """Give the users whom a run has changed, each with the version that it made."""
    query = select(history.c.user_id, func.max(history.c.version)).where(
        history.c.run_id == run_id,
        history.c.outcome == Outcome.UPDATED,
        among(connection, history.c.user_id, user_ids),
    )
    return {user_id: version for user_id, version in connection.execute(query.group_by(history.c.user_id))}


def held_people(connection: Connection, profile: str | None = None) -> list[dict[str, Any]]:
    """Give the clearance list: who is held, by primary id, with user group, first day of absence, and why."""
    group = users.c.document[("user_group", "value")].as_string()
    query = (
        select(users.c.primary_id, absences.c.profile, group.label("user_group"))
        .add_columns(absences.c.first_absent, absences.c.step, absences.c.held.label("why"))
        .join(users, users.c.id == absences.c.user_id)
        .where(absences.c.held.is_not(None))
        .order_by(users.c.primary_id)
    )
    if profile is not None:
        query = query.where(absences.c.profile == profile)
    return [dict(row._mapping) for row in connection.execute(query)]


def as_text(before: Any) -> str | None:
    """Write what steps have overwritten as :func:`note` takes it."""
    return canonical(before) if before else None
