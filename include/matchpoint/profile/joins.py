"""Files joined to the person file by key, as a profile writes them, and the names of their columns.

A side file, such as that of the card office, says more about people; no user comes of it alone. The mapping names its
columns with the name of the join in front: ``cards.BARCODE``, or ``cards[1].BARCODE`` for the second row of a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from matchpoint.profile.formats import JsonFormat, RowFormat, check_expression
from matchpoint.profile.model import Model

JoinName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
_SIDE = re.compile(r"(?P<join>[A-Za-z][A-Za-z0-9_]*)(?:\[(?P<place>\d{1,3})\])?\.(?P<column>.+)", re.DOTALL)


class Join(Model):
    """A side file: which one, how it is read, and how its rows find their person."""

    file: str = Field(min_length=1, description="Pattern of its name, or of its name in a zip, with * and ?")
    format: RowFormat = Field(discriminator="type")
    key: str = Field(min_length=1, description="The column of the side file that says whose a row is")
    person_key: str = Field(min_length=1, description="The column with the same value: of people, or of a join above")
    divided_by: str | None = Field(
        None, min_length=1, description="What stands between several keys in person_key, such as a comma"
    )
    where: dict[str, list[str]] = Field(
        default_factory=dict, description="Only side rows with one of these values in a column"
    )
    several: Literal["reject", "first", "last", "numbered"] = Field(
        "reject",
        description="What different rows of one key mean: reject the person, the first or last one, or all by number",
    )
    missing: Literal["empty", "reject"] = Field(
        "empty", description="What a person without side row gets: empty columns, or a rejection"
    )
    required: bool = Field(True, description="Whether a run without the side file fails; else its columns are empty")
    bad_row: Literal["fail", "drop"] = Field(
        "fail", description="What a side row does that cannot be read: the run fails, or goes on without it and warns"
    )


Joins = Mapping[str, Join]


@dataclass(frozen=True)
class SideColumn:
    """A column of a side file, as a mapping names it: ``cards[1].BARCODE`` is place 1 (the second), BARCODE."""

    name: str
    join: str
    place: int
    column: str


def side_column(name: str, joins: Joins) -> SideColumn | None:
    """Read the name of a column; None when it is one of the person file."""
    found = _SIDE.fullmatch(name)
    if found is None or found["join"] not in joins:
        return None
    return SideColumn(name, found["join"], int(found["place"] or 0), found["column"])


def side_columns(names: Iterable[str], joins: Joins) -> list[SideColumn]:
    """Give those of the names that are columns of side files."""
    return [one for one in (side_column(name, joins) for name in names) if one]


def own_columns(names: Iterable[str], joins: Joins) -> list[str]:
    """Give those of the names that are columns of the person file."""
    return [name for name in names if side_column(name, joins) is None]


def check_joins(joins: Joins, columns: Iterable[str], patterns: Iterable[str]) -> None:
    """Raise ValueError when joins, or the columns that are read of them, do not hang together.

    ``patterns`` are those of person files.
    """
    above: dict[str, Join] = {}
    for name, join in joins.items():
        if join.file in patterns:
            raise ValueError(f"joins.{name}.file: found {join.file!r}; that is the pattern of the files of people")
        _check_key_above(name, join, joins, above)
        above[name] = join
    for one in side_columns(columns, joins):
        join = joins[one.join]
        if one.place and join.several != "numbered":
            raise ValueError(
                f"mapping: found {one.name!r}; accepted with joins.{one.join}.several: {join.several} is "
                f"{one.join}.{one.column}, for all by number set numbered"
            )
        if isinstance(join.format, JsonFormat):
            check_expression(one.column)


def _check_key_above(name: str, join: Join, joins: Joins, above: Joins) -> None:
    key = side_column(join.person_key, joins)
    if key and key.join not in above:
        raise ValueError(
            f"joins.{name}.person_key: found {join.person_key!r}; accepted is a column of the person file "
            f"or of a join above: {', '.join(above) or 'there is none'}"
        )
    if isinstance(join.format, JsonFormat):
        for column in (join.key, *join.where):
            check_expression(column)
