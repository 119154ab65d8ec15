"""The feed health gate, as a profile writes it: what each sign of an unhealthy feed does, and where its limit is."""

from __future__ import annotations

import re
from typing import Literal, get_args

from pydantic import Field, field_validator, model_validator

from matchpoint.profile.formats import CsvFormat, FixedWidthFormat
from matchpoint.profile.model import Model

Action = Literal["stop", "hold", "warn", "off"]
"""``stop``: the run fails before anything is written. ``hold``: it waits for a person. ``warn``: it goes on."""


class Trailer(Model):
    """What the control lines at the end of a file claim; a file without them was cut off."""

    line: str = Field(
        min_length=1,
        description="Regular expression that a control line matches, with a named group rows, total, or both",
    )
    also_counted: int = Field(
        0, ge=0, le=1_000, description="Lines that rows counts besides the people: 2 for a header and the trailer"
    )
    total_of: str | None = Field(None, min_length=1, description="The column whose sum total is")

    @field_validator("line")
    @classmethod
    def _names_groups(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"found {value!r} ({error}); accepted is a regular expression") from None
        if not groups.keys() & {"rows", "total"}:
            raise ValueError(f"found {value!r}; accepted is one with a group (?P<rows>...) or (?P<total>...)")
        return value

    @model_validator(mode="after")
    def _total_has_a_column(self) -> Trailer:
        if ("total" in re.compile(self.line).groupindex) != bool(self.total_of):
            raise ValueError("total_of: expected together with a group total in line; found one without the other")
        return self

    def check_format(self, form: object) -> None:
        """Raise ValueError where people's lines and control lines could not be told apart."""
        if not isinstance(form, CsvFormat | FixedWidthFormat):
            raise ValueError("health.trailer: found one; accepted is one with the formats csv and fixed_width")
        if not form.trailer:
            raise ValueError(
                "health.trailer: found one without format.trailer; expected both. format.trailer says which lines "
                "are no people, health.trailer what they claim"
            )
        named = [one.name for one in form.columns] if isinstance(form, FixedWidthFormat) else form.columns
        if self.total_of and named and self.total_of not in named:
            raise ValueError(
                f"health.trailer.total_of: found {self.total_of!r}; accepted is one of {', '.join(named)}"
            )


class Health(Model):
    """What an unhealthy feed does: per sign an action, and the numbers at which it is one.

    A sign that compares needs feeds of the same profile and mode that were applied; without any it says nothing.
    """

    truncated: Action = Field("stop", description="A file that was cut off, or lacks its trailer")
    control_count: Action = Field("stop", description="A trailer that counts other rows than there are")
    control_total: Action = Field("stop", description="A trailer whose total is not that of the column")
    too_old: Action = Field("hold", description="A file older than max_age_hours when the run was due")
    same_as_before: Action = Field("warn", description="A file with the very content of the last one")
    missing_file: Action = Field("hold", description="A file that all of the last feeds had")
    columns_changed: Action = Field("warn", description="Columns that are new, gone or renamed")
    columns_moved: Action = Field("warn", description="Columns in another order")
    encoding_changed: Action = Field("hold", description="Another encoding, or letters that broke on the way")
    row_count: Action = Field("hold", description="A number of rows far from the usual one")
    null_rate: Action = Field("hold", description="A column that is empty more or less often than it used to be")
    codes: Action = Field("hold", description="A column of codes with others than it used to have")

    max_age_hours: float | None = Field(None, gt=0, description="How old a file may be when its run is due")
    row_band: float = Field(0.3, gt=0, description="How far rows may be from the median, as a share of it")
    null_drift: float = Field(0.1, gt=0, lt=1, description="How far the share of empty values may be from the median")
    code_drift: float = Field(
        0.05, gt=0, lt=1, description="Which share of rows may have new codes, and may have had those that are gone"
    )
    feeds: int = Field(10, ge=1, le=100, description="How many of the last good feeds count")
    trailer: Trailer | None = None

    def check_format(self, form: object) -> None:
        """Raise ValueError where the trailer does not fit the format of the people."""
        if self.trailer is not None:
            self.trailer.check_format(form)


CHECKS = tuple(name for name, field in Health.model_fields.items() if field.default in get_args(Action))
"""The signs that a profile has a say in."""
