"""The named converters of an integration profile.

Each takes a Series of strings, in which ``""`` means no value, and gives a Series of strings of the same index.
A value that it cannot convert becomes missing (NA); the caller makes a finding of it. None is ever called with
an empty value that it must understand: empty stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import phonenumbers

from matchpoint.profile.mapping import (
    Converter,
    CrosswalkConverter,
    DateConverter,
    DateOptions,
    PhoneConverter,
)

Strings = pd.Series
"""A pandas Series of strings."""


@dataclass(frozen=True)
class Context:
    """What converters may know besides the values: the profile's crosswalks and the run's as-of date."""

    crosswalks: Mapping[str, Mapping[str, str]]
    as_of: date


def convert(values: Strings, converter: Converter, context: Context) -> Strings:
    """Apply one converter of a profile to a column. Values that cannot be converted become NA."""
    if isinstance(converter, DateConverter):
        return _each_distinct(values, lambda some: to_dates(some, converter.date, context.as_of))
    if isinstance(converter, PhoneConverter):
        return _each_distinct(values, lambda some: some.map(lambda value: to_phone(value, converter.phone)))
    if isinstance(converter, CrosswalkConverter):
        return through_crosswalk(values, context.crosswalks[converter.crosswalk])
    return SIMPLE[converter](values)


def expected(converter: Converter, context: Context) -> str:
    """Say what a converter accepts, for the finding about a value that it did not."""
    if isinstance(converter, DateConverter):
        return f"a date in the form {' or '.join(converter.date.formats)}"
    if isinstance(converter, PhoneConverter):
        return f"a phone number as dialled in {converter.phone}, or with + and country code"
    if isinstance(converter, CrosswalkConverter):
        codes = sorted(context.crosswalks[converter.crosswalk])
        return f"a code of the crosswalk {converter.crosswalk}: {', '.join(codes)}"
    return f"a value that {converter} can convert"


def to_dates(values: Strings, options: DateOptions, as_of: date) -> Strings:
    """Read dates in the given formats, the first that fits, into ``YYYY-MM-DD``."""
    read = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    for form in options.formats:
        some = pd.to_datetime(values, format=form, errors="coerce")
        if options.past and "%y" in form:
            some = some.mask(some > pd.Timestamp(as_of), some - pd.DateOffset(years=100))
        read = read.fillna(some)
    dates: Strings = read.dt.strftime("%Y-%m-%d").astype("str")
    return dates


def to_phone(value: str, region: str) -> str | None:
    """Read a phone number of a region into international form, such as ``+44 1865 270000``, or None."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def through_crosswalk(values: Strings, crosswalk: Mapping[str, str]) -> Strings:
    """Replace SIS codes by Alma codes; ``*`` in the crosswalk stands for every other code."""
    others = crosswalk.get("*")
    table = {value: crosswalk.get(value, others) for value in values.unique() if value}
    return values.map({"": "", **table}).astype("str")


_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*")
_SMALL = {"van", "von", "de", "der", "den", "da", "di", "du", "la", "le", "of"}


def _recase(name: str) -> str:
    """Recase a name written in one case only: O'BRIEN-MCNEIL becomes O'Brien-McNeil; others stay."""
    cased = name.replace("ß", "")  # it has no capital in common use: GROßMANN is in one case
    if cased not in {cased.upper(), cased.lower()}:
        return name
    words = _WORD.sub(lambda word: word[0].capitalize(), name.lower())
    words = re.sub(r"\bMc([a-z])", lambda found: "Mc" + found[1].upper(), words)
    first, *others = words.split(" ")
    return " ".join([first, *(word.lower() if word.lower() in _SMALL else word for word in others)])


def _each_distinct(values: Strings, change: Callable[[Strings], Strings]) -> Strings:
    """Change every distinct non-empty value once; codes, dates and phone prefixes repeat a lot."""
    distinct = pd.Series(values[values != ""].unique(), dtype="str")
    if distinct.empty:
        return values
    table = dict(zip(distinct, change(distinct), strict=True))
    return values.map({"": "", **table}).astype("str")


SIMPLE: Mapping[str, Callable[[Strings], Strings]] = {
    "trim": lambda values: values.str.strip(),
    "squeeze": lambda values: values.str.replace(r"\s+", " ", regex=True).str.strip(),
    "upper": lambda values: values.str.upper(),
    "lower": lambda values: values.str.lower(),
    "digits": lambda values: values.str.replace(r"\D", "", regex=True),
    "name": lambda values: _each_distinct(values, lambda some: some.map(_recase)),
}
