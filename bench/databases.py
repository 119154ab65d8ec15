"""Databases for the benchmark: an SQLite file or a database of a PostgreSQL cluster for every contestant."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

SERVERS = Path(__file__).resolve().parents[1] / "tests"
SETTINGS = {"max_wal_size": "8GB", "checkpoint_timeout": "30min", "maintenance_work_mem": "128MB"}
"""So that a checkpoint falls into no contestant's time; all else is as PostgreSQL comes, without fsync."""


class Sqlite:
    """SQLite files in a folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def new(self, name: str) -> str:
        """Give the URL of a database that is not there yet."""
        self.drop(name)
        return f"sqlite:///{self.folder / name}.sqlite"

    def copy(self, name: str, to: str) -> str:
        """Copy a database and give the URL of the copy."""
        url = self.new(to)
        shutil.copyfile(f"{self.folder / name}.sqlite", f"{self.folder / to}.sqlite")
        _settle(Path(f"{self.folder / to}.sqlite").stat().st_size)
        return url

    def rest(self, name: str) -> None:
        """Leave a filled database as it would be a day later."""
        with sqlite3.connect(f"{self.folder / name}.sqlite") as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def drop(self, name: str) -> None:
        """Take a database away, if it is there."""
        for pattern in (f"{name}.sqlite*", f"{name}__*"):  # dlt has files of its own beside it
            for path in self.folder.glob(pattern):
                path.unlink()


class PostgreSQL:
    """Databases of one cluster."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        for setting, value in SETTINGS.items():
            self._do(f"ALTER SYSTEM SET {setting} = '{value}'")
        self._do("SELECT pg_reload_conf()")

    def new(self, name: str) -> str:
        """Make an empty database and give its URL."""
        self.drop(name)
        self._do("CREATE DATABASE {}", name)
        return self._at(name)

    def copy(self, name: str, to: str) -> str:
        """Copy a database and give the URL of the copy."""
        self.drop(to)
        self._do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", to, name)
        with psycopg.connect(self._at(to).replace("+psycopg", "")) as connection:
            (size,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        _settle(size)
        return self._at(to)

    def rest(self, name: str) -> None:
        """Leave a filled database as it would be a day later: vacuumed and counted."""
        self._do("VACUUM (ANALYZE)", at=name)
        self._do("CHECKPOINT")

    def drop(self, name: str) -> None:
        """Take a database away, if it is there."""
        self._do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _at(self, name: str) -> str:
        return f"{self.url.rpartition('/')[0]}/{name}"

    def _do(self, statement: str, *names: str, at: str = "postgres") -> None:
        with psycopg.connect(self._at(at).replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def _settle(size: int) -> None:
    """Let a big copy reach the disk, which would else still be at it while the contestant runs."""
    if size > _BIG:
        os.sync()


_BIG = 100 << 20

Database = Sqlite | PostgreSQL


@contextmanager
def databases(folder: Path, names: list[str]) -> Iterator[list[Database]]:
    """Give the databases asked for; PostgreSQL is the tests' own throw-away cluster."""
    here: list[Database] = [Sqlite(folder)] if "sqlite" in names else []
    if "postgresql" not in names:
        yield here
        return
    sys.path.append(str(SERVERS))
    import servers  # noqa: PLC0415 (of the tests)

    with servers.postgresql(folder / "postgresql") as url:
        yield [*here, PostgreSQL(url)]
