"""Whom the rejected rows of an extract are about: the identifiers that they have, whatever else is wrong with them.

The file ``rejected/NNN.jsonl`` of the run folder has a line per such row: its number, its identifiers case-folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from matchpoint.alma.fields import PRIMARY_ID, User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.mapping.converters import Strings
from matchpoint.mapping.documents import is_identifier
from matchpoint.run_folder import Extract, RunFolder

Named = list[tuple[int, list[str]]]
"""Row numbers, each with the identifiers of the row."""


def named_in_columns(columns: Mapping[str, Strings], rejected: Collection[int]) -> Named:
    """Give the identifiers of rejected rows out of mapped columns; a row that is in none has no identifier."""
    held = {name: values for name, values in columns.items() if name == PRIMARY_ID or is_identifier(name)}
    found: dict[int, list[str]] = {row: [] for row in sorted(rejected)}
    for values in held.values():
        some = values[values.index.isin(list(rejected))]
        for row, value in zip(some.index.tolist(), some.tolist(), strict=True):
            if value:
                found[row].append(key(value))
    return list(found.items())


def named_in_users(users: Mapping[int, User], rejected: Collection[int]) -> Named:
    """Give the identifiers of rejected rows out of the users that were made of them."""
    return [(row, [key(value) for _, value in identifiers(users.get(row, {}))]) for row in sorted(rejected)]


def write_named(folder: RunFolder, extract: Extract, named: Iterable[tuple[int, list[str]]], kind: str = "") -> None:
    """Write the file of an extract; ``kind`` is ``.woken`` for rows that are met after all."""
    folder.write_lines(_name(extract, kind), named)


def forget_named(folder: RunFolder, extract: Extract) -> None:
    """Take away the file of the rows that were met after all."""
    folder.root.joinpath(*_name(extract, ".woken").split("/")).unlink(missing_ok=True)


def read_named(folder: RunFolder, extract: Extract) -> Iterator[tuple[int, list[str]]]:
    """Read the files of an extract."""
    for kind in ("", ".woken"):
        yield from folder.read_lines(_name(extract, kind))


def _name(extract: Extract, kind: str) -> str:
    return f"rejected/{extract.number:03}{kind}.jsonl"
