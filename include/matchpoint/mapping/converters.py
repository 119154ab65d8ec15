"""The named converters of an integration profile.

Each takes a Series of strings, in which ``""`` means no value, and gives a Series of strings of the same index.
A value that it cannot convert becomes missing (NA); the caller makes a finding of it. None is ever called with
an empty value that it must understand: empty stays empty.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from matchpoint.mapping.dates import to_dates
from matchpoint.mapping.names import part_of, recase
from matchpoint.mapping.places import to_country, to_postal_code
from matchpoint.profile.converters import (
    Converter,
    CrosswalkConverter,
    DateConverter,
    DiffersFromConverter,
    NamePartConverter,
    OnlyWithConverter,
    PhoneConverter,
    PhoneOptions,
    PostalCodeConverter,
)

Strings = pd.Series
"""A pandas Series of strings."""


@dataclass(frozen=True)
class Context:
    """What converters may know besides the values: the profile's crosswalks, the run's as-of date, the rows."""

    crosswalks: Mapping[str, Mapping[str, str]]
    as_of: date
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)


def convert(values: Strings, converter: Converter, context: Context) -> Strings:
    """Apply one converter of a profile to a column. Values that cannot be converted become NA."""
    if isinstance(converter, str):
        return SIMPLE[converter](values)
    apply, _ = _OPTIONED[type(converter)]
    return apply(values, converter, context)


def expected(converter: Converter, context: Context) -> str:
    """Say what a converter accepts, for the finding about a value that it did not."""
    if isinstance(converter, str):
        return _EXPECTED.get(converter, f"a value that {converter} can convert")
    _, say = _OPTIONED[type(converter)]
    return say(converter, context)


# --- dates and phones -----------------------------------------------------------------------------


def _dates(values: Strings, converter: DateConverter, context: Context) -> Strings:
    return _each_distinct(values, lambda some: to_dates(some, converter.date, context.as_of))


def _say_date(converter: DateConverter, _: Context) -> str:
    if converter.date.order:
        return f"a date, {' '.join(_ORDER[one] for one in converter.date.order)}"
    return f"a date in the form {' or '.join(converter.date.formats)}"


_ORDER = {"d": "day", "m": "month", "y": "year"}


def _phones(values: Strings, converter: PhoneConverter, _: Context) -> Strings:
    return _each_distinct(values, lambda some: some.map(lambda value: to_phone(value, converter.phone)))


def to_phone(value: str, options: PhoneOptions) -> str | None:
    """Read a phone number of a region into the wanted form, such as ``+44 1865 270000``, or None."""
    try:
        number = phonenumbers.parse(value, options.region)
    except phonenumbers.NumberParseException:
        return None
    good = phonenumbers.is_valid_number if options.valid else phonenumbers.is_possible_number
    return phonenumbers.format_number(number, _PHONE_FORMS[options.form]) if good(number) else None


_PHONE_FORMS = {
    "international": phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    "e164": phonenumbers.PhoneNumberFormat.E164,
    "national": phonenumbers.PhoneNumberFormat.NATIONAL,
}


def _say_phone(converter: PhoneConverter, _: Context) -> str:
    return f"a phone number as dialled in {converter.phone.region}, or with + and country code"


# --- places and names -----------------------------------------------------------------------------


def _postal_codes(values: Strings, converter: PostalCodeConverter, context: Context) -> Strings:
    options = converter.postal_code
    if options.country_from is None:
        country = options.country or ""
        return _each_distinct(values, lambda some: some.map(lambda value: to_postal_code(value, country)))
    pairs = zip(values.tolist(), context.rows[options.country_from].tolist(), strict=True)
    written = [to_postal_code(value, country.strip()) if value else "" for value, country in pairs]
    return pd.Series(written, index=values.index, dtype="str")


def _say_postal_code(converter: PostalCodeConverter, _: Context) -> str:
    options = converter.postal_code
    return f"a postal code of {options.country or f'the country in {options.country_from}'}"


def _name_parts(values: Strings, converter: NamePartConverter, _: Context) -> Strings:
    options = converter.name_part
    return _each_distinct(values, lambda some: some.map(lambda value: part_of(value, options.part, options.order)))


def _say_name(_: NamePartConverter, __: Context) -> str:
    return "a name"


def _differing(values: Strings, converter: DiffersFromConverter, context: Context) -> Strings:
    other = context.rows[converter.differs_from].str.strip().str.casefold()
    return values.where(values.str.strip().str.casefold() != other, "")


def _with_other(values: Strings, converter: OnlyWithConverter, context: Context) -> Strings:
    return values.where(context.rows[converter.only_with].str.strip() != "", "")


def _say_any(_: Any, __: Context) -> str:
    return "any text"


# --- codes ----------------------------------------------------------------------------------------


def _through_crosswalk(values: Strings, converter: CrosswalkConverter, context: Context) -> Strings:
    """Replace SIS codes by Alma codes; ``*`` in the crosswalk stands for every other code."""
    crosswalk = context.crosswalks[converter.crosswalk]
    others = crosswalk.get("*")
    return _each_distinct(values, lambda some: some.map(lambda value: crosswalk.get(value, others)))


def _say_code(converter: CrosswalkConverter, context: Context) -> str:
    codes = sorted(context.crosswalks[converter.crosswalk])
    return f"a code of the crosswalk {converter.crosswalk}: {', '.join(codes)}"


_OPTIONED: Mapping[type, tuple[Callable[..., Strings], Callable[..., str]]] = {
    DateConverter: (_dates, _say_date),
    PhoneConverter: (_phones, _say_phone),
    PostalCodeConverter: (_postal_codes, _say_postal_code),
    NamePartConverter: (_name_parts, _say_name),
    DiffersFromConverter: (_differing, _say_any),
    OnlyWithConverter: (_with_other, _say_any),
    CrosswalkConverter: (_through_crosswalk, _say_code),
}
"""Per converter with options: what it does, and what it says it expects."""


# --- plain ones -----------------------------------------------------------------------------------


def _each_distinct(values: Strings, change: Callable[[Strings], Strings]) -> Strings:
    """Change every distinct non-empty value once; codes, dates and phone prefixes repeat a lot."""
    places, distinct = pd.factorize(values)
    texts = pd.Series(distinct, dtype="str")
    changed = pd.Series("", index=texts.index, dtype="str")
    filled = texts != ""
    if filled.any():
        changed[filled] = change(texts[filled]).astype("str")
    return pd.Series(changed.array.take(places), index=values.index)


def _each(change: Callable[[str], str | None]) -> Callable[[Strings], Strings]:
    return lambda values: _each_distinct(values, lambda some: some.map(change))


def to_email(value: str) -> str | None:
    """Give an email address with its domain in lower case, or None when it cannot be one. Nobody is asked."""
    try:
        return validate_email(value.strip(), check_deliverability=False).normalized
    except EmailNotValidError:
        return None


_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffe\uffff]")
_BREAKS = re.compile("[\t\n\r\u2028\u2029]")


def printable(value: str) -> str | None:
    """Drop what nobody can see and XML may not hold; a tab or line break becomes a space.

    None for a text with U+FFFD: there a letter was lost before it came here, and only the SIS has it.
    """
    return None if "\ufffd" in value else _BREAKS.sub(" ", _UNSEEN.sub("", value))


def _clean(value: str) -> str | None:
    text = printable(unicodedata.normalize("NFC", value))
    return None if text is None else " ".join(text.split())


SIMPLE: Mapping[str, Callable[[Strings], Strings]] = {
    "trim": lambda values: values.str.strip(),
    "squeeze": lambda values: values.str.replace(r"\s+", " ", regex=True).str.strip(),
    "nfc": lambda values: values.str.normalize("NFC"),
    "printable": _each(printable),
    "clean": _each(_clean),
    "upper": lambda values: values.str.upper(),
    "lower": lambda values: values.str.lower(),
    "digits": lambda values: values.str.replace(r"\D", "", regex=True),
    "name": _each(recase),
    "email": _each(to_email),
    "country": _each(to_country),
}

_EXPECTED = {
    "email": "an email address",
    "country": "a country, by a code or an English name",
    "printable": "text without U+FFFD, the mark of a lost letter",
    "clean": "text without U+FFFD, the mark of a lost letter",
}
