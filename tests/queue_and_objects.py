"""Real servers for tests of many workers: Redis, and an S3-compatible object store.

Both listen on 127.0.0.1 only, on a free port, keep nothing on a disk, and are gone when their ``with`` block ends.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import redis
import servers


@contextmanager
def redis_server(folder: Path, password: str) -> Iterator[str]:
    """Run Redis with a password; gives its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    port = servers.free_port()
    settings = {"bind": servers.HOST, "port": port, "requirepass": password, "save": '""', "appendonly": "no"}
    config = folder / "redis.conf"
    servers.write_private(config, "".join(f"{name} {value}\n" for name, value in settings.items()))
    url = f"redis://:{password}@{servers.HOST}:{port}/0"
    command = [str(servers.program("redis-server")), str(config)]
    with servers.service(command, folder / "redis.log", ready=lambda: _pongs(url), cwd=folder):
        yield url


def _pongs(url: str) -> bool:
    with suppress(redis.RedisError):
        return bool(redis.Redis.from_url(url, socket_timeout=5).ping())
    return False


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Run moto's S3 server; gives its endpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    port = servers.free_port()
    endpoint = f"http://{servers.HOST}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", servers.HOST, "-p", str(port)]
    with servers.service(command, folder / "object_store.log", ready=lambda: _answers(endpoint)):
        yield endpoint


def _answers(endpoint: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5):
        return True
    return False


def object_store_connection(endpoint: str) -> str:
    """Give the JSON for ``AIRFLOW_CONN_...``."""
    extra = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    return json.dumps({"conn_type": "aws", "login": "key", "password": "secret", "extra": extra})
