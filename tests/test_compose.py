"""docker-compose.yaml without Docker: the Compose specification's schema, and what the schema cannot know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from airflow import __version__ as airflow_version
from airflow.configuration import retrieve_configuration_description
from airflow.sdk import Connection
from check_jsonschema.builtin_schemas import get_builtin_schema

from matchpoint.profile import load_profiles

REPOSITORY = Path(__file__).resolve().parents[1]
AIRFLOW_SERVICES = {
    "airflow-init",
    "airflow-api-server",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
}
OPTIONAL = {"AIRFLOW_PORT", "SFTP_PORT"}

ENV_LINE = re.compile(r'^(?P<name>\w+)=(?:"(?P<quoted>[^"]*)"|(?P<plain>.*))$', re.MULTILINE)
VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\})")

Json = dict[str, Any]


def read_env(text: str) -> dict[str, str]:
    """Read a .env file: ``NAME=value``, or a value in double quotes that may go over several lines."""
    return {m["name"]: m["plain"] if m["quoted"] is None else m["quoted"] for m in ENV_LINE.finditer(text)}


def strings(node: object) -> Iterator[str]:
    """Walk over every string value of a document."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from strings(child)


def interpolate(text: str, env: dict[str, str]) -> str:
    """Fill ``${VAR}``, ``${VAR:-default}`` and ``${VAR:?message}`` as Compose does; ``$$`` is a dollar."""

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        found = env.get(match["name"], "")
        if not found and match["how"] == ":?":
            raise ValueError(f"required variable {match['name']} is missing a value: {match['rest']}")
        return found or (match["rest"] or "" if match["how"] == ":-" else "")

    return VARIABLE.sub(value, text)


def resolve(node: Any, env: dict[str, str]) -> Any:
    """Interpolate a whole document."""
    if isinstance(node, dict):
        return {key: resolve(child, env) for key, child in node.items()}
    if isinstance(node, list):
        return [resolve(child, env) for child in node]
    return interpolate(node, env) if isinstance(node, str) else node


RAW: Json = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text("utf-8"))
ENV = read_env((REPOSITORY / ".env.example").read_text("utf-8"))
COMPOSE: Json = resolve(RAW, ENV)
SERVICES: dict[str, Json] = COMPOSE["services"]
FILES_FROM_ENV = {secret["environment"] for secret in RAW["secrets"].values()}
LONG_RUNNING = {name for name, service in SERVICES.items() if service["restart"] != "no"}


def used_variables() -> dict[str, set[str]]:
    """Give every variable that the file interpolates, with the ways in which it does."""
    used: dict[str, set[str]] = {}
    for text in strings(RAW):
        for match in VARIABLE.finditer(text):
            if match["name"]:
                used.setdefault(match["name"], set()).add(match["how"] or "")
    return used


def environment(service: str) -> dict[str, str]:
    return SERVICES[service].get("environment", {})


def validate(document: Json) -> None:
    schema = get_builtin_schema("vendor.compose-spec")
    jsonschema.validators.validator_for(schema)(schema).validate(document)


def test_the_file_follows_the_compose_specification() -> None:
    validate(COMPOSE)


def _misspell_ports(document: Json) -> None:
    document["services"]["sftp"]["port"] = document["services"]["sftp"].pop("ports")


def _unknown_condition(document: Json) -> None:
    document["services"]["airflow-scheduler"]["depends_on"]["postgres"]["condition"] = "service_ready"


def _health_check_without_test_list(document: Json) -> None:
    document["services"]["postgres"]["healthcheck"]["test"] = {"CMD": "pg_isready"}


def _secret_with_content(document: Json) -> None:
    document["secrets"]["sis_sftp_key"]["content"] = "a private key"


@pytest.mark.parametrize(
    "mutate", [_misspell_ports, _unknown_condition, _health_check_without_test_list, _secret_with_content]
)
def test_the_schema_refuses_a_mistake(mutate: Callable[[Json], None]) -> None:
    document = json.loads(json.dumps(COMPOSE))
    mutate(document)
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_env_example_names_every_variable_and_no_other() -> None:
    assert set(used_variables()) | FILES_FROM_ENV == set(ENV)


def test_no_secret_has_a_default() -> None:
    assert {name for name, ways in used_variables().items() if ways != {":?"}} == OPTIONAL


@pytest.mark.parametrize("name", sorted(set(used_variables()) - OPTIONAL))
def test_a_missing_secret_is_said_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is missing a value: set it in \.env"):
        resolve(RAW, ENV | {name: ""})


def test_placeholders_are_the_ones_that_the_first_start_refuses() -> None:
    assert {name for name, value in ENV.items() if "change-me" not in value} == OPTIONAL
    assert "grep -q change-me" in SERVICES["airflow-init"]["command"][-1]


def test_the_services_are_all_of_airflow_a_database_and_a_server_for_files() -> None:
    assert set(SERVICES) == AIRFLOW_SERVICES | {"postgres", "sftp"}
    assert {name for name in SERVICES if "build" in SERVICES[name]} == AIRFLOW_SERVICES
    for name in AIRFLOW_SERVICES - {"airflow-init"}:
        assert SERVICES[name]["command"] == name.removeprefix("airflow-")
    assert SERVICES["airflow-init"]["command"][-1].endswith("exec airflow db migrate\n")


