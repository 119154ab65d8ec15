"""Some rows of an extract read anew, and what each rule of the mapping makes of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.joined import read_joined
from matchpoint.mapping.users import map_rows, users_of
from matchpoint.profile import AlmaXmlFormat, Profile
from matchpoint.profile.converters import Converter, CrosswalkConverter
from matchpoint.profile.mapping import Column, Constant, FieldRule, Template, rules_of
from matchpoint.read.alma_xml import read_alma_xml
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.why.account import Fired


@dataclass(frozen=True)
class RawRow:
    """A row with its cells as the extract has them, what the mapping makes of them by place, and the user."""

    label: str
    row: int
    cells: Mapping[str, str]
    mapped: Mapping[str, str]
    user: User

    @property
    def keys(self) -> set[str]:
        """The identifiers of the row, case-folded."""
        return {key(value) for _, value in identifiers(self.user)}


def read_raw(
    folder: RunFolder, extract: Extract, profile: Profile, as_of: date, wanted: set[int]
) -> dict[int, RawRow]:
    """Read some rows of an extract by number, mapped by the profile as it is; raises as the readers do."""
    return {one.row: one for one in _read(folder, extract, profile, as_of, wanted)}


def _read(folder: RunFolder, extract: Extract, profile: Profile, as_of: date, wanted: set[int]) -> Iterator[RawRow]:
    form, last = profile.format, max(wanted)
    with folder.root.joinpath(extract.path).open("rb") as file:
        if isinstance(form, AlmaXmlFormat):
            for row, user, _ in read_alma_xml(file, extract.label, form):
                if row in wanted:
                    yield RawRow(extract.label, row, {}, {}, user)
            return
        for frame, _ in read_joined(folder, file, extract, profile, form):
            some = frame[frame.index.isin(list(wanted))]
            if len(some):
                yield from _mapped(some, extract.label, profile, as_of)
            if len(frame) and frame.index[-1] >= last:
                return


def _mapped(frame: pd.DataFrame, label: str, profile: Profile, as_of: date) -> Iterator[RawRow]:
    columns, _ = map_rows(frame, profile, as_of)
    rows = frame.index.tolist()
    users = users_of(columns, rows, profile)
    for place, row in enumerate(rows):
        cells = {str(name): str(value) for name, value in frame.iloc[place].items()}
        yield RawRow(label, row, cells, {name: values.iloc[place] for name, values in columns.items()}, users[row])


def fired(row: RawRow, profile: Profile) -> Iterator[Fired]:
    """Tell which rules of the mapping gave a row a value, or lost the one it had."""
    if profile.mapping is None:
        return
    for place, rule in rules_of(profile.mapping):
        source, found = _source(rule, row.cells)
        value = row.mapped.get(place, "")
        if value or found:
            yield Fired(place, source, found, [_name(one) for one in rule.convert], value)


def _source(rule: FieldRule, cells: Mapping[str, str]) -> tuple[str, str]:
    """Give the source that won, and what was in it."""
    for source in rule.sources:
        if isinstance(source, Constant):
            return "constant", source.constant
        if isinstance(source, Column) and cells.get(source.column, "").strip():
            return source.column, cells[source.column]
        if isinstance(source, Template):
            parts = {name: cells.get(name, "").strip() for name in source.columns}
            if all(parts.values()):
                return source.template, source.template.format_map(parts)
    return " or ".join(rule.columns), ""


def _name(converter: Converter) -> str:
    if isinstance(converter, str):
        return converter
    if isinstance(converter, CrosswalkConverter):
        return f"crosswalk {converter.crosswalk}"
    told: dict[str, Any] = converter.model_dump(by_alias=True)
    return next(iter(told))
