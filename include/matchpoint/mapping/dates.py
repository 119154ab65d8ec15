"""Dates as people and systems write them, into YYYY-MM-DD."""

from __future__ import annotations

import re
from datetime import date

import pandas as pd

from matchpoint.profile.converters import DateOptions

_MONTHS = {
    word: number
    for number, words in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), start=1)
    for word in words.split()
}  # fmt: skip
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?$")
_ORDINAL = r"(?:st|nd|rd|th)?"
_PARTS = re.compile(rf"(\d{{1,4}}|[A-Za-z]+){_ORDINAL}[ ,./-]+(\d{{1,2}}|[A-Za-z]+){_ORDINAL}[ ,./-]+(\d{{1,4}})")
_TOGETHER = re.compile(r"\d{8}")


def to_dates(values: pd.Series, options: DateOptions, as_of: date) -> pd.Series:
    """Read dates; what is none becomes NA, what the profile calls never becomes ""."""
    if options.order is not None:
        read = values.map(lambda value: _any_form(value, options, as_of))
    else:
        read = _by_formats(values, options, as_of)
    never = values.isin(options.never)
    return read.mask(never, "").astype("str") if options.never else read.astype("str")


def _by_formats(values: pd.Series, options: DateOptions, as_of: date) -> pd.Series:
    read = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    for form in options.formats:
        some = pd.to_datetime(values, format=form, errors="coerce")
        if options.two_digit_years and "%y" in form:
            some = some.map(lambda one: _in_century(one.date(), options, as_of), na_action="ignore")
            some = pd.to_datetime(some, errors="coerce")
        read = read.fillna(some)
    written: pd.Series = read.dt.strftime("%Y-%m-%d")
    return written


def _any_form(value: str, options: DateOptions, as_of: date) -> str | None:
    text = _TIME.sub("", value.strip())
    if _TOGETHER.fullmatch(text):
        text = {"ymd": f"{text[:4]}-{text[4:6]}-{text[6:]}"}.get(
            options.order or "", f"{text[:2]}-{text[2:4]}-{text[4:]}"
        )
    found = _PARTS.fullmatch(text)
    if not found:
        return None
    order = _order([*found.groups()], options.order or "ymd")
    parts = dict(zip(order, found.groups(), strict=True))
    try:
        month = _MONTHS[parts["m"].lower()] if parts["m"].isalpha() else int(parts["m"])
        if len(parts["y"]) == 2:
            return _in_century(date(2000 + int(parts["y"]), month, int(parts["d"])), options, as_of).isoformat()
        return date(int(parts["y"]), month, int(parts["d"])).isoformat() if len(parts["y"]) == 4 else None
    except (ValueError, KeyError):
        return None


def _order(parts: list[str], declared: str) -> str:
    """Tell which part is which: a word is the month and four digits are the year, whatever the profile says."""
    if len(parts[0]) == 4 and parts[0].isdigit():
        return "ymd"
    if parts[0].isalpha():
        return "mdy"
    if parts[1].isalpha():
        return "ymd" if declared == "ymd" and len(parts[2]) <= 2 else "dmy"
    return "dmy" if declared == "ymd" and len(parts[2]) == 4 else declared


def _in_century(day: date, options: DateOptions, as_of: date) -> date:
    """Move a day with a two-digit year into the century that the profile says; else 69 to 99 are of the 20th."""
    years = [century + day.year % 100 for century in range(1800, 2200, 100)]
    days = [one for year in years if (one := _same_day(day, year))]
    rule = options.two_digit_years
    if rule == "past":
        return max(one for one in days if one <= as_of)
    if rule == "future":
        return min(one for one in days if one >= as_of)
    if rule == "nearest":
        return min(days, key=lambda one: abs(one - as_of))
    return next(one for one in days if one.year in range(1969, 2069))


def _same_day(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February, in a century year that is no leap year
        return None
