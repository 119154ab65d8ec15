"""Applying the plan's part about leavers: exactly what it says, in bounded transactions, as often as one likes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection, Engine

from matchpoint.accounts.rules import Account
from matchpoint.accounts.store import Act, change, lock
from matchpoint.errors import AccountError
from matchpoint.leavers.files import APPLIED, CONFLICT, ENDED, PARKED, STEPS, Leaver, read_leavers
from matchpoint.run_folder import RunFolder
from matchpoint.store import absences, affiliations
from matchpoint.store.absences import HAND_OVER, Absence
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
    :data:`matchpoint.leavers.files.STEPS`), is only counted as absent and told; the next run looks again. So both
    are given, and kept in ``leavers_applied.jsonl``. A run that a newer one has overtaken does nothing, and one whose
    feed is in doubt, so that it does not ``count``, only tells.
    """
    if not counts:
        told = (one for some in read_leavers(folder) for one in some if one.step in STEPS and not one.done)
        deviations = [(one.user_id, one.step, PARKED) for one in told]
        folder.write_lines(APPLIED, deviations)
        return deviations
    deviations = []
    with engine.connect() as connection:
        is_newest = absences.is_newest(connection, stamp.profile, stamp.run_id)
    how = _How(stamp, as_of, frozenset(parked))
    for some in read_leavers(folder) if is_newest else ():
        deviations += _apply(engine, some, how)
    folder.write_lines(APPLIED, deviations)
    return deviations


@dataclass(frozen=True)
class _How:
    """What holds for all people of a run; ``is_taken`` refuses every change."""

    stamp: Stamp
    as_of: str
    parked: frozenset[str]
    is_taken: bool = False


def _apply(engine: Engine, some: Sequence[Leaver], how: _How) -> list[Deviation]:
    """Apply some people in one transaction, or each alone where somebody has taken an identifier meanwhile."""
    try:
        with writing(engine).begin() as connection:
            return _Batch(connection, how).apply(some)
    except AccountError:
        alone = replace(how, is_taken=len(some) == 1)
        groups = [[one] for one in some]
        return [deviation for group in groups for deviation in _apply(engine, group, alone)]


class _Batch:
    """Some people in one transaction."""

    def __init__(self, connection: Connection, how: _How) -> None:
        self.connection = connection
        self.how = how
        self.stamp = how.stamp

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
            absences.end(self.connection, self.stamp.profile, back)
        if gone:
            absences.forget(self.connection, self.stamp.profile, gone)

    def _refused(self, some: Sequence[Leaver]) -> Iterator[Deviation]:
        """Write the users who change; give those who may not be written."""
        steps = [one for one in some if one.step in STEPS]
        for one in steps:
            if one.step in self.how.parked:
                yield one.user_id, one.step, PARKED
        changing = [one for one in steps if (one.document or one.facets) and one.step not in self.how.parked]
        if not changing:
            return
        ids = [one.user_id for one in changing]
        done = absences.stepped_by(self.connection, self.stamp.run_id, ids)
        accounts = {one.id: one for one in lock(self.connection, ids)}
        shared = affiliations.runs_of(self.connection, ids)
        free = []
        for one in changing:
            account, found = accounts.get(one.user_id), shared.get(one.user_id, {})
            if account and self._is_as_seen(one, account, found):
                free.append((one, account))
            elif not self._is_done(one, found, done.get(one.user_id)):
                yield one.user_id, one.step, CONFLICT
        self._write(free)

    def _is_as_seen(self, one: Leaver, account: Account, found: Mapping[str, str | None]) -> bool:
        is_same = affiliations.has_seen(one.facets, found, self.stamp.run_id)
        return is_same and account.version == one.version and not self.how.is_taken

    def _is_done(self, one: Leaver, found: Mapping[str, str | None], version: int | None) -> bool:
        """Tell whether an earlier try wrote somebody: by the version it made, or else by the facet that is gone."""
        if one.document:
            return version == (one.version or 0) + 1
        return self.stamp.profile not in found

    def _write(self, some: Sequence[tuple[Leaver, Account]]) -> None:
        for rule in ("leave", HAND_OVER):
            act = Act(f"leavers {self.stamp.profile}", self.stamp.now, self.stamp.run_id, rule)
            by_rule = [(one, account) for one, account in some if (one.step == HAND_OVER) == (rule == HAND_OVER)]
            states = (
                (account, (orjson.loads(one.document), account.protected)) for one, account in by_rule if one.document
            )
            change(self.connection, states, act)
        facets = {one.user_id: one.facets for one, _ in some if one.facets}
        affiliations.replace_facets(self.connection, facets, self.stamp.now)

    def _counted(self, one: Leaver) -> Absence:
        of = (one.user_id, self.stamp.profile, one.feeds, self.how.as_of, self.stamp.run_id)
        return Absence(*of, step=None, step_run_id=None, before=None, next_on="", held=None)

    def _stepped(self, one: Leaver) -> Absence:
        of = (one.user_id, self.stamp.profile, one.feeds, self.how.as_of, self.stamp.run_id)
        by = self.stamp.run_id if one.step in STEPS else None
        held = one.rule if one.step == "held" else None
        return Absence(*of, one.taken, by, one.before, one.next_on, held)
