"""What Alma's SIS job answered for a load: who was taken and who not, by its counters and events.

Events come only for rejected users (reference 7.1): that somebody was taken is known from nothing but the counts.
So the counts must tell the whole story, or nobody is said to be taken: the job met as many people as were sent, and
every rejected one is found among them. If not, those who were found are dead letters, all others stay due and are
sent again. Once more is harmless; a person who is said to be in Alma and is not would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, func, select

from matchpoint.deliver.events import Reason, keys_in, reason_of
from matchpoint.deliver.files import Load, Sent, sent_in
from matchpoint.deliver.outbox import Letter, bury, note_delivered
from matchpoint.deliver.receipt import TAKEN
from matchpoint.run_folder import RunFolder
from matchpoint.store import writing
from matchpoint.store.bulk import among, insert_or_update
from matchpoint.store.delivery_tables import dead_letters, deliveries
from matchpoint.store.tables import history

EVENTS = "delivery/events.jsonl"
"""The job's events in the run folder, as Alma told them."""
REJECTED = "delivery/rejected.jsonl"
"""Who was rejected, why, and where the person came from."""

_COUNTERS = {
    "rejected": r"reject",
    "unchanged": r"unchanged|not changed",
    "created": r"created",
    "updated": r"updated",
    "processed": r"users? processed",
}
"""What a counter's label has in it (reference 3.7; the codes of the counters are not found). "Total records
processed" counts files, and is none of them."""


@dataclass(frozen=True)
class Counters:
    """The counters of a job: users by what became of them, and all that were met."""

    processed: int
    rejected: int
    created: int
    updated: int
    unchanged: int

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> Counters:
        """Read them from an instance in Alma's JSON form; what is not counted is 0."""
        found: dict[str, int] = {}
        for one in instance.get("counter") or instance.get("counters") or []:
            kind = one.get("type") or {}
            label = re.sub(r"[\W_]+", " ", f"{kind.get('value', '')} {kind.get('desc', '')}").lower()
            name = next((name for name, pattern in _COUNTERS.items() if re.search(pattern, label)), None)
            if name:
                found[name] = int(one.get("value") or 0)
        ends = {name: found.get(name, 0) for name in ("rejected", *TAKEN)}
        return cls(processed=found.get("processed", sum(ends.values())), **ends)

    @property
    def add_up(self) -> bool:
        """Whether Alma's own law holds: processed is the sum of the others."""
        return self.processed == self.rejected + self.created + self.updated + self.unchanged


@dataclass
class Rejected:
    """The rejected people of a load who were found, by user id; and the numbers of events that fit nobody surely."""

    people: dict[int, tuple[Sent, Reason]] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What came of a load. ``doubt`` says why nobody was noted as taken; empty when everybody is accounted for."""

    sent: int
    counters: Counters
    found: int
    unknown: list[int]
    doubt: str

    @property
    def counts(self) -> dict[str, int]:
        """Give the people by what became of them, as the table of deliveries has it."""
        taken = {name: getattr(self.counters, name) for name in TAKEN} if not self.doubt else dict.fromkeys(TAKEN, 0)
        return taken | {"dead": self.found}


def find_rejected(folder: RunFolder) -> Rejected:
    """Join the events of a job to the people of its load, by whatever identifier an event tells.

    An event that fits several people, or none, is told by its number, counted from 1.
    """
    found, holders = (
        Rejected(),
        _holders(folder, {one for event in folder.read_lines(EVENTS) for one in keys_in(event)}),
    )
    for number, event in enumerate(folder.read_lines(EVENTS), start=1):
        fitting = {holders[one].user_id: holders[one] for one in keys_in(event) if one in holders}
        if len(fitting) == 1:
            person = next(iter(fitting.values()))
            found.people.setdefault(person.user_id, (person, reason_of(event)))
        else:
            found.unknown.append(number)
    return found


def _holders(folder: RunFolder, wanted: set[str]) -> dict[str, Sent]:
    """Give by identifier who in the load has it. An identifier is unique in a store, so it is one person's."""
    holders: dict[str, Sent] = {}
    for some in sent_in(folder) if wanted else ():
        for one in some:
            holders |= dict.fromkeys(wanted.intersection(orjson.loads(one.keys)), one)
    return holders


