"""An Alma double in a process of its own, for the bench: a user store behind Alma's API, without limits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matchpoint.almaws.keys import make_key
from matchpoint.profile import Profile
from matchpoint.store import open_store, upgrade

HOST = "127.0.0.1"
NO_LIMIT = 10**9


@dataclass(frozen=True)
class Double:
    """A running double: its process, the port it listens at, a key that may write."""

    process: subprocess.Popen[bytes]
    port: int
    key: str

    def connection(self) -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        return json.dumps({"conn_type": "alma", "host": f"http://{HOST}:{self.port}", "password": self.key})

    def cpu_seconds(self) -> float:
        """Give the CPU seconds that its process took."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def alma_double(folder: Path, profile: Profile) -> Iterator[Double]:
    """Run one on a new store in a folder, which knows the profile."""
    url = f"sqlite:///{folder / 'alma.sqlite'}"
    engine = open_store(url)
    upgrade(engine)
    key = make_key(engine, "bench", "rw", datetime.now(UTC), per_second=NO_LIMIT, per_day=NO_LIMIT)
    engine.dispose()
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "matchpoint_airflow.almaws", "--store", url, "serve", "--port", str(port)]
    with (folder / "alma.log").open("wb") as log:
        process = subprocess.Popen([*command, "--profile", profile.code], stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "alma.log")
        yield Double(process, port, key)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        with socket.socket() as asked:
            if asked.connect_ex((HOST, port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"the Alma double does not listen\n{log.read_text(encoding='utf-8')}")
