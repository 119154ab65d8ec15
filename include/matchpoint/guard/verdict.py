"""What the guard says of a plan, and what a person answers. In the run folder as ``guard.json``; it names nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from matchpoint.outcomes import Outcome
from matchpoint.run_folder import RunFolder

EVERYTHING = frozenset({"create", "update", "leave", "feed"})
"""All that a run writes, by category (:data:`matchpoint.profile.guard.Category`); ``feed`` stands for what a feed as
a whole says: that people are absent from it."""


CATEGORY: Mapping[str, str] = MappingProxyType(
    {
        Outcome.CREATED: "create",
        Outcome.UPDATED: "update",
        Outcome.REJECTED: "reject",
        Outcome.CONFLICT: "reject",
    }
)
"""The category of a planned row, by its outcome; rows of other outcomes do nothing to people."""


class Answer(StrEnum):
    """What became of the question that a run asked. The first three are the answers a person may choose."""

    APPROVE = "Approve all"
    WITHOUT_REMOVALS = "Approve without the removals"
    REJECT = "Reject"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Trip:
    """A limit that a plan reached.

    ``category`` is one of :data:`matchpoint.profile.guard.Category`, or ``feed`` where the feed itself is doubtful.
    ``group`` is the user group, "" for all. ``people`` is how many it would be, ``limit`` how many may be without
    asking, ``learned`` whether that was learned from like weeks. ``text`` says it in words, without a person's data.
    """

    category: str
    text: str
    group: str = ""
    people: int = 0
    limit: int = 0
    learned: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the guard found: the limits reached, the categories that wait, and what it counted.

    ``people`` counts by category and user group, ``fields`` the updated users per changed field, ``examples`` are
    file name and row number per category, ``of`` is how many people the profile had, ``quarantine`` the reason why
    the profile is stopped, or None. ``answer``, ``answered_by`` and ``answered_at`` come later.
    """

    trips: list[Trip]
    parked: list[str]
    people: dict[str, dict[str, int]]
    fields: dict[str, int]
    examples: dict[str, list[list[Any]]]
    of: int
    processed: int
    sizes: dict[str, int] = field(default_factory=dict)
    quarantine: str | None = None
    answer: str | None = None
    answered_by: str | None = None
    answered_at: str | None = None

    def write(self, folder: RunFolder) -> None:
        """Write ``guard.json``."""
        folder.write_json("guard.json", asdict(self))

    @classmethod
    def read(cls, folder: RunFolder) -> Judgement | None:
        """Read ``guard.json``; None where the plan was not judged."""
        said: Mapping[str, Any] | None = folder.find_json("guard.json")
        if said is None:
            return None
        return cls(**{**said, "trips": [Trip(**one) for one in said["trips"]]})

    @property
    def asks(self) -> bool:
        """Whether a person is to be asked."""
        return bool(self.parked)


def withheld_by(parked: Collection[str], answer: str | None) -> frozenset[str]:
    """Give the categories that may not be applied, while a question waits (None) and after it was answered."""
    if answer == Answer.APPROVE:
        return frozenset()
    if answer == Answer.WITHOUT_REMOVALS:
        return frozenset(parked) & {"leave", "feed"}
    return frozenset(parked)
