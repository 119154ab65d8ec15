"""Runs the project's DAGs whole, in Airflow, against a folder on a real SFTP server and a real store."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import servers
from sqlalchemy import make_url, select

from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store
from matchpoint.store.tables import history, identifiers, users

PROFILES = Path(__file__).parents[2] / "include" / "profiles"
START = datetime(2026, 8, 24, 5, tzinfo=UTC)
POLL_SECONDS = 0.02
_sleep = time.sleep


def poll_often(seconds: float) -> None:
    """Sleep; ``dag.test`` alone, which would look for its next task once a second, looks much more often."""
    asks = sys._getframe(1).f_globals["__name__"]
    _sleep(POLL_SECONDS if asks == "airflow.sdk.definitions.dag" else seconds)


def store_connection(url: str) -> str:
    """Give the Airflow connection for a store's URL, as JSON."""
    parts = make_url(url)
    if parts.drivername == "sqlite":
        return json.dumps({"conn_type": "sqlite", "host": parts.database})
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.host,
            "port": parts.port,
            "login": parts.username,
            "password": parts.password,
            "schema": parts.database,
        }
    )


@dataclass
class Matchpoint:
    """One institution for one test: its profile, its folder at the SIS, its store, its runs."""

    server: servers.SftpServer
    store_url: str
    base: Path
    monkeypatch: pytest.MonkeyPatch
    folder: str = field(default_factory=lambda: f"sis_{uuid.uuid4().hex[:8]}")
    runs: int = 0

    def __post_init__(self) -> None:
        self.remote = self.server.root / self.folder
        self.remote.mkdir()
        (self.base / "profiles").mkdir()
        self.use_profile("students")
        settings = {
            "MATCHPOINT_PROFILES": str(self.base / "profiles"),
            "MATCHPOINT_RUNS": (self.base / "runs").as_uri(),
            "AIRFLOW_CONN_SIS_SFTP": self.server.connection(),
            "AIRFLOW_CONN_USER_STORE": store_connection(self.store_url),
        }
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)

    def use_profile(self, code: str, *changes: tuple[str, str]) -> None:
        """Take a sample profile, looking into this test's folder, not waiting for files, not asking at first."""
        text = (PROFILES / f"{code}.yaml").read_text(encoding="utf-8") + "\nguard: {first_load: go}\n"
        changes = (("path: students", f"path: {self.folder}\n    settle_seconds: 0"), *changes)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.base / "profiles" / f"{code}.yaml").write_text(text, encoding="utf-8")

    def run(self, dag_id: str, number: int | None = None, **params: Any) -> Result:
        """Run a DAG to its end. The number names the run: a number used before clears that run and runs it again."""
        from airflow.dag_processing.dagbag import DagBag

        if number is None:
            self.runs = number = self.runs + 1
        due = START + timedelta(days=number)
        dag = DagBag().dags[dag_id]
        conf = {"only_file": None, "dry_run": False, "as_of": "2026-09-01", **params}
        with patch("time.sleep", poll_often):
            run = dag.test(run_after=due, logical_date=due, run_conf=conf)
        states = {
            f"{one.task_id}[{one.map_index}]" if one.map_index >= 0 else one.task_id: str(one.state)
            for one in run.get_task_instances()
        }
        return Result(str(run.state), states, run.run_id, dag_id)

    def run_folder(self, result: Result) -> RunFolder:
        """Give the folder of a run."""
        from matchpoint_airflow.run import run_folder

        return run_folder(result.dag_id, result.run_id)

    def receipt(self, result: Result) -> dict[str, Any]:
        """Give the receipt of a run."""
        return dict(self.run_folder(result).read_json("receipt.json"))

    def store(self) -> dict[str, Any]:
        """Give what the store holds, ready to be compared."""
        with open_store(self.store_url).connect() as connection:
            return {
                "users": {
                    one.primary_id: (one.version, one.document)
                    for one in connection.execute(select(users).order_by(users.c.primary_id))
                },
                "identifiers": sorted(connection.scalars(select(identifiers.c.value_key))),
                "history": sorted(
                    (one.user_id, one.version, one.outcome) for one in connection.execute(select(history))
                ),
            }


@dataclass(frozen=True)
class Result:
    """How a DAG run ended: its state, the state per task."""

    state: str
    tasks: dict[str, str]
    run_id: str
    dag_id: str
