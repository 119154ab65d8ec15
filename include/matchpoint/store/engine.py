"""Opening a user store: engine, migrations, and the lock that lets one run at a time apply its plan."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text

from matchpoint.errors import PlanError

_LOCK = 0x6D617463  # any constant number: PostgreSQL's advisory locks are told apart by it

_NOTICE_THE_DEAD = {
    "client_connection_check_interval": "10s",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_POSTGRESQL: dict[str, Any] = {
    # A statement that PostgreSQL prepared while a table was small would go on scanning the table when it has grown.
    "prepare_threshold": None,
    # A worker that was killed, or whose machine went dark, must lose its locks soon, even while a statement waits.
    # Compiling a statement that runs once costs more than it saves.
    "options": " ".join(f"-c {name}={value}" for name, value in {**_NOTICE_THE_DEAD, "jit": "off"}.items()),
    # ... and a worker must notice a database that went dark.
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def open_store(url: str | URL) -> Engine:
    """Open the store at an SQLAlchemy URL (``sqlite:///...`` or ``postgresql+psycopg://...``).

    JSON columns take objects or ready JSON text. SQLite runs in WAL mode with foreign keys on.
    """
    address = make_url(url)
    engine = create_engine(
        address,
        connect_args=_POSTGRESQL if address.get_backend_name() == "postgresql" else {},
        json_serializer=_to_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # an error of the database must not carry a person into a log
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def existing_store(url: str | URL) -> Engine:
    """Open a store that is there already; raises :class:`PlanError` when there is none, and makes no file of it."""
    engine = open_store(url)
    where = engine.url.render_as_string(hide_password=True)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        raise PlanError(f"{where}: found no file; expected a user store. Name it as an SQLAlchemy URL.")
    if not inspect(engine).has_table("users"):
        raise PlanError(
            f"{where}: found no table of users; expected a user store. Run a load first, or name another."
        )
    return engine


def writing(engine: Engine) -> Engine:
    """Give the same store for transactions that write: SQLite then waits for its turn at their beginning."""
    return engine.execution_options(matchpoint_writes=True)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("matchpoint_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _to_json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy, not the driver, begins transactions
    for pragma in (
        "busy_timeout=60000",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def refresh_statistics(engine: Engine) -> None:
    """Let PostgreSQL count its tables now: after a big load it would else plan joins as if they were empty."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE users, identifiers, history, row_ledger, facets"))


@contextmanager
def exclusive(engine: Engine) -> Iterator[None]:
    """Hold the store for one writer of many rows, waiting for another to finish. Ends with the process."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": _LOCK})
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": _LOCK})
    else:
        with Path(f"{engine.url.database}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