def doubt_of(sent: int, counters: Counters, rejected: Rejected) -> str:
    """Say why the answer does not account for everybody who was sent; "" when it does."""
    told = (
        f"Alma met {counters.processed} users: {counters.rejected} rejected, {counters.created} created, "
        f"{counters.updated} updated, {counters.unchanged} unchanged"
    )
    if not counters.add_up:
        return f"{told}; expected the sum to be right"
    if counters.processed != sent:
        return f"{told}; expected {sent}, as many as were sent. Did another file lie in Alma's folder, or a job run?"
    if counters.rejected != len(rejected.people):
        return f"{told}; expected an event for each rejected user that tells who it is, found {len(rejected.people)}"
    return ""


def take_answer(
    engine: Engine, folder: RunFolder, instance: Mapping[str, Any], *, profile: str, run_id: str, now: datetime
) -> Answer:
    """Note what the job of a load answered: dead letters, who is delivered, and the counts. May be repeated.

    An instance without counters of users is one that met nobody.
    """
    load, counters = Load.read(folder), Counters.of(instance)
    rejected = find_rejected(folder)
    doubt = doubt_of(load.people, counters, rejected)
    _bury(engine, rejected, profile, run_id, now)
    if not doubt:
        for some in sent_in(folder):
            taken = [(one.user_id, one.version) for one in some if one.user_id not in rejected.people]
            with writing(engine).begin() as connection:
                note_delivered(connection, taken)
    folder.write_lines(REJECTED, _told(engine, rejected))
    answer = Answer(load.people, counters, len(rejected.people), rejected.unknown, doubt)
    with writing(engine).begin() as connection:
        note_counts(connection, answer.counts, profile=profile, run_id=run_id, now=now)
    return answer


def _bury(engine: Engine, rejected: Rejected, profile: str, run_id: str, now: datetime) -> None:
    """Bury whom this run has not buried yet: an attempt counts once, however often its answer is taken."""
    with writing(engine).begin() as connection:
        query = select(dead_letters.c.user_id).where(dead_letters.c.run_id == run_id, ~dead_letters.c.retry)
        there = set(connection.scalars(query))
        letters = (
            Letter(user_id, one.version, why.code, why.message)
            for user_id, (one, why) in rejected.people.items()
            if user_id not in there
        )
        bury(connection, letters, profile=profile, run_id=run_id, now=now)


def _told(engine: Engine, rejected: Rejected) -> Iterator[dict[str, Any]]:
    """Give each rejected person with place in the load, reason, and the row and rule that it came from, if known."""
    people = rejected.people
    with engine.connect() as connection:
        rows = _rows_of(connection, people)
    for user_id, (one, why) in people.items():
        place = {"zip": one.zip, "file": one.file, "place": one.place}
        reason = {"code": why.code, "message": why.message}
        who = {"user_id": user_id, "version": one.version, "primary_id": one.primary_id}
        yield who | place | reason | rows.get(user_id, {})


def _rows_of(connection: Connection, user_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Give by user the newest row of an extract that made or changed it, the run, and by which rule."""
    columns = (history.c.user_id, history.c.run_id, history.c.extract, history.c.row, history.c.rule)
    query = select(*columns).where(among(connection, history.c.user_id, user_ids), history.c.extract.is_not(None))
    found = connection.execute(query.order_by(history.c.user_id, history.c.version)).mappings()
    return {one["user_id"]: {name: one[name] for name in ("run_id", "extract", "row", "rule")} for one in found}


def note_counts(
    connection: Connection, taken: Mapping[str, int], *, profile: str, run_id: str, now: datetime
) -> None:
    """Set the counts of a delivery: who was ``taken``, and as ``dead`` all whom it buried, for the schema, too."""
    query = select(func.count()).select_from(dead_letters)
    dead = connection.scalar(query.where(dead_letters.c.run_id == run_id, ~dead_letters.c.retry))
    counts = {**taken, "dead": dead}
    new = {"run_id": run_id, "profile": profile, "door": "sftp", "started_at": now, "counts": counts}
    written = insert_or_update(connection, deliveries).values(new)
    connection.execute(written.on_conflict_do_update(index_elements=["run_id"], set_={"counts": counts}))
