"""A whole Airflow with two Celery workers: all that docker-compose.yaml has, as processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
from celery import Celery
from compose_file import ENV, RAW, resolve
from node_settings import Services, compose_settings, impatient
from nodes import COMMANDS, Node
from rest import Api
from sqlalchemy import make_url
from waiting import wait_for


@dataclass
class Cluster:
    """The nodes by name, the API, and the services that the nodes share."""

    nodes: dict[str, Node]
    api: Api
    services: Services
    queue: Celery

    @property
    def store_url(self) -> str:
        """The user store, for the superuser."""
        return make_url(self.services.postgres).set(database="matchpoint").render_as_string(hide_password=False)

    @property
    def students(self) -> Path:
        """The folder of the SIS's server in which the extracts of students lie."""
        return self.services.sftp.root / "students"

    def workers(self) -> set[str]:
        """Give the workers that answer."""
        answers = self.queue.control.ping(timeout=2)
        return {name for answer in answers for name in answer}

    def wait_for(self, what: str, ready: Callable[[], Any]) -> None:
        """Wait until something is so, while all nodes are well."""
        wait_for(what, lambda: all(node.check() for node in self.nodes.values()) and ready())

    def node_of(self, pid: int) -> Node:
        """Give the node on which a process runs."""
        return next(node for node in self.nodes.values() if node.has(pid))


def make_databases(postgres: str, given: dict[str, str], base: Path) -> None:
    """Make the databases and their owners by the very script of docker-compose.yaml."""
    script = base / "databases.sql"
    script.write_text(resolve(RAW["configs"]["postgres_init"]["content"], {**ENV, **given}))
    psql = servers.program("postgres").resolve().with_name("psql")
    subprocess.run(
        [psql, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}", servers.libpq(postgres)],
        env={**os.environ, **given},
        check=True,
    )


class Started(ExitStack):
    """Starts the nodes in the order in which Compose would."""

    def __init__(self, services: Services, base: Path) -> None:
        super().__init__()
        self.services, self.base = services, base

    def __enter__(self) -> Cluster:
        super().__enter__()
        try:
            return self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> Cluster:
        passwords = self.base / "api-server"
        passwords.mkdir()
        (passwords / "passwords.json").write_text('{"admin": "of-this-test"}')
        settings = compose_settings(self.services) | impatient(self.services, passwords, servers.free_port())
        nodes = {name: Node(name, self.base / "nodes" / name, settings, self.services.api_port) for name in COMMANDS}
        for node in nodes.values():
            (node.folder / "project/include/profiles/students.yaml").write_text(profile(node))
        nodes["api-server"].run("-m", "airflow", "db", "migrate")
        nodes["api-server"].run("-m", "matchpoint_airflow.make_bucket")
        for node in nodes.values():
            node.start()
            self.callback(node.stop)
        queue = Celery(broker=self.services.redis)
        self.callback(queue.close)
        api = Api(f"http://127.0.0.1:{self.services.api_port}", "of-this-test")
        cluster = Cluster(nodes, api, self.services, queue)
        cluster.wait_for("Airflow's health", api.healthy)
        api.sign_in()
        cluster.wait_for("the workers", lambda: len(cluster.workers()) == 2)
        cluster.wait_for("the DAGs", lambda: {"sis_import__students", "sis_synchronize__students"} <= api.dags())
        return cluster


def profile(node: Node) -> str:
    """Give the sample profile of students, not waiting for files to settle, nor for an answer at first."""
    text = (node.folder / "project/include/profiles/students.yaml").read_text(encoding="utf-8")
    assert "    path: students\n" in text
    text = text.replace("    path: students\n", "    path: students\n    settle_seconds: 0\n")
    return f"{text}\nguard: {{first_load: go}}\n"