@pytest.mark.parametrize("service", sorted(AIRFLOW_SERVICES))
def test_airflow_finds_the_project(service: str) -> None:
    settings = environment(service)
    assert settings["PYTHONPATH"].split(":") == ["/opt/airflow/include", "/opt/airflow/plugins"]
    assert settings["AIRFLOW__CORE__DAGS_FOLDER"] == "/opt/airflow/dags"
    assert settings["AIRFLOW__CORE__PLUGINS_FOLDER"] == "/opt/airflow/plugins"
    assert settings["MATCHPOINT_RUNS"] == "file:///opt/airflow/runs"
    assert "airflow-runs:/opt/airflow/runs" in SERVICES[service]["volumes"]


@pytest.mark.parametrize("service", sorted(AIRFLOW_SERVICES))
def test_airflow_knows_every_setting(service: str) -> None:
    described = retrieve_configuration_description()
    names = [name.split("__", 2)[1:] for name in environment(service) if name.startswith("AIRFLOW__")]
    assert len(names) > 5
    unknown = [(s, k) for s, k in names if k.lower() not in described.get(s.lower(), {}).get("options", {})]
    assert unknown == []


def test_tasks_reach_the_api_server_by_its_name() -> None:
    url = environment("airflow-scheduler")["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert url == "http://airflow-api-server:8080/execution/"


@pytest.mark.parametrize("service", sorted(AIRFLOW_SERVICES))
def test_connections_are_airflow_connections(service: str) -> None:
    found = {
        name.removeprefix("AIRFLOW_CONN_").lower(): Connection.from_json(value)
        for name, value in environment(service).items()
        if name.startswith("AIRFLOW_CONN_")
    }
    assert {name: connection.conn_type for name, connection in found.items()} == {
        "user_store": "postgres",
        "sis_sftp": "sftp",
    }
    assert all(connection.host in SERVICES for connection in found.values())
    assert found["user_store"].schema == "matchpoint"


def test_sftp_signs_in_by_key_and_knows_its_server() -> None:
    connection = Connection.from_json(environment("airflow-scheduler")["AIRFLOW_CONN_SIS_SFTP"])
    assert connection.password is None
    assert connection.extra_dejson == {
        "key_file": "/run/secrets/sis_sftp_key",
        "host_key": ENV["SIS_SFTP_HOST_KEY"],
    }
    assert "sis_sftp_key" in SERVICES["airflow-scheduler"]["secrets"]
    sshd = COMPOSE["configs"]["sshd_config"]["content"].splitlines()
    assert {"AuthenticationMethods publickey", "PasswordAuthentication no"} <= set(sshd)


def test_two_databases_with_an_owner_each() -> None:
    statements = COMPOSE["configs"]["postgres_init"]["content"].splitlines()
    for name in ("airflow", "matchpoint"):
        assert f"CREATE DATABASE {name} OWNER {name};" in statements


def test_no_port_leaves_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:2222:22", "127.0.0.1:8080:8080"]
    assert not any(service.get("network_mode") for service in SERVICES.values())


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_is_confined(service: str) -> None:
    settings = SERVICES[service]
    assert not settings.get("privileged")
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    if service != "sftp":  # sshd needs root to lock its user in; it has the capabilities for that and no more
        assert settings["user"].split(":")[0] not in {"", "0", "root"}
        assert "cap_add" not in settings
    assert "SYS_ADMIN" not in settings.get("cap_add", [])


def test_every_long_running_service_has_a_health_check() -> None:
    assert set(SERVICES) - LONG_RUNNING == {"airflow-init"}
    for name in LONG_RUNNING:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_services_wait_for_what_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            healthy, done = "service_healthy", "service_completed_successfully"
            assert how["condition"] == (healthy if other in LONG_RUNNING else done)
    for name in AIRFLOW_SERVICES - {"airflow-init"}:
        assert {"postgres", "airflow-init"} <= set(SERVICES[name]["depends_on"])


@pytest.mark.parametrize("kind", ["volumes", "secrets", "configs"])
def test_what_services_use_is_what_is_declared(kind: str) -> None:
    used = set()
    for service in SERVICES.values():
        for entry in service.get(kind, []):
            used.add(entry["source"] if isinstance(entry, dict) else entry.split(":")[0])
    assert used == set(COMPOSE[kind])


def test_the_image_holds_the_tested_airflow_and_what_the_build_may_see() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text("utf-8").splitlines()
    assert f"FROM apache/airflow:{airflow_version}-python3.11" in lines
    copied = {line.split()[1] for line in lines if line.startswith("COPY ")}
    ignore = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignore
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied
    assert copied == {"requirements.txt", "include", "plugins", "dags"}


def test_the_sftp_server_has_the_folders_of_the_profiles() -> None:
    profiles = load_profiles(REPOSITORY / "include" / "profiles").good
    wanted = {action.path for one in profiles for action in (one.action("import"), one.action("synchronize"))}
    [user] = SERVICES["sftp"]["command"]
    assert set(user.split(":")[4].split(",")) == wanted
