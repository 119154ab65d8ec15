"""Fixtures every test may use, and a throw-away Airflow home that is set before Airflow is imported."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def _throw_away_airflow() -> None:
    """Point Airflow at a home of this session's own, and away from anything the caller has configured."""
    home, session = Path(tempfile.mkdtemp(prefix="matchpoint-airflow-")), os.getpid()

    def remove() -> None:
        if os.getpid() == session:  # a forked child leaves it alone
            shutil.rmtree(home, ignore_errors=True)

    atexit.register(remove)
    # Also AIRFLOW_CONN_…, AIRFLOW_VAR_… and secrets back ends: no test may reach a real system.
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]
    python_path = [str(REPOSITORY / "include"), str(REPOSITORY / "plugins"), os.environ.get("PYTHONPATH", "")]
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "PYTHONPATH": os.pathsep.join(filter(None, python_path)),
    }


_throw_away_airflow()

import pytest  # noqa: E402
import servers  # noqa: E402
from queue_and_objects import object_store, object_store_connection  # noqa: E402


def require(program: str) -> None:
    """Skip what needs a program that is not installed; where ``CI`` is set, fail instead."""
    sentence = servers.missing(program)
    if sentence and os.environ.get("CI"):
        pytest.fail(sentence)
    if sentence:
        pytest.skip(sentence)


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.SftpServer]:
    """One real OpenSSH server for all tests: each makes a folder of its own under ``root``."""
    require("sshd")
    with servers.openssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One real PostgreSQL cluster for all tests, as the SQLAlchemy URL of its ``postgres`` database."""
    require("postgres")
    with servers.postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(scope="session")
def object_store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One S3-compatible object store for all tests, as its endpoint."""
    with object_store(tmp_path_factory.mktemp("object_store")) as endpoint:
        yield endpoint


@pytest.fixture
def bucket(object_store_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the URL of a bucket that is this test's own and is not made yet, and the connection in it."""
    monkeypatch.setenv("AIRFLOW_CONN_OBJECT_STORE", object_store_connection(object_store_url))
    return f"s3://object_store@test-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def spare_databases() -> list[str]:
    """Hold the URLs of empty PostgreSQL databases that no test uses now."""
    return []


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the URL of an empty database that is this test's own: a SQLite file, and PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    spare = request.getfixturevalue("spare_databases")
    url = (
        spare.pop() if spare else servers.create_database(request.getfixturevalue("postgresql_url"), uuid.uuid4().hex)
    )
    yield url
    servers.empty_database(url)
    spare.append(url)
