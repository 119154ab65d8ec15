"""The plan of an undo: user by user what would be taken back. It is frozen once made; apply executes exactly it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from matchpoint.errors import PlanError
from matchpoint.record_files import read_records, write_records
from matchpoint.run_folder import RunFolder, sha256
from matchpoint.undo.traces import EXISTS
from matchpoint.undo.verdicts import WORDS, Deed

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class UndoRow:
    """One user of an undo.

    ``version`` is the user's as it was seen, ``changes`` JSON of the changed fields with the value now and then,
    ``left`` JSON of why others are left: by field a code of :data:`WORDS` and the actor of the change that covers it.
    Rows of the same ``group``, -1 for none, hand identifiers to each other and are written together. ``done`` marks
    a user whom this undo has treated already.
    """

    user_id: int
    version: int
    primary_id: str
    deed: Deed
    changes: str | None = None
    left: str | None = None
    group: int = -1
    done: bool = False

    @property
    def changed(self) -> dict[str, list[Any]]:
        """The changed fields, each with its value now and then."""
        return dict(orjson.loads(self.changes or "{}"))

    @property
    def why_left(self) -> str:
        """Why fields, or the whole user, are left as they are; "" when nothing is."""
        by_reason: dict[str, list[str]] = {}
        for name, (code, actor) in orjson.loads(self.left or "{}").items():
            by_reason.setdefault(f"{WORDS[code]}{f', by {actor}' if actor else ''}", []).append(name)
        told = (f"{', '.join(some)}: {why}" if some != [EXISTS] else why for why, some in by_reason.items())
        return "; ".join(told)


def write_rows(folder: RunFolder, rows: Iterable[UndoRow]) -> None:
    """Write ``undo.parquet``."""
    write_records(folder.path("undo.parquet"), UndoRow, rows, size=_BATCH)


def read_rows(folder: RunFolder) -> Iterator[UndoRow]:
    """Read the plan user by user; raises :class:`PlanError` when there is none."""
    try:
        for some in read_records(folder.root.joinpath("undo.parquet"), UndoRow, size=_BATCH):
            yield from some
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no undo.parquet; make the plan first") from None


def rows_sha256(folder: RunFolder) -> str:
    """Give the hash of the plan."""
    try:
        return sha256(folder.root.joinpath("undo.parquet"))
    except FileNotFoundError:
        raise PlanError(f"{folder.root}: found no undo.parquet; make the plan first") from None


class Tally:
    """Counts rows as they go by."""

    def __init__(self) -> None:
        self.deeds: Counter[str] = Counter()
        self.fields: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.partly = 0

    def of(self, rows: Iterable[UndoRow]) -> Iterator[UndoRow]:
        """Count rows and pass them on."""
        for row in rows:
            self.deeds[row.deed] += 1
            left = orjson.loads(row.left or "{}")
            self.reasons.update({code for code, _ in left.values()})
            self.partly += bool(left) and row.deed != "leave"
            self.fields.update(row.changed.keys())
            yield row

    def counts(self) -> dict[str, Any]:
        """Give users by what becomes of them, users whose change is not taken back whole, fields and reasons."""
        return {
            "users": self.deeds.total(),
            "changed": self.deeds["change"],
            "deleted": self.deeds["delete"],
            "created": self.deeds["create"],
            "left": self.deeds["leave"],
            "partly": self.partly,
            "fields": dict(self.fields.most_common()),
            "reasons": dict(self.reasons.most_common()),
        }
