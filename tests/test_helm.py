"""helm/values.yaml without Kubernetes: the chart's keys, the settings of docker-compose.yaml, and no secret.

The chart's own schema is not here to be asked: ``KEYS`` are the keys that this file uses, as they stand in the values
of chart 1.19. A key that is not among them is to be looked up in the chart before it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from airflow import __version__ as airflow_version
from compose_file import ENV, RAW, REPOSITORY, resolve

TEXT = (REPOSITORY / "helm" / "values.yaml").read_text("utf-8")
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
SETTINGS = {one["name"]: one["value"] for one in VALUES["env"]}
COMPOSE: dict[str, str] = resolve(RAW["x-airflow"]["environment"], ENV)

KEYS = {
    "airflowVersion", "apiSecretKeySecretName", "data.brokerUrlSecretName", "data.metadataSecretName",
    "defaultAirflowRepository", "defaultAirflowTag", "env", "executor", "extraEnvFrom", "fernetKeySecretName", "gid",
    "jwtSecretName", "logs.persistence.enabled", "postgresql.enabled", "redis.enabled", "redis.passwordSecretName",
    "redis.uid",
    "securityContexts.containers", "triggerer.persistence.enabled", "uid", "webserver.defaultUser.enabled",
    "workers.persistence.enabled", "workers.replicas", "workers.terminationGracePeriodSeconds",
}  # fmt: skip
FREE = {"securityContexts.containers", "env"}
"""Keys below which Kubernetes' own words stand."""
BY_THE_CHART = {
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
}
"""Settings that the chart makes of its own values and secrets."""
BY_THE_SECRET = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
    "AIRFLOW_CONN_USER_STORE",
    "AIRFLOW_CONN_SIS_SFTP",
    "AIRFLOW_CONN_OBJECT_STORE",
}
"""What stands in the secret matchpoint-connections."""
ONE_MACHINE = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
}
"""Settings of the login that is meant for one machine; the chart has a real one."""


def leaves(node: dict[str, Any], above: str = "") -> Iterator[str]:
    """Give the keys at the ends of the tree, dotted."""
    for key, value in node.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and name not in FREE:
            yield from leaves(value, f"{name}.")
        else:
            yield name


def test_every_key_is_one_of_the_chart() -> None:
    assert set(leaves(VALUES)) == KEYS


def test_the_settings_are_those_of_the_compose_file() -> None:
    elsewhere = BY_THE_CHART | BY_THE_SECRET | ONE_MACHINE
    assert elsewhere <= set(COMPOSE)
    assert {name: value for name, value in COMPOSE.items() if name not in elsewhere} == SETTINGS
    assert len(SETTINGS) == len(VALUES["env"])
    assert VALUES["executor"] == COMPOSE["AIRFLOW__CORE__EXECUTOR"]


def test_what_the_secrets_must_hold_is_said_in_the_file() -> None:
    said = TEXT[: TEXT.index("defaultAirflowRepository")]
    named = [VALUES[key] for key in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")]
    named += [*VALUES["data"].values(), VALUES["redis"]["passwordSecretName"]]
    [source] = yaml.safe_load(VALUES["extraEnvFrom"])
    for name in [*named, source["secretRef"]["name"], *BY_THE_SECRET]:
        assert name in said


def test_no_secret_stands_in_the_file() -> None:
    assert not {name for name, value in ENV.items() if "change-me" in value and f"${{{name}" in TEXT}
    assert "PRIVATE KEY" not in TEXT
    assert not [value for value in SETTINGS.values() if "://:" in value or "password" in value.lower()]


def test_image_and_places_fit() -> None:
    assert VALUES["defaultAirflowTag"] == VALUES["airflowVersion"] == airflow_version
    places = VALUES["workers"]["replicas"] * int(SETTINGS["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    assert int(SETTINGS["AIRFLOW__CORE__PARALLELISM"]) == places
    worker = RAW["x-airflow-worker"]
    assert worker["stop_grace_period"] == f"{VALUES['workers']['terminationGracePeriodSeconds'] // 60}m"


def test_nobody_is_root_and_nobody_is_admin_by_default() -> None:
    assert VALUES["redis"]["uid"] != 0
    assert f"{VALUES['uid']}:{VALUES['gid']}" == RAW["x-airflow"]["user"]
    container = VALUES["securityContexts"]["containers"]
    assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert VALUES["webserver"]["defaultUser"]["enabled"] is False
