"""Statistics of columns: how often each is empty, and which codes those have that hold codes.

A code is kept when many rows share it, in a column that fills a field for which Alma has a code table, and nothing
else. So no name, number or address is kept, not even where the columns of a file have moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from matchpoint.alma.fields import PRIMARY_ID, SEGMENTS, Kind, User, mappable_core_fields
from matchpoint.profile import Profile
from matchpoint.profile.mapping import SEGMENT_RULES, rules_of

MAX_CODES = 50
"""A column with more different values holds no codes."""
MIN_ROWS = 5
"""A value that fewer rows have is not kept: it might be somebody's own."""
MAX_LENGTH = 40
"""A longer value is no code."""

_CODED = {one.name for one in mappable_core_fields() if one.kind is Kind.CODE} | {
    f"{segment.mapping}.{one.name}" for segment in SEGMENTS for one in segment.fields if one.kind is Kind.CODE
}


def code_columns(profile: Profile) -> set[str]:
    """Name the columns that fill coded fields of Alma only."""
    if profile.mapping is None:
        return {one for one in _CODED if "." not in one}
    coded: set[str] = set()
    others: set[str] = set()
    for place, rule in rules_of(profile.mapping):
        segment, _, name = place.partition("[")
        field = f"{segment}.{name.partition('].')[2]}" if segment in SEGMENT_RULES else place
        (coded if field in _CODED else others).update(rule.columns)
    return coded - others


class Columns:
    """Counts of the columns of a sample. ``coded`` are those of which values are counted, too."""

    def __init__(self, coded: Iterable[str]) -> None:
        self.rows = 0
        self._empty: Counter[str] = Counter()
        self._values: dict[str, Counter[str]] = {name: Counter() for name in coded}

    def add(self, frame: pd.DataFrame) -> None:
        """Count the rows of a frame of strings."""
        self.rows += len(frame)
        for name in frame.columns:
            values = pc.utf8_trim_whitespace(pa.array(frame[name], pa.large_string()))
            empty = pc.sum(pc.equal(values, "")).as_py() or 0
            self._empty[name] += empty
            if name in self._values:
                for one in pc.value_counts(values).to_pylist():
                    self._values[name][one["values"]] += one["counts"]

    def add_users(self, users: Iterable[User]) -> None:
        """Count users as if each field and kind of segment were a column."""
        some = [_flat(user) for user in users]
        self.add(pd.DataFrame(some, columns=_FLAT, dtype="str").fillna(""))

    def told(self) -> dict[str, dict[str, Any]]:
        """Give, per column, ``empty``, the share of rows without a value, and what there is to say of its codes.

        ``codes`` are the shares of rows per code that is kept, ``others`` that of all other values together, and
        ``different`` how many values there are. ``codes`` is None for a column that holds none, or too many values.
        """
        told: dict[str, dict[str, Any]] = {}
        for name, empty in self._empty.items():
            told[name] = {"empty": round(empty / self.rows, 6) if self.rows else 0.0, "codes": None}
            if name in self._values:
                told[name] |= _codes(self._values[name], self.rows)
        return told


def _codes(values: Mapping[str, int], rows: int) -> dict[str, Any]:
    said = {value: times for value, times in values.items() if value}
    if len(said) > MAX_CODES:
        return {"codes": None, "different": len(said)}
    kept = {value: times for value, times in said.items() if times >= MIN_ROWS and len(value) <= MAX_LENGTH}
    others = sum(said.values()) - sum(kept.values())
    shares = {value: round(times / rows, 6) for value, times in sorted(kept.items())}
    return {"codes": shares, "others": round(others / rows, 6) if rows else 0.0, "different": len(said)}


_FLAT = [one.name for one in mappable_core_fields()] + [segment.name for segment in SEGMENTS]


def _flat(user: User) -> dict[str, str]:
    cells = {}
    for core in mappable_core_fields():
        value = user.get(core.name, "")
        cells[core.name] = str(value["value"] if isinstance(value, dict) else value)
    cells |= {segment.name: "x" if segment.parts(user) else "" for segment in SEGMENTS}
    cells[PRIMARY_ID] = "x" if cells[PRIMARY_ID] else ""
    return cells
