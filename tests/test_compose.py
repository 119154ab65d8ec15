"""docker-compose.yaml without Docker: the Compose specification's schema, and what the schema cannot know."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema
import pytest
from airflow import __version__ as airflow_version
from airflow.configuration import retrieve_configuration_description
from airflow.sdk import Connection
from check_jsonschema.builtin_schemas import get_builtin_schema
from compose_file import ENV, RAW, REPOSITORY, VARIABLE, Json, resolve, strings

from matchpoint.profile import load_profiles

AIRFLOW_SERVICES = {
    "airflow-init",
    "airflow-api-server",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-worker-1",
    "airflow-worker-2",
}
WORKERS = {"airflow-worker-1", "airflow-worker-2"}
OBJECT_STORE = {"object-store", "object-store-init"}
"""The services that start with the profile object-store; an S3 of one's own takes their place."""
OPTIONAL = {"AIRFLOW_PORT", "SFTP_PORT", "OBJECT_STORE_URL", "OBJECT_STORE_REGION", "OBJECT_STORE_BUCKET"}
READ_BY_COMPOSE = {"COMPOSE_PROFILES"}

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
    assert set(used_variables()) | FILES_FROM_ENV | READ_BY_COMPOSE == set(ENV)


def test_no_secret_has_a_default() -> None:
    assert {name for name, ways in used_variables().items() if ways != {":?"}} == OPTIONAL


@pytest.mark.parametrize("name", sorted(set(used_variables()) - OPTIONAL))
def test_a_missing_secret_is_said_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} is missing a value: set it in \.env"):
        resolve(RAW, ENV | {name: ""})


def test_placeholders_are_the_ones_that_the_first_start_refuses() -> None:
    assert {name for name, value in ENV.items() if "change-me" not in value} == OPTIONAL | READ_BY_COMPOSE
    assert "grep -q change-me" in SERVICES["airflow-init"]["command"][-1]


def test_the_services_are_all_of_airflow_database_queue_object_store_and_a_server_for_files() -> None:
    assert set(SERVICES) == AIRFLOW_SERVICES | OBJECT_STORE | {"postgres", "redis", "sftp"}
    assert {name for name in SERVICES if "build" in SERVICES[name]} == AIRFLOW_SERVICES
    for name in AIRFLOW_SERVICES - WORKERS - {"airflow-init"}:
        assert SERVICES[name]["command"] == name.removeprefix("airflow-")
    assert {SERVICES[name]["command"] for name in WORKERS} == {"celery worker"}
    assert SERVICES["airflow-init"]["command"][-1].endswith("exec airflow db migrate\n")


def test_the_settings_are_one_for_all_of_airflow() -> None:
    shared = COMPOSE["x-airflow"]["environment"]
    for name in AIRFLOW_SERVICES - {"airflow-init"}:
        assert environment(name) == shared
    assert shared.items() <= environment("airflow-init").items()


def test_no_two_services_share_a_folder_but_for_the_login() -> None:
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    shared = {name for name in mounted if mounted.count(name) > 1}
    assert shared == {"airflow-auth", "object-store-data"}
    users = {name for name, service in SERVICES.items() if any("auth" in one for one in service.get("volumes", []))}
    assert users == {"airflow-init", "airflow-api-server"}


def test_no_more_tasks_run_at_once_than_workers_have_places() -> None:
    settings = environment("airflow-scheduler")
    places = int(settings["AIRFLOW__CELERY__WORKER_CONCURRENCY"]) * len(WORKERS)
    assert int(settings["AIRFLOW__CORE__PARALLELISM"]) == places


def test_what_a_dead_worker_held_is_given_to_another() -> None:
    settings = environment("airflow-scheduler")
    assert settings["AIRFLOW__CELERY__TASK_ACKS_LATE"] == "True"
    assert int(settings["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"]) <= 300
    patience = int(settings["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"])
    assert patience >= 24 * 3600  # Redis must not hand out anew what still runs


