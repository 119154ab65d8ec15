"""The API of a user store, served on loopback in a thread, as another process would serve it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from sqlalchemy import Engine, update

from matchpoint.almaws.keys import Limits, make_key
from matchpoint.almaws.users import Alma
from matchpoint.store import writing
from matchpoint.store.api_tables import api_keys
from matchpoint_airflow.almaws.app import create_app
from matchpoint_airflow.almaws.server import Server

NOW = datetime(2026, 9, 1, 5, tzinfo=UTC)


@dataclass
class Served:
    """A store that is served: the address of the server, a key that may write and one that may read."""

    engine: Engine
    address: str
    key: str
    read_key: str

    @property
    def root(self) -> str:
        """The address of the API itself."""
        return f"{self.address}/almaws/v1"


def allow(engine: Engine, per_day: int) -> None:
    """Let the key that may write make so many requests a day, those of before among them."""
    with writing(engine).begin() as connection:
        connection.execute(update(api_keys).where(api_keys.c.name == "writer").values(per_day=per_day))


@contextmanager
def serving(
    engine: Engine,
    *,
    profiles: tuple[str, ...] = ("people", "students"),
    around: Callable[[Any], Any] = lambda app: app,
    clock: Callable[[], datetime] = lambda: NOW,
    per_second: int = 1_000_000,
    per_day: int = 1_000_000,
) -> Iterator[Served]:
    """Serve a store, whose app something may stand ``around``."""
    key = make_key(engine, "writer", "rw", NOW, per_second=per_second, per_day=per_day)
    read_key = make_key(engine, "reader", "ro", NOW)
    app = create_app(lambda: Server(Alma(engine, profiles), clock, Limits(engine)))
    server = uvicorn.Server(uvicorn.Config(around(app), port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server did not start")
            time.sleep(0.002)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(engine, f"http://127.0.0.1:{port}", key, read_key)
    finally:
        server.should_exit = True
        thread.join()
