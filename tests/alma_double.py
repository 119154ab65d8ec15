"""An Alma double on loopback for the tests of a delivery: a user store behind Alma's API, whose answers may fail."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faults_of_alma import Faulty
from ready_stores import make_store
from served import allow, serving
from sqlalchemy import Engine, select

from matchpoint.accounts import one
from matchpoint.accounts.store import Act, create
from matchpoint.alma.fields import User
from matchpoint.store import open_store, writing
from matchpoint.store.tables import users

ACT = Act("the desk at Alma", datetime(2026, 9, 1, tzinfo=UTC))


@dataclass
class Double:
    """A running double; ``asked`` are method and path of every request. ``app.share`` of its answers fail."""

    app: Faulty
    engine: Engine
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    key: str = ""

    def connection(self, key: str = "") -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        return json.dumps({"conn_type": "alma", "host": self.address, "password": key or self.key})

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
        allow(self.engine, per_day)

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
    made: list[Double] = []

    def around(app: Any) -> Double:
        made.append(Double(Faulty(app, 6, 0.0), engine))
        return made[0]

    with serving(engine, profiles=tuple(profiles), around=around, clock=lambda: datetime.now(UTC)) as served:
        made[0].address, made[0].key = served.address, served.key
        yield made[0]
    engine.dispose()
