"""From the columns of an extract to one column per Alma field, by the rules of a profile."""

from __future__ import annotations

import string
from collections.abc import Iterator

import pandas as pd
from pydantic import BaseModel

from matchpoint.findings import Finding
from matchpoint.mapping.converters import Context, Strings, convert, expected
from matchpoint.profile.converters import CrosswalkConverter
from matchpoint.profile.mapping import Column, Constant, FieldRule, Template, rules_of


def map_columns(rows: pd.DataFrame, mapping: BaseModel, context: Context) -> tuple[dict[str, Strings], list[Finding]]:
    """Apply every rule of a mapping.

    ``rows`` has one string column per column of the extract, ``""`` for no value, and the row number as index.
    The result has one Series per rule, keyed by place (``primary_id``, ``emails[0].email_address``), and the
    findings of rows whose value could not be converted or is required and missing.
    """
    columns: dict[str, Strings] = {}
    findings: list[Finding] = []
    for place, rule in rules_of(mapping):
        columns[place], found = _apply(rule, place, rows, context)
        findings.extend(found)
    return columns, findings


def _apply(rule: FieldRule, place: str, rows: pd.DataFrame, context: Context) -> tuple[Strings, list[Finding]]:
    values, constant = _first_value(rule, rows)
    original = values
    findings: list[Finding] = []
    for converter in rule.convert:
        values = convert(values, converter, context)
        if values.hasnans:
            if rule.bad == "reject":
                wanted = expected(converter, context)
                findings += [
                    Finding(row, place, "bad_value", f"found {original[row]!r}; expected {wanted}")
                    for row in values.index[values.isna()].tolist()
                ]
            values = values.fillna("")
    if constant:
        values = values.where(values != "", constant)
    if rule.required:
        told = {finding.row for finding in findings}
        empty = [row for row in values.index[values == ""].tolist() if row not in told]
        source = " or ".join(rule.columns)
        findings += [Finding(row, place, "mandatory", f"{place}, from {source}") for row in empty]
    return values, findings


def crosswalk_codes(rule: FieldRule, rows: pd.DataFrame, context: Context) -> Iterator[tuple[str, Strings]]:
    """Give the codes that a rule hands to its crosswalks, as they come there: the crosswalk's name, a code a row."""
    values, _ = _first_value(rule, rows)
    for converter in rule.convert:
        if isinstance(converter, CrosswalkConverter):
            yield converter.crosswalk, values
        values = convert(values, converter, context).fillna("")


def _first_value(rule: FieldRule, rows: pd.DataFrame) -> tuple[Strings, str]:
    """Take the first source that gives a value, row by row; a constant is kept apart from the converters."""
    values: Strings | None = None
    for source in rule.sources:
        if isinstance(source, Constant):
            return _nothing(rows) if values is None else values, source.constant
        given = rows[source.column] if isinstance(source, Column) else _fill(source, rows)
        values = given if values is None else values.where(values != "", given)
    return _nothing(rows) if values is None else values, ""


def _nothing(rows: pd.DataFrame) -> Strings:
    return pd.Series("", index=rows.index, dtype="str")


def _fill(template: Template, rows: pd.DataFrame) -> Strings:
    """Fill a template; a row in which one of its columns is empty gets no value."""
    filled = _nothing(rows)
    complete = pd.Series(data=True, index=rows.index)
    for text, name, _, _ in string.Formatter().parse(template.template):
        filled += text
        if name:
            value = rows[name].str.strip()
            filled += value
            complete &= value != ""
    return filled.where(complete, "")
