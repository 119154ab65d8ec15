"""Fixtures for tests that run DAGs."""

from __future__ import annotations

from pathlib import Path

import pytest
import servers
from harness import Matchpoint


@pytest.fixture(scope="session", autouse=True)
def airflow_database() -> None:
    """Give Airflow's throw-away home its metadata database."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def matchpoint(
    sftp_server: servers.SftpServer, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Matchpoint:
    """One institution against a real OpenSSH server, on SQLite and on PostgreSQL."""
    return Matchpoint(sftp_server, store_url, tmp_path, monkeypatch)


@pytest.fixture
def on_sqlite(sftp_server: servers.SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Matchpoint:
    """One institution on SQLite, for what the database has no say in."""
    return Matchpoint(sftp_server, f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, monkeypatch)
