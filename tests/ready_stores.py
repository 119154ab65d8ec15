"""User stores in a moment: the migrations run once in a process and database, and what they made is made again."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import psycopg
import servers
from sqlalchemy import make_url

from matchpoint.store import open_store, upgrade


def make_store(url: str) -> None:
    """Make the newest, empty store of an empty database: a SQLite file that is not there yet, or PostgreSQL's."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with Path(str(address.database)).open("xb") as file:
            file.write(_sqlite())
        return
    statements = _postgresql(address.set(database="postgres").render_as_string(hide_password=False))
    with psycopg.connect(servers.libpq(url)) as connection:
        connection.execute(statements.encode())


@cache
def _sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.sqlite")
        _upgraded(f"sqlite:///{path}")
        return path.read_bytes()


@cache
def _postgresql(cluster: str) -> str:
    name = "newest_store"
    url = servers.create_database(cluster, name)
    _upgraded(url)
    statements = servers.dump_database(url)
    servers.drop_database(cluster, name)
    return statements


def _upgraded(url: str) -> None:
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()  # SQLite then writes its log into the file
