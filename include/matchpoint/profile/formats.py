"""The formats of extracts, as a profile writes them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import jmespath
from pydantic import AfterValidator, Field, field_validator, model_validator

from matchpoint.profile.model import Model

AUTO = "auto"


def _known_encoding(value: str) -> str:
    if value == AUTO:
        return value
    try:
        "".encode(value)
    except LookupError:
        raise ValueError(f"no encoding is named {value!r}; accepted are utf-8, cp1252 ..., or auto") from None
    return value


Encoding = Annotated[
    str,
    AfterValidator(_known_encoding),
    Field(description="The encoding of the file: utf-8, latin-1, cp1252, utf-16 ...; auto finds it or refuses"),
]


def _regular_expression(value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise ValueError(f"found {value!r} ({error}); accepted is a regular expression") from None
    return value


Pattern = Annotated[str | None, AfterValidator(_regular_expression)]


class CsvFormat(Model):
    """Delimited text, with a header row or with the columns named here."""

    type: Literal["csv"]
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: str | None = Field('"', min_length=1, max_length=1, description="null: nothing is quoted")
    escape: str | None = Field(None, min_length=1, max_length=1, description="Character before one that means itself")
    encoding: Encoding = "utf-8"
    skip_lines: int = Field(0, ge=0, le=1_000, description="Lines before the header that are none of it")
    columns: list[str] = Field(default_factory=list, description="The names of the columns of a file without header")
    comment: str | None = Field(None, min_length=1, description="What a line begins with that is a comment")
    trailer: Pattern = Field(None, description="Regular expression that the first field of a trailer matches")


class FixedColumn(Model):
    """A column by its place in the line."""

    name: str = Field(min_length=1)
    start: int = Field(ge=1, description="The first character, counted from 1")
    width: int = Field(ge=1)


class Blocks(Model):
    """Blocks of one length that follow the base of a line, told apart by a code in each."""

    start: int = Field(ge=1, description="Where the first begins, counted from 1")
    width: int = Field(ge=1)
    count: str | None = Field(None, description="The column that says how many there are, if one does")
    code: FixedColumn = Field(description="Where in a block its code is")
    names: dict[str, str] = Field(description="What blocks of a code are called in the mapping", min_length=1)
    columns: list[FixedColumn] = Field(min_length=1, description="Places within a block, counted from 1")
    rest: str | None = Field(
        None, min_length=1, description="What the column of all that follows the last block is called; needs count"
    )

    @model_validator(mode="after")
    def _columns_fit(self) -> Blocks:
        if self.rest and not self.count:
            raise ValueError("rest: found one without count; without it nothing says where the blocks end")
        for one in (self.code, *self.columns):
            if one.start + one.width - 1 > self.width:
                raise ValueError(
                    f"column {one.name}: found an end at {one.start + one.width - 1}; a block has {self.width}"
                )
        return self


class FixedWidthFormat(Model):
    """Lines in which every column has its place."""

    type: Literal["fixed_width"]
    encoding: Encoding = "utf-8"
    columns: list[FixedColumn] = Field(min_length=1)
    blocks: Blocks | None = None
    skip_lines: int = Field(0, ge=0, le=1_000, description="Lines at the beginning that are no people")
    trailer: Pattern = Field(None, description="Regular expression that a trailer line matches from its beginning")

    @model_validator(mode="after")
    def _names_are_different(self) -> FixedWidthFormat:
        names = [one.name for one in self.columns]
        names += [self.blocks.rest] if self.blocks and self.blocks.rest else []
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"columns: found {name!r} twice; accepted is each name once")
        if self.blocks and self.blocks.count and self.blocks.count not in names:
            raise ValueError(f"blocks.count: found {self.blocks.count!r}; accepted is a column: {', '.join(names)}")
        return self


class JsonFormat(Model):
    """JSON, one document or one record a line. Columns in the mapping are JMESPath expressions."""

    type: Literal["json"]
    lines: bool = Field(False, description="JSON Lines: one record a line")
    records: str = Field("", description="Where in a document the list of records is, such as data.people")
    encoding: Encoding = "utf-8"

    @field_validator("records")
    @classmethod
    def _plain_path(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^.\[\]]+(\.[^.\[\]]+)*", value):
            raise ValueError(f"found {value!r}; accepted are keys with points between, such as data.people")
        return value

    @model_validator(mode="after")
    def _lines_have_no_path(self) -> JsonFormat:
        if self.lines and self.records:
            raise ValueError("records: found a path; JSON Lines have none")
        return self


class ExcelFormat(Model):
    """A sheet of an Excel workbook (.xlsx)."""

    type: Literal["excel"]
    sheet: str | None = Field(None, description="Its name; else the first one")
    header_row: int = Field(1, ge=1, le=1_000, description="The row with the names of the columns")


class AlmaXmlFormat(Model):
    """Alma's user XML version 2, the same for import and synchronize. It needs no mapping."""

    type: Literal["alma_xml"]
    unknown_elements: Literal["reject", "ignore"] = Field(
        "reject", description="What an element that Alma does not know does to its user"
    )


RowFormat = CsvFormat | FixedWidthFormat | JsonFormat | ExcelFormat
Format = Annotated[RowFormat | AlmaXmlFormat, Field(discriminator="type")]
FORMATS = ("csv", "fixed_width", "json", "excel", "alma_xml")


def check_expression(expression: str) -> Any:
    """Compile a JMESPath expression; raises ValueError that says what is wrong with it."""
    try:
        return jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"found {expression!r} ({said}); accepted is JMESPath such as name.first") from None
