"""The cluster, started once for the tests in this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import servers
from node_settings import Services, make_secrets
from queue_and_objects import object_store, redis_server
from whole import Cluster, Started, make_databases


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Start everything that docker-compose.yaml has, and end it again."""
    postgres = request.getfixturevalue("postgresql_url")
    sftp = request.getfixturevalue("sftp_server")
    redis_program = servers.missing("redis-server")
    if redis_program:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(redis_program)
    base = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        given = make_secrets()
        redis = stack.enter_context(redis_server(base / "redis", given["REDIS_PASSWORD"]))
        store = stack.enter_context(object_store(base / "object_store"))
        make_databases(postgres, given, base)
        services = Services(postgres, redis, store, sftp, servers.free_port(), given)
        (sftp.root / "students").mkdir()
        yield stack.enter_context(Started(services, base))
