"""A delivery as it goes on: people come with what Alma was given of them last, and what became of them is noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from matchpoint.deliver.decide import KEPT_OUT, Person
from matchpoint.deliver.outbox import Due, Letter, bury, due, note_delivered
from matchpoint.deliver.receipt import TAKEN, add
from matchpoint.deliver.words import words_of
from matchpoint.store.engine import writing
from matchpoint.store.history import users_at


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a person: ``created``, ``updated``, ``unchanged``, or ``code`` for why Alma did not take it."""

    due: Due
    outcome: str = ""
    code: str = ""

    @property
    def word(self) -> str:
        """The column of the receipt."""
        return self.outcome or ("kept_out" if self.code == KEPT_OUT else "dead")


def people_due(engine: Engine, profile: str, most: int) -> Iterator[Person]:
    """Give at most so many people who are due, the newest changes first; read in lots."""
    for lot in due(engine, profile, most):
        with engine.connect() as connection:
            before = users_at(
                connection, {one.user_id: one.delivered_version for one in lot if one.delivered_version}
            )
        for one in lot:
            yield Person(one, before.get(one.user_id))


@dataclass(frozen=True)
class Progress:
    """Notes for one delivery of a profile into its store."""

    engine: Engine
    profile: str
    run_id: str

    def note(self, done: Sequence[Done], *, requests: int, seconds: float, now: datetime) -> None:
        """Note what became of some people, in one transaction, with the requests and seconds that it took."""
        taken = [(one.due.user_id, one.due.version) for one in done if one.word in TAKEN]
        refused = [one for one in done if one.word not in TAKEN]
        letters = [Letter(one.due.user_id, one.due.version, one.code, words_of(one.code)) for one in refused]
        counts = Counter(one.word for one in done)
        with writing(self.engine).begin() as connection:
            note_delivered(connection, taken)
            bury(connection, letters, profile=self.profile, run_id=self.run_id, now=now)
            add(connection, self.run_id, {**counts, "requests": requests, "seconds": seconds})
