"""The converters of a mapping, as a profile writes them: a plain word, or a word with what it needs to know."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from matchpoint.profile.model import Model

SimpleConverter = Literal[
    "trim", "squeeze", "nfc", "printable", "clean", "upper", "lower", "name", "digits", "email", "country"
]
PLAIN = f"a plain one ({', '.join(get_args(SimpleConverter))})"


class Options(Model):
    """A converter that needs to know something."""

    @property
    def columns(self) -> list[str]:
        """Columns that it looks at besides the value."""
        return []


# --- dates ----------------------------------------------------------------------------------------


def _check_date_format(value: str) -> str:
    """Accept a format that writes a day so that it can be read back."""
    day = date(2001, 2, 3)
    try:
        read = datetime.strptime(day.strftime(value), value)  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        read = None
    if read is None or read.date() != day:
        raise ValueError(f"found {value!r}; accepted is a strptime format with day, month and year such as %d-%b-%y")
    return value


DateFormat = Annotated[str, AfterValidator(_check_date_format)]


class DateOptions(Model):
    """Options of the date converter: formats, or any form with its parts in one order."""

    formats: list[DateFormat] = Field(default_factory=list, description="strptime formats, tried in order")
    order: Literal["dmy", "mdy", "ymd"] | None = Field(
        None, description="Reads 1/2/2026, 01.02.26, 1 Feb 2026, 2026-02-01 ...; says which is day and which month"
    )
    two_digit_years: Literal["past", "future", "nearest"] | None = Field(
        None,
        description="The century of a two-digit year: not after the as-of date, not before it, or nearest to it",
    )
    never: list[str] = Field(default_factory=list, description="Values that mean no date, such as 31-DEC-9999")

    @model_validator(mode="after")
    def _one_way_to_read(self) -> DateOptions:
        if bool(self.formats) == bool(self.order):
            raise ValueError("formats and order: found both or neither; accepted is one of them")
        return self


def _options_from_short(value: Any) -> Any:
    if isinstance(value, str):
        return {"formats": [value]}
    return {"formats": value} if isinstance(value, list) else value


class DateConverter(Options):
    """Reads a date and gives YYYY-MM-DD."""

    date: Annotated[
        DateOptions, BeforeValidator(_options_from_short, json_schema_input_type=str | list[str] | DateOptions)
    ] = Field(description="A strptime format such as %d-%b-%y, several, or options")


# --- phones ---------------------------------------------------------------------------------------


class PhoneOptions(Model):
    """Options of the phone converter."""

    region: str = Field(description="Two-letter region of numbers without country code: US, GB, DE ...")
    form: Literal["international", "e164", "national"] = Field(
        "international", description="+44 1865 270000, +441865270000 or 01865 270000"
    )
    valid: bool = Field(False, description="Only numbers that are in their country's plan, not just possible ones")

    @field_validator("region")
    @classmethod
    def _known_region(cls, value: str) -> str:
        if not phonenumbers.country_code_for_region(value):
            raise ValueError(f"found {value!r}; accepted is a two-letter region in capitals such as US, GB or DE")
        return value


def _region_from_short(value: Any) -> Any:
    return {"region": value} if isinstance(value, str) else value


class PhoneConverter(Options):
    """Reads a phone number as it is dialled in a region and gives it in international form, or another."""

    phone: Annotated[PhoneOptions, BeforeValidator(_region_from_short, json_schema_input_type=str | PhoneOptions)]


# --- places ---------------------------------------------------------------------------------------


class PostalCodeOptions(Model):
    """Options of the postal code converter: a country, or the column that names it."""

    country: str | None = None
    country_from: str | None = Field(None, description="The column with the country, in any form")

    @model_validator(mode="after")
    def _one_country(self) -> PostalCodeOptions:
        if bool(self.country) == bool(self.country_from):
            raise ValueError("country and country_from: found both or neither; accepted is one of them")
        return self


def _country_from_short(value: Any) -> Any:
    return {"country": value} if isinstance(value, str) else value


class PostalCodeConverter(Options):
    """Writes a postal code as its country does: US 2139 becomes 02139, GB ox13bg becomes OX1 3BG."""

    postal_code: Annotated[
        PostalCodeOptions, BeforeValidator(_country_from_short, json_schema_input_type=str | PostalCodeOptions)
    ]

    @property
    def columns(self) -> list[str]:
        """The column with the country."""
        return [self.postal_code.country_from] if self.postal_code.country_from else []


# --- names ----------------------------------------------------------------------------------------


class NamePartOptions(Model):
    """Which part of a whole name, and how that is written."""

    part: Literal["first", "middle", "last", "suffix"]
    order: Literal["last_first", "first_last"] = Field(description="Lovelace, Ada King; or Ada King Lovelace")


class NamePartConverter(Options):
    """Takes one part of a whole name. A single name is a last name."""

    name_part: NamePartOptions


class DiffersFromConverter(Options):
    """Keeps a value only where another column says something else, whatever the case: a preferred name."""

    differs_from: str = Field(min_length=1)

    @property
    def columns(self) -> list[str]:
        """The other column."""
        return [self.differs_from]


class OnlyWithConverter(Options):
    """Keeps a value only where another column has one: a first name where there is a last one."""

    only_with: str = Field(min_length=1)

    @property
    def columns(self) -> list[str]:
        """The other column."""
        return [self.only_with]


# --- codes ----------------------------------------------------------------------------------------


class CrosswalkConverter(Options):
    """Replaces a SIS code by the Alma code that a crosswalk of the profile gives."""

    crosswalk: str = Field(description="The name of a crosswalk in this profile")


def _converter_tag(value: Any) -> str:
    if isinstance(value, dict):
        return str(next(iter(value), ""))
    return PLAIN if isinstance(value, str) else next(iter(type(value).model_fields), PLAIN)


Converter = Annotated[
    Annotated[SimpleConverter, Tag(PLAIN)]
    | Annotated[DateConverter, Tag("date")]
    | Annotated[PhoneConverter, Tag("phone")]
    | Annotated[PostalCodeConverter, Tag("postal_code")]
    | Annotated[NamePartConverter, Tag("name_part")]
    | Annotated[DiffersFromConverter, Tag("differs_from")]
    | Annotated[OnlyWithConverter, Tag("only_with")]
    | Annotated[CrosswalkConverter, Tag("crosswalk")],
    Discriminator(_converter_tag),
]

TAGS = {PLAIN, "date", "phone", "postal_code", "name_part", "differs_from", "only_with", "crosswalk"}
"""The words that tell converters apart; they are no keys of their own in a message."""
