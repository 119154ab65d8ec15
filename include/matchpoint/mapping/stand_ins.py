"""Codes that Alma lacks, replaced by the profile's defaults: a column at a time, nothing where there are none."""

from __future__ import annotations

from collections.abc import Mapping

from matchpoint.alma.check import Context
from matchpoint.alma.fields import CORE_BY_NAME
from matchpoint.mapping.converters import Strings
from matchpoint.run_folder import Extract

StandIn = tuple[int, str, str]
"""A row that got a default: its number, the field, the code that it would have had."""


def stand_ins_of(extract: Extract, kind: str = "") -> str:
    """Name the file of a run that tells which rows of an extract got a default, and instead of what."""
    return f"users/{extract.number:03}{kind}.stand_ins.jsonl"


def with_defaults(
    columns: Mapping[str, Strings], defaults: Mapping[str, str], context: Context
) -> tuple[dict[str, Strings], list[StandIn]]:
    """Give mapped columns with a field's default in place of each code that its table lacks, and which rows got it.

    A table that is not known lacks no code.
    """
    changed, told = dict(columns), []
    for name, default in defaults.items():
        values, table = columns[name], CORE_BY_NAME[name].table
        lacking = [
            one
            for one in values.dropna().unique().tolist()
            if one not in {"", default} and context.tables.problem(table, one, context.record_type)
        ]
        if lacking:
            replaced = values.isin(lacking)
            rows = values.index[replaced].tolist()
            told += [(row, name, code) for row, code in zip(rows, values[replaced].tolist(), strict=True)]
            changed[name] = values.mask(replaced, default)
    return changed, told
