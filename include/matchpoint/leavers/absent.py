"""Finding the leavers of a run: who of a profile's people is absent from its feed, and whose absence ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from matchpoint.alma.fields import User
from matchpoint.alma.law import changes
from matchpoint.canonical import canonical
from matchpoint.chunks import chunks
from matchpoint.hashes import Hashes
from matchpoint.leavers.files import BATCH_ROWS, STEPS, Leaver
from matchpoint.leavers.obligations import told_by_record
from matchpoint.leavers.policy import TAKEN, Verdict, hand_over_step, next_step
from matchpoint.leavers.present import Present
from matchpoint.leavers.roles import Roles, Share
from matchpoint.profile.leavers import Leavers
from matchpoint.store import absences
from matchpoint.store.absences import SoFar
from matchpoint.store.bulk import among
from matchpoint.store.obligations import owed_by
from matchpoint.store.tables import users

_NOBODY: Hashes = np.array([], dtype=np.int64)


@dataclass
class Absent:
    """The absent people of a profile. ``held`` (the clearance list) and ``settled`` are filled on the way."""

    connection: Connection
    profile: str
    leavers: Leavers
    present: Present
    roles: Roles
    run_id: str
    as_of: date

    def __post_init__(self) -> None:
        self.today = self.as_of.isoformat()
        self.users = self.roles.people
        last = self.leavers.steps[-1]
        self.noted = absences.states(self.connection, self.profile, self.run_id, last_step=last, as_of=self.today)
        self._just_handed = self.noted["handed"] & self.noted["stepped"]
        self.held: list[dict[str, Any]] = []
        self.settled = 0

    def ended(self, told_before: Hashes = _NOBODY) -> Iterator[Leaver]:
        """Give those whose absence ends; ``told_before`` are users whom an earlier plan of this run brought back."""
        ids = self.noted["user_id"]
        gone = (self.noted["handed"] | ~np.isin(ids, self.users)) & ~self._just_handed
        accepted = np.isin(ids, self.present.accepted) & ~gone
        named = np.isin(ids, self.present.named) & ~gone
        back = accepted & self.noted["has_step"]
        again = told_before[np.isin(told_before, self.present.accepted) & ~np.isin(told_before, ids)]
        yield from self._in_groups(np.concatenate([ids[back], again]), "returned", "in the feed again")
        for step, some in (("present", (accepted & ~back) | named), ("gone", gone)):
            yield from (Leaver(user_id, step) for user_id in ids[some].tolist())

    def absent(self) -> Iterator[Leaver]:
        """Give those who are absent, but for the settled ones: of them nothing is new."""
        handed = self.noted[self._just_handed]
        present = (self.present.accepted, self.present.named, handed["user_id"])
        here = (np.isin(self.users, some) for some in present)
        away = self.users[~np.logical_or.reduce(list(here))]
        now = np.zeros(len(away), dtype=absences.STATE)
        now["user_id"], now["may_step"] = away, True
        known = self.noted[np.isin(self.noted["user_id"], away) & ~self.noted["handed"]]
        now[np.searchsorted(away, known["user_id"])] = known
        enough = self.leavers.after_feeds
        counts = ~now["counted"] & (now["feeds"] < enough)
        now["feeds"] += counts
        waits = (now["feeds"] >= enough) & ~now["stepped"]
        due = waits & (now["may_step"] | np.isin(away, self.roles.lasting(away[waits])))
        settled = now["has_step"] & waits & ~due
        self.settled += int(settled.sum())
        yield from self._counted(now[~due & ~now["stepped"] & ~settled])
        yield from self._done(np.concatenate([now[now["stepped"]], handed]))
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
            steps |= absences.so_far(self.connection, self.profile, ids)
        for one in self._in_groups(some["user_id"], "", "this run did so"):
            past = steps[one.user_id]
            group = past.before.get("user_group", {"value": one.user_group})["value"]
            yield replace(one, step=past.step or "", user_group=group, done=True)

    def _in_groups(self, user_ids: Hashes, step: str, rule: str) -> Iterator[Leaver]:
        group = users.c.document[("user_group", "value")].as_string()
        for ids in chunks(user_ids.tolist(), 5 * BATCH_ROWS):
            query = select(users.c.id, group).where(among(self.connection, users.c.id, ids)).order_by(users.c.id)
            yield from (Leaver(user_id, step, rule, found) for user_id, found in self.connection.execute(query))

    def _due(self, some: np.ndarray[Any, Any]) -> Iterator[Leaver]:
        feeds = dict(zip(some["user_id"].tolist(), some["feeds"].tolist(), strict=True))
        for ids in chunks(feeds, BATCH_ROWS):
            so_far, owed = absences.so_far(self.connection, self.profile, ids), owed_by(self.connection, ids)
            query = select(users.c.id, users.c.version, users.c.document)
            query = query.where(among(self.connection, users.c.id, ids)).order_by(users.c.id)
            shares = self.roles.shares(ids)
            for user_id, version, user in self.connection.execute(query):
                past, share = so_far.get(user_id, SoFar(None, {}, self.today)), shares.get(user_id)
                seen = (share.user.before, share.user.version) if share else (user, version)
                verdict = self._verdict(seen[0], past, share, owed.get(user_id, ()))
                self._note(verdict, seen[0], past)
                one = _leaver(seen[0], verdict, past, user_id=user_id, version=seen[1], feeds=feeds[user_id])
                yield replace(one, facets=share.facets) if share and one.step in STEPS else one

    def _verdict(self, user: User, past: SoFar, share: Share | None, owed: Iterable[str]) -> Verdict:
        """Decide about somebody; a leaver who is shared is first put right, as the roles make the user on the day."""
        after = share.user.after if share else user
        if share and share.goes_on:
            how: Any = {"before": past.before, "is_taken": share.is_taken}
            return hand_over_step(user, after, self.leavers, self.as_of, **how)
        holds = [*owed, *told_by_record(after, self.as_of), *([TAKEN] if share and share.is_taken else ())]
        verdict = next_step(after, past.before, self.leavers, self.as_of, list(dict.fromkeys(holds)))
        return verdict if verdict.user or verdict.step not in STEPS else replace(verdict, user=after)

    def _note(self, verdict: Verdict, user: User, past: SoFar) -> None:
        self.settled += verdict.step == "settled"
        if verdict.step == "held":
            told = {"primary_id": user["primary_id"], "user_group": user.get("user_group", {}).get("value")}
            self.held.append({**told, "first_absent": past.first_absent, "why": verdict.rule})


def _leaver(user: User, verdict: Verdict, past: SoFar, *, user_id: int, version: int, feeds: int) -> Leaver:
    changed = changes(user, verdict.user) if verdict.user else None
    return Leaver(
        user_id,
        verdict.step,
        verdict.rule,
        user.get("user_group", {}).get("value"),
        version=version,
        changes=canonical(changed) if changed else None,
        document=canonical(verdict.user) if changed else None,
        feeds=feeds,
        taken=verdict.step if verdict.step in STEPS else past.step,
        before=canonical(verdict.before) if verdict.before else None,
        next_on=verdict.next_on,
    )
