"""The user store's connection, as an engineer writes it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.exc import OperationalError


def connect(monkeypatch: pytest.MonkeyPatch, **connection: object):
    from matchpoint_airflow.hooks.user_store import UserStoreHook

    monkeypatch.setenv("AIRFLOW_CONN_STORE_UNDER_TEST", json.dumps(connection))
    return UserStoreHook("store_under_test").get_conn()


def test_a_postgres_connection_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "other": "left alone"}
    engine = connect(monkeypatch, conn_type="postgres", host="db", port=5433, login="me", schema="users", extra=tls)
    assert str(engine.url) == "postgresql+psycopg://me@db:5433/users?sslmode=verify-full&sslrootcert=%2Fca.pem"


def test_tls_that_is_asked_for_is_not_done_without(monkeypatch: pytest.MonkeyPatch, postgresql_url: str) -> None:
    from sqlalchemy import make_url

    url = make_url(postgresql_url)
    where = {
        "host": url.host,
        "port": url.port,
        "login": url.username,
        "password": url.password,
        "schema": "postgres",
    }
    with connect(monkeypatch, conn_type="postgres", **where).connect() as connection:
        assert connection.exec_driver_sql("SHOW client_connection_check_interval").scalar() == "10s"
    with pytest.raises(OperationalError, match="SSL"):
        connect(monkeypatch, conn_type="postgres", **where, extra={"sslmode": "require"}).connect()
