"""An Alma double on loopback for the tests of a delivery: a user store behind Alma's API, whose answers may fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import servers
import uvicorn
from faults_of_alma import Faulty
from ready_stores import make_store
from sqlalchemy import Engine, select, update
from waiting import wait_for

from matchpoint.accounts import one
from matchpoint.accounts.store import Act, create
from matchpoint.alma.fields import User
from matchpoint.almaws.keys import Limits, make_key
from matchpoint.almaws.users import Alma
from matchpoint.store import open_store, writing
from matchpoint.store.api_tables import api_keys
from matchpoint.store.tables import users
from matchpoint_airflow.almaws.app import create_app
from matchpoint_airflow.almaws.server import Server

ACT = Act("the desk at Alma", datetime(2026, 9, 1, tzinfo=UTC))


@dataclass
class Double:
    """A running double; ``asked`` are method and path of every request. ``app.share`` of its answers fail."""

    app: Faulty
    engine: Engine
    key: str
    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)

    def connection(self, key: str = "") -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        host = f"http://{servers.HOST}:{self.port}"
        return json.dumps({"conn_type": "alma", "host": host, "password": key or self.key})

    def users(self) -> dict[str, User]:
        """Give its users by primary id."""
        with self.engine.connect() as connection:
            found = connection.execute(select(users.c.primary_id, users.c.document))
            return {row.primary_id: row.document for row in found}

    def has(self, user: User) -> None:
        """Give it a user."""
        with writing(self.engine).begin() as connection:
            create(connection, user, ACT)

    def edit(self, primary_id: str, **values: Any) -> None:
        """Have its staff edit a user by hand."""
        one.edit(self.engine, primary_id, values, ACT)

    def allow(self, per_day: int) -> None:
        """Let it take so many requests a day, those of before among them."""
        with writing(self.engine).begin() as connection:
            connection.execute(update(api_keys).values(per_day=per_day))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note what is asked, and answer."""
        if scope["type"] == "http":
            self.asked.append((scope["method"], scope["path"]))
        await self.app(scope, receive, send)


@contextmanager
def alma_double(folder: Path, profiles: Collection[str]) -> Iterator[Double]:
    """Run one on an empty SQLite store in a folder; it takes as many requests as come."""
    url = f"sqlite:///{folder / 'alma.sqlite'}"
    make_store(url)
    engine = open_store(url)
    key = make_key(engine, "matchpoint", "rw", datetime.now(UTC), per_second=10**6, per_day=10**6)
    served = Server(Alma(engine, profiles), lambda: datetime.now(UTC), Limits(engine))
    double = Double(Faulty(create_app(lambda: served), 6, 0.0), engine, key, servers.free_port())
    config = uvicorn.Config(double, host=servers.HOST, port=double.port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for("the Alma double", lambda: server.started)
        yield double
    finally:
        server.should_exit = True
        thread.join()
        engine.dispose()
