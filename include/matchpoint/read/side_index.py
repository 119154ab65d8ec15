"""The rows of side files by their key, on disk: finding them takes little memory, however many there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path


class SideIndex:
    """Rows by key in a SQLite file that lives as long as one extract is read. It is scratch, so nothing is synced."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
            "CREATE TABLE side (key BLOB, cells TEXT); CREATE TEMP TABLE wanted (key BLOB PRIMARY KEY);"
        )

    def add(self, rows: Iterable[tuple[str, list[str]]]) -> None:
        """Add rows as key and cells; their order is kept."""
        packed = ((_packed(key), json.dumps(cells)) for key, cells in rows)
        self._database.executemany("INSERT INTO side VALUES (?, ?)", packed)

    def finish(self) -> None:
        """Make it ready to be asked, once all rows are in."""
        self._database.execute("CREATE INDEX by_key ON side (key)")

    def find(self, keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Give key and cells of every row with one of the keys, those of a key in the order they were added."""
        self._database.execute("DELETE FROM wanted")
        self._database.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((_packed(key),) for key in keys))
        found = self._database.execute(
            "SELECT side.key, side.cells FROM wanted CROSS JOIN side ON side.key = wanted.key ORDER BY side.rowid"
        )
        return ((key.decode("utf-8", "surrogatepass"), json.loads(cells)) for key, cells in found)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _packed(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
