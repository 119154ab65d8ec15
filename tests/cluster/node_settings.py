"""The settings of the nodes: those of docker-compose.yaml, made to fit the test's servers and its patience."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compose_file import ENV, RAW, resolve
from queue_and_objects import object_store_connection
from servers import SftpServer
from sqlalchemy import make_url


@dataclass(frozen=True)
class Services:
    """Where the services of the compose file are in this test, and the secrets that belong to them."""

    postgres: str
    redis: str
    object_store: str
    sftp: SftpServer
    api_port: int
    secrets: dict[str, str]

    def addresses(self) -> dict[str, str]:
        """Give host and port per service and port of the compose file."""
        postgres = make_url(self.postgres)
        return {
            "@postgres:5432": f"@{postgres.host}:{postgres.port}",
            "@redis:6379": f"@127.0.0.1:{urlsplit(self.redis).port}",
            "airflow-api-server:8080": f"127.0.0.1:{self.api_port}",
        }


def make_secrets() -> dict[str, str]:
    """Make a value for every secret of .env.example."""
    return {name: secrets.token_hex(32) for name, value in ENV.items() if "change-me" in value}


def compose_settings(services: Services) -> dict[str, str]:
    """Give the environment of the compose file's Airflow services, at the addresses of this test."""
    raw: dict[str, Any] = RAW["x-airflow"]["environment"]
    settings = dict(resolve(raw, {**ENV, **services.secrets}))
    for place, address in services.addresses().items():
        settings = {name: value.replace(place, address) for name, value in settings.items()}
    store = json.loads(settings["AIRFLOW_CONN_USER_STORE"])
    postgres = make_url(services.postgres)
    return settings | {
        "AIRFLOW_CONN_USER_STORE": json.dumps({**store, "host": postgres.host, "port": postgres.port}),
        "AIRFLOW_CONN_OBJECT_STORE": object_store_connection(services.object_store),
        "AIRFLOW_CONN_SIS_SFTP": services.sftp.connection(),
    }


def impatient(services: Services, folder: Path, health_port: int) -> dict[str, str]:
    """Give what a test needs otherwise: loopback only, less patience with the dead, a place for the login."""
    return {
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{services.api_port}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health_port),
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
        # So short that Redis hands out anew what a dead worker held, and even what still runs: neither may matter.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "40",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