def test_an_object_store_of_ones_own_takes_the_place_of_the_one_in_the_file() -> None:
    assert {name for name in SERVICES if SERVICES[name].get("profiles") == ["object-store"]} == OBJECT_STORE
    assert ENV["COMPOSE_PROFILES"] == "object-store"
    for name in set(SERVICES) - OBJECT_STORE:
        assert "profiles" not in SERVICES[name]
        waits = SERVICES[name].get("depends_on", {})
        assert all(waits[one]["required"] is False for one in OBJECT_STORE & set(waits))
    other = resolve(RAW, ENV | {"OBJECT_STORE_URL": "https://s3.example.edu", "OBJECT_STORE_BUCKET": "library"})
    settings = other["services"]["airflow-scheduler"]["environment"]
    connection = Connection.from_json(settings["AIRFLOW_CONN_OBJECT_STORE"])
    assert connection.extra_dejson["endpoint_url"] == "https://s3.example.edu"
    assert settings["MATCHPOINT_RUNS"] == "s3://object_store@library/runs"


def test_the_object_store_knows_the_key_that_airflow_has() -> None:
    [identity] = json.loads(COMPOSE["configs"]["object_store_keys"]["content"])["identities"]
    connection = Connection.from_json(environment("airflow-scheduler")["AIRFLOW_CONN_OBJECT_STORE"])
    assert identity["credentials"] == [{"accessKey": connection.login, "secretKey": connection.password}]
    assert connection.extra_dejson["endpoint_url"] == "http://object-store:8333"
    assert "-s3.port=8333" in SERVICES["object-store"]["command"]


def test_the_queue_asks_for_the_password_that_airflow_has() -> None:
    lines = COMPOSE["configs"]["redis_conf"]["content"].splitlines()
    assert f"requirepass {ENV['REDIS_PASSWORD']}" in lines
    url = environment("airflow-scheduler")["AIRFLOW__CELERY__BROKER_URL"]
    assert url == f"redis://:{ENV['REDIS_PASSWORD']}@redis:6379/0"


@pytest.mark.parametrize("service", sorted(AIRFLOW_SERVICES))
def test_airflow_finds_the_project(service: str) -> None:
    settings = environment(service)
    assert settings["PYTHONPATH"].split(":") == ["/opt/airflow/include", "/opt/airflow/plugins"]
    assert settings["AIRFLOW__CORE__DAGS_FOLDER"] == "/opt/airflow/dags"
    assert settings["AIRFLOW__CORE__PLUGINS_FOLDER"] == "/opt/airflow/plugins"
    assert settings["MATCHPOINT_RUNS"] == "s3://object_store@matchpoint/runs"
    assert settings["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] == "s3://matchpoint/logs"


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
        "object_store": "aws",
    }
    assert {found[name].host for name in ("user_store", "sis_sftp")} <= set(SERVICES)
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
    if service == "object-store-init":  # gives the volume to the user of object-store, and ends
        assert settings["cap_add"] == ["CHOWN"]
    elif service != "sftp":  # sshd needs root to lock its user in; it has the capabilities for that and no more
        assert settings["user"].split(":")[0] not in {"", "0", "root"}
        assert "cap_add" not in settings
    assert "SYS_ADMIN" not in settings.get("cap_add", [])


def test_every_long_running_service_has_a_health_check() -> None:
    assert set(SERVICES) - LONG_RUNNING == {"airflow-init", "object-store-init"}
    for name in LONG_RUNNING:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_services_wait_for_what_can_be_waited_for() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            healthy, done = "service_healthy", "service_completed_successfully"
            assert how["condition"] == (healthy if other in LONG_RUNNING else done)
    for name in AIRFLOW_SERVICES - {"airflow-init"}:
        assert {"postgres", "redis", "airflow-init"} <= set(SERVICES[name]["depends_on"])


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
