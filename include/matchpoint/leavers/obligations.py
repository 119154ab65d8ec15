"""What people still owe the library: told by an interface or a file, and by the user's own record."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import IO

from sqlalchemy import Engine, delete

from matchpoint.accounts.purge import holds
from matchpoint.alma.fields import BLOCKS, User
from matchpoint.alma.identifiers import key
from matchpoint.chunks import chunks
from matchpoint.errors import ExtractError
from matchpoint.store.bulk import among, load_rows
from matchpoint.store.engine import writing
from matchpoint.store.leavers_tables import obligations
from matchpoint.store.lookup import holders_of
from matchpoint.store.obligations import BLOCKED

BATCH = 5_000
_COUNTED = ("blocks", "loans", "requests")


@dataclass(frozen=True, slots=True)
class Obligation:
    """What one person owes: numbers of blocks, loans and requests, and the open balance.

    ``identifier`` is any identifier of the user, in whatever case.
    """

    identifier: str
    blocks: int = 0
    loans: int = 0
    requests: int = 0
    fines: Decimal = Decimal(0)


@dataclass(frozen=True)
class Noted:
    """How many people were noted, and how many identifiers nobody has."""

    noted: int
    unknown: int


def note_obligations(
    engine: Engine, owed: Iterable[Obligation], *, source: str, as_of: date, whole: bool = False
) -> Noted:
    """Note what people owe, in place of what was noted of them.

    ``source`` names who tells it, ``as_of`` the day for which it is told. With ``whole`` it is all that the source
    knows: people of whom it told before and tells nothing now owe nothing. All or nothing is noted.
    """
    noted, unknown = 0, 0
    with writing(engine).begin() as connection:
        if whole:
            connection.execute(delete(obligations).where(obligations.c.source == source))
        for some in chunks(owed, BATCH):
            by_key = {key(one.identifier): one for one in some}
            found = holders_of(connection, by_key)
            by_user = {user_id: by_key[value_key] for value_key, user_id in found.items()}
            connection.execute(delete(obligations).where(among(connection, obligations.c.user_id, by_user)))
            rows = ((user_id, *_row(one), as_of.isoformat(), source) for user_id, one in by_user.items())
            load_rows(connection, obligations, _COLUMNS, rows)
            noted += len(by_user)
            unknown += len(by_key) - len(by_user)
    return Noted(noted, unknown)


_COLUMNS = ("user_id", *_COUNTED, "fines", "as_of", "source")


def _row(one: Obligation) -> tuple[int, int, int, str]:
    return one.blocks, one.loans, one.requests, str(one.fines)


def read_obligations(file: IO[str], name: str) -> Iterator[Obligation]:
    """Read a CSV file with the column ``identifier`` and any of ``blocks``, ``loans``, ``requests`` and ``fines``.

    What is empty is 0. Raises :class:`ExtractError` by line for a file that is none of this, without a value of it.
    """
    reader = csv.DictReader(file, strict=True)
    header = [one.strip() for one in reader.fieldnames or []]
    reader.fieldnames = header
    if "identifier" not in header or not {*_COUNTED, "fines"} & {*header}:
        expected = "the column identifier and one of blocks, loans, requests, fines"
        raise ExtractError(name, "other columns", expected, "Change the file's first line.", place="row 1")
    expected = "an identifier, whole numbers, and fines as a decimal number with a point"
    try:
        for row in reader:
            yield _read(row)
    except csv.Error:
        place = f"after line {reader.line_num}"
        raise ExtractError(name, "no CSV", "every quote closed", "Mend the line.", place=place) from None
    except (ValueError, InvalidOperation):
        place = f"line {reader.line_num}"
        raise ExtractError(name, "another value", expected, "Mend the line.", place=place) from None


def _read(row: Mapping[str, str | None]) -> Obligation:
    cells = {name: (row.get(name) or "").strip() for name in ("identifier", *_COUNTED, "fines")}
    blocks, loans, requests = (int(cells[name] or 0) for name in _COUNTED)
    fines = Decimal(cells["fines"] or 0)
    if min(blocks, loans, requests) < 0 or not fines.is_finite() or not cells["identifier"]:
        raise ValueError
    return Obligation(cells["identifier"], blocks, loans, requests, fines)


def told_by_record(user: User, as_of: date) -> Iterator[str]:
    """Tell in words what a user owes by its own record; a block counts until it is inactive or has expired."""
    today = as_of.isoformat()
    for block in BLOCKS.parts(user):
        if block.get("block_status") != "INACTIVE" and block.get("expiry_date", "9999")[:10] >= today:
            yield BLOCKED
            break
    yield from holds(user)
