"""Finding the leavers of a run: who of a profile's people is absent from its feed, and whose absence ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import orjson
from sqlalchemy import Connection, select

from matchpoint.alma.fields import User
from matchpoint.alma.law import changes
from matchpoint.chunks import chunks
from matchpoint.hashes import Hashes
from matchpoint.leavers.files import BATCH_ROWS, Leaver
from matchpoint.leavers.obligations import told_by_record
from matchpoint.leavers.policy import FIELDS, Verdict, next_step
from matchpoint.leavers.present import Present
from matchpoint.profile.leavers import Leavers
from matchpoint.store import absences
from matchpoint.store.absences import SoFar
from matchpoint.store.bulk import among
from matchpoint.store.obligations import owed_by
from matchpoint.store.tables import users

_NOBODY: Hashes = np.array([], dtype=np.int64)


@dataclass
class Absent:
    """The absent people of a profile. ``held`` (the clearance list) and ``settled`` are filled on the way.

    ``keep`` are users who are no leavers though they are absent: another profile has them.
    """

    connection: Connection
    profile: str
    leavers: Leavers
    present: Present
    run_id: str
    as_of: date
    keep: Hashes = field(default_factory=lambda: _NOBODY)

    def __post_init__(self) -> None:
        self.today = self.as_of.isoformat()
        self.users = absences.profile_users(self.connection, self.profile)
        last = self.leavers.steps[-1]
        self.noted = absences.states(self.connection, self.profile, self.run_id, last_step=last, as_of=self.today)
        self.held: list[dict[str, Any]] = []
        self.settled = 0

    def ended(self, told_before: Hashes = _NOBODY) -> Iterator[Leaver]:
        """Give those whose absence ends; ``told_before`` are users whom an earlier plan of this run brought back."""
        ids = self.noted["user_id"]
        gone = np.isin(ids, self.keep) | ~np.isin(ids, self.users)
        accepted = np.isin(ids, self.present.accepted) & ~gone
        named = np.isin(ids, self.present.named) & ~gone
        back = accepted & self.noted["has_step"]
        again = told_before[np.isin(told_before, self.present.accepted) & ~np.isin(told_before, ids)]
        yield from self._in_groups(np.concatenate([ids[back], again]), "returned", "in the feed again")
        for step, some in (("present", (accepted & ~back) | named), ("gone", gone)):
            yield from (Leaver(user_id, step) for user_id in ids[some].tolist())

    def absent(self) -> Iterator[Leaver]:
        """Give those who are absent, but for the settled ones: of them nothing is new."""
        here = (np.isin(self.users, some) for some in (self.present.accepted, self.present.named, self.keep))
        away = self.users[~np.logical_or.reduce(list(here))]
        now = np.zeros(len(away), dtype=absences.STATE)
        now["user_id"], now["may_step"] = away, True
        known = self.noted[np.isin(self.noted["user_id"], away)]
        now[np.searchsorted(away, known["user_id"])] = known
        enough = self.leavers.after_feeds
        counts = ~now["counted"] & (now["feeds"] < enough)
        now["feeds"] += counts
        due = (now["feeds"] >= enough) & now["may_step"] & ~now["stepped"]
        settled = now["has_step"] & (now["feeds"] >= enough) & ~now["stepped"] & ~due
        self.settled += int(settled.sum())
        yield from self._counted(now[~due & ~now["stepped"] & ~settled])
        yield from self._done(now[now["stepped"]])
        yield from self._due(now[due])

    def _counted(self, some: np.ndarray[Any, Any]) -> Iterator[Leaver]:
        feeds = dict(zip(some["user_id"].tolist(), some["feeds"].tolist(), strict=True))
        rule = f"absent from fewer than {self.leavers.after_feeds} full feeds"
        for one in self._in_groups(some["user_id"], "absent", rule):
            yield replace(one, feeds=feeds[one.user_id])

    def _done(self, some: np.ndarray[Any, Any]) -> Iterator[Leaver]:
        """Tell again what this run did before."""
        steps: dict[int, SoFar] = {}
        for ids in chunks(some["user_id"].tolist(), BATCH_ROWS):
            steps |= absences.so_far(self.connection, ids)
        for one in self._in_groups(some["user_id"], "", "this run did so"):
            yield replace(one, step=steps[one.user_id].step or "", done=True)

    def _in_groups(self, user_ids: Hashes, step: str, rule: str) -> Iterator[Leaver]:
        group = users.c.document[("user_group", "value")].as_string()
        for ids in chunks(user_ids.tolist(), 5 * BATCH_ROWS):
            query = select(users.c.id, group).where(among(self.connection, users.c.id, ids)).order_by(users.c.id)
            yield from (Leaver(user_id, step, rule, found) for user_id, found in self.connection.execute(query))

    def _due(self, some: np.ndarray[Any, Any]) -> Iterator[Leaver]:
        feeds = dict(zip(some["user_id"].tolist(), some["feeds"].tolist(), strict=True))
        for ids in chunks(feeds, BATCH_ROWS):
            so_far, owed = absences.so_far(self.connection, ids), owed_by(self.connection, ids)
            query = select(users.c.id, users.c.version, users.c.document)
            query = query.where(among(self.connection, users.c.id, ids)).order_by(users.c.id)
            for user_id, version, user in self.connection.execute(query):
                past = so_far.get(user_id, SoFar(None, {}, self.today))
                holds = [*owed.get(user_id, ()), *told_by_record(user, self.as_of)]
                verdict = next_step(user, past.before, self.leavers, self.as_of, list(dict.fromkeys(holds)))
                self._note(verdict, user, past)
                yield _leaver(user, verdict, past, user_id=user_id, version=version, feeds=feeds[user_id])

    def _note(self, verdict: Verdict, user: User, past: SoFar) -> None:
        self.settled += verdict.step == "settled"
        if verdict.step == "held":
            told = {"primary_id": user["primary_id"], "user_group": user.get("user_group", {}).get("value")}
            self.held.append({**told, "first_absent": past.first_absent, "why": verdict.rule})


def _leaver(user: User, verdict: Verdict, past: SoFar, *, user_id: int, version: int, feeds: int) -> Leaver:
    return Leaver(
        user_id,
        verdict.step,
        verdict.rule,
        user.get("user_group", {}).get("value"),
        version=version,
        changes=_json(changes(user, verdict.user)) if verdict.user else None,
        document=_json(verdict.user) if verdict.user else None,
        feeds=feeds,
        taken=verdict.step if verdict.step in FIELDS else past.step,
        before=_json(verdict.before) if verdict.before else None,
        next_on=verdict.next_on,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
