"""The account of one person, as plain values. It is all about the person: for the one who asked, and for no log."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class SeenRow:
    """A row that has one of the person's identifiers, in a run of late.

    ``extract`` is the file's label, or its SHA-256 where the run folder is gone. ``outcome`` is what became of the
    row, "" where it is no longer known, ``why`` the reasons, ``applied`` whether the run's plan was applied.
    """

    run_id: str
    profile: str
    mode: str
    planned_at: str
    extract: str
    row: int
    outcome: str
    why: list[str]
    applied: bool


@dataclass(frozen=True)
class Tried:
    """A match point of the newest row, in order, with the row's value and what it hits now."""

    match_point: str
    value: str
    hit: str


@dataclass(frozen=True)
class Fired:
    """A mapping rule at work on the newest row: place, the source that won, what was in it, converters, value."""

    place: str
    source: str
    found: str
    converters: list[str]
    value: str


@dataclass(frozen=True)
class Origin:
    """Where a field, or one part of a kind of segment, comes from."""

    field: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Changed:
    """A change in the history: when, by whom, by which rule, in which run and row; per field before and after."""

    at: str
    version: int
    outcome: str
    actor: str
    rule: str | None
    run_id: str | None
    row: int | None
    fields: dict[str, list[Any]]


@dataclass(frozen=True)
class Planned:
    """What the newest plan that was not applied would do to the person."""

    run_id: str
    planned_at: str
    outcome: str
    why: str
    fields: dict[str, list[Any]]


@dataclass
class Why:
    """Everything about one person. ``user`` is the user now, None when there is none; ``notes`` say what is missing.

    ``rule_row`` names the row that keys and rules are told of; ``protections`` has the SIS's value by field.
    """

    identifier: str
    user: dict[str, Any] | None = None
    version: int | None = None
    deleted: bool = False
    rows: list[SeenRow] = field(default_factory=list)
    rule_row: str = ""
    tried: list[Tried] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    protections: dict[str, Any] = field(default_factory=dict)
    changes: list[Changed] = field(default_factory=list)
    planned: Planned | None = None
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)
