"""Fixtures for tests that run DAGs."""

from __future__ import annotations

from pathlib import Path

import pytest
import servers
from fastapi.testclient import TestClient
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


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TestClient:
    """Airflow's own API server, with Ann signed in."""
    passwords = tmp_path / "passwords.json"
    passwords.write_text('{"ann": "secret"}')
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "ann:admin")
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
    from airflow.api_fastapi.app import create_app, purge_cached_app

    purge_cached_app()
    client = TestClient(create_app(), raise_server_exceptions=False)
    token = client.post("/auth/token", json={"username": "ann", "password": "secret"}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client
