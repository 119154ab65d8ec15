"""Applying the plan's part about leavers: exactly what it says, in bounded transactions, as often as one likes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Engine

from matchpoint.accounts.store import Act, change, lock
from matchpoint.leavers.files import APPLIED, CONFLICT, ENDED, PARKED, Leaver, read_leavers
from matchpoint.leavers.policy import FIELDS
from matchpoint.run_folder import RunFolder
from matchpoint.store import absences
from matchpoint.store.absences import Absence
from matchpoint.store.changes import Stamp
from matchpoint.store.engine import writing

Deviation = tuple[int, str, str]
"""Somebody for whom a step came out otherwise than planned: user, step, code."""


def apply_leavers(
    folder: RunFolder,
    engine: Engine,
    stamp: Stamp,
    *,
    as_of: str,
    parked: Collection[str] = (),
    counts: bool = True,
) -> list[Deviation]:
    """Apply ``leavers.parquet``: count absences, write who is stepped with its history, end absences.

    Whoever was changed after the plan was made, or has a step that is ``parked`` (not approved, by the names of
    :data:`matchpoint.profile.leavers.Step`), is only counted as absent and told; the next run looks again. So both
    are given, and kept in ``leavers_applied.jsonl``. A run that a newer one has overtaken does nothing, and one whose
    feed is in doubt, so that it does not ``count``, only tells.
    """
    if not counts:
        told = (one for some in read_leavers(folder) for one in some if one.step in FIELDS and not one.done)
        deviations = [(one.user_id, one.step, PARKED) for one in told]
        folder.write_lines(APPLIED, deviations)
        return deviations
    deviations = []
    with engine.connect() as connection:
        is_newest = absences.is_newest(connection, stamp.profile, stamp.run_id)
    for some in read_leavers(folder) if is_newest else ():
        with writing(engine).begin() as connection:
            deviations += _Batch(connection, stamp, as_of, frozenset(parked)).apply(some)
    folder.write_lines(APPLIED, deviations)
    return deviations


@dataclass
class _Batch:
    """Some people in one transaction."""

    connection: Connection
    stamp: Stamp
    as_of: str
    parked: frozenset[str]

    def apply(self, some: Sequence[Leaver]) -> list[Deviation]:
        """Write people and absences; give those who are only counted."""
        self._end(some)
        waiting = [one for one in some if one.step not in ENDED and not one.done]
        deviations = list(self._refused(waiting))
        refused = {user_id for user_id, *_ in deviations}
        stepped = [one for one in waiting if one.user_id not in refused]
        counted = [one for one in waiting if one.user_id in refused or one.step == "absent"]
        absences.note(self.connection, [self._counted(one) for one in counted], with_steps=False)
        told = [self._stepped(one) for one in stepped if one.step != "absent"]
        absences.note(self.connection, told, with_steps=True)
        return deviations

    def _end(self, some: Sequence[Leaver]) -> None:
        back = [one.user_id for one in some if one.step in {"returned", "present"}]
        gone = [one.user_id for one in some if one.step == "gone"]
        if back:
            absences.end(self.connection, back)
        if gone:
            absences.forget(self.connection, gone)

    def _refused(self, some: Sequence[Leaver]) -> Iterator[Deviation]:
        """Write the users who change; give those who may not be written."""
        steps = [one for one in some if one.step in FIELDS]
        for one in steps:
            if one.step in self.parked:
                yield one.user_id, one.step, PARKED
        changing = [one for one in steps if one.document and one.step not in self.parked]
        if not changing:
            return
        ids = [one.user_id for one in changing]
        done = absences.stepped_by(self.connection, self.stamp.run_id, ids)
        accounts = {one.id: one for one in lock(self.connection, ids)}
        free = []
        for one in changing:
            account = accounts.get(one.user_id)
            if account and account.version == one.version:
                free.append((account, (orjson.loads(one.document or "{}"), account.protected)))
            elif done.get(one.user_id) != (one.version or 0) + 1:
                yield one.user_id, one.step, CONFLICT
        act = Act(f"leavers {self.stamp.profile}", self.stamp.now, self.stamp.run_id, "leave")
        change(self.connection, free, act)

    def _counted(self, one: Leaver) -> Absence:
        of = (one.user_id, self.stamp.profile, one.feeds, self.as_of, self.stamp.run_id)
        return Absence(*of, step=None, step_run_id=None, before=None, next_on="", held=None)

    def _stepped(self, one: Leaver) -> Absence:
        of = (one.user_id, self.stamp.profile, one.feeds, self.as_of, self.stamp.run_id)
        by = self.stamp.run_id if one.step in FIELDS else None
        held = one.rule if one.step == "held" else None
        return Absence(*of, one.taken, by, one.before, one.next_on, held)
