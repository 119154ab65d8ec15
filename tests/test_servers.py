"""The test servers are real: the provider's own hook and a real driver talk to them."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import asyncssh
import paramiko
import psutil
import psycopg
import pytest
import redis
import servers
from airflow.providers.sftp.hooks.sftp import SFTPHook
from paramiko.ssh_exception import NoValidConnectionsError
from queue_and_objects import object_store, redis_server
from servers import SftpServer
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

Hook = Callable[[str], SFTPHook]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Give the provider's hook for a connection that stands in the environment."""

    def make(connection: str) -> SFTPHook:
        monkeypatch.setenv("AIRFLOW_CONN_SIS_UNDER_TEST", connection)
        return SFTPHook(ssh_conn_id="sis_under_test", conn_retry_attempts=1)

    return make


def _refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((servers.HOST, port)) != 0


def _another_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def test_hook_lists_fetches_and_renames(sftp_server: SftpServer, hook: Hook, tmp_path: Path) -> None:
    outbox = sftp_server.root / "lists-fetches"
    outbox.mkdir()
    (outbox / "students.csv").write_bytes(b"id\n1\n")
    sis = hook(sftp_server.connection())
    assert sis.list_directory("lists-fetches") == ["students.csv"]
    sis.retrieve_file("lists-fetches/students.csv", str(tmp_path / "got.csv"))
    assert (tmp_path / "got.csv").read_bytes() == b"id\n1\n"
    with sis.get_managed_conn() as client:
        client.rename("lists-fetches/students.csv", "lists-fetches/students.csv.done")
    assert [path.name for path in outbox.iterdir()] == ["students.csv.done"]
    assert sis.list_directory(str(outbox)) == ["students.csv.done"]


def test_wrong_host_key_is_refused(sftp_server: SftpServer, hook: Hook) -> None:
    other = _another_key().export_public_key().decode()
    with pytest.raises(paramiko.BadHostKeyException):
        hook(sftp_server.connection(host_key=other)).list_directory(".")


def test_unknown_host_key_is_refused(sftp_server: SftpServer, hook: Hook) -> None:
    with pytest.raises(paramiko.SSHException, match="not found in known_hosts"):
        hook(sftp_server.connection(host_key=None)).list_directory(".")


def test_wrong_key_is_refused(sftp_server: SftpServer, hook: Hook) -> None:
    other = _another_key().export_private_key().decode()
    with pytest.raises(paramiko.AuthenticationException):
        hook(sftp_server.connection(private_key=other)).list_directory(".")


def test_wrong_login_is_refused(sftp_server: SftpServer, hook: Hook) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        hook(dataclasses.replace(sftp_server, login="somebody-else").connection()).list_directory(".")


def test_unreachable_server_is_an_os_error(sftp_server: SftpServer, hook: Hook) -> None:
    with socket.socket() as closed:  # bound but not listening: nobody else gets the port
        closed.bind((servers.HOST, 0))
        nowhere = dataclasses.replace(sftp_server, port=closed.getsockname()[1])
        with pytest.raises(NoValidConnectionsError) as caught:
            hook(nowhere.connection()).list_directory(".")
    assert isinstance(caught.value, OSError)


def test_refusals_do_not_shut_the_client_out(sftp_server: SftpServer, hook: Hook) -> None:
    other = _another_key().export_private_key().decode()
    for _ in range(8):
        with pytest.raises(paramiko.AuthenticationException):
            hook(sftp_server.connection(private_key=other)).list_directory(".")
    assert hook(sftp_server.connection()).list_directory(".") is not None


def test_connection_names_only_the_extras_given(sftp_server: SftpServer) -> None:
    extra = json.loads(sftp_server.connection(host_key=None, conn_timeout=3))["extra"]
    assert sorted(extra) == ["conn_timeout", "look_for_keys", "private_key"]
    assert sftp_server.host_key.startswith("ssh-ed25519 AAAA")
    assert "\n" not in sftp_server.host_key


def test_sshd_is_gone_after_the_context(sftp_server: SftpServer, tmp_path: Path, hook: Hook) -> None:
    before = set(psutil.Process().children(recursive=True))
    with servers.openssh(tmp_path / "own") as server:
        client = hook(server.connection()).get_conn()
        assert client.listdir(".") == []
        assert not _refused(server.port)
        started = set(psutil.Process().children(recursive=True)) - before
        assert len(started) > 1  # the server and the open session
    assert _refused(server.port)
    assert not [process for process in started if process.is_running()]
    client.close()


def test_sshd_that_does_not_start_shows_its_log(
    sftp_server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_no_penalties", lambda _: "NoSuchSetting yes\n")
    with pytest.raises(RuntimeError, match="NoSuchSetting"), servers.openssh(tmp_path):
        pytest.fail("it started")


def test_server_keys_are_private(sftp_server: SftpServer) -> None:
    mode = (sftp_server.root.parent / "host_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_postgresql_answers(postgresql_url: str) -> None:
    engine = create_engine(postgresql_url)
    with engine.connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1
    engine.dispose()


def test_databases_are_fresh_and_apart(postgresql_url: str) -> None:
    urls = [servers.create_database(postgresql_url, name) for name in ("fresh-one", 'fresh"two')]
    for url in urls:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create table seen (n int)"))
        engine.dispose()
    for name in ("fresh-one", 'fresh"two'):
        servers.drop_database(postgresql_url, name)


def test_an_emptied_database_is_as_new_and_a_dump_makes_it_again(postgresql_url: str) -> None:
    url = servers.create_database(postgresql_url, "emptied")
    new = servers.dump_database(url)
    engine = create_engine(url)
    left_open = engine.connect()
    for statement in (
        "create schema other create table seen (n int)",
        "create table seen (n int primary key, who text default 'me')",
        "insert into seen values (1)",
        "create function one() returns int language sql as 'select 1'",
        "create type word as enum ('a', 'b')",
    ):
        left_open.execute(text(statement))
    left_open.commit()
    used = servers.dump_database(url)
    servers.empty_database(url)
    assert servers.dump_database(url) == new
    with pytest.raises(OperationalError):
        left_open.execute(text("select 1"))
    engine.dispose()
    with psycopg.connect(servers.libpq(url)) as connection:
        connection.execute(used.encode())
    assert servers.dump_database(url) == used
    servers.drop_database(postgresql_url, "emptied")


def test_postgresql_is_gone_after_the_context(postgresql_url: str, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    with servers.postgresql(tmp_path) as url:
        started = set(psutil.Process().children(recursive=True)) - before
        server = next(process for process in started if process.name() == "postgres")
        home = Path(server.cwd()).parent
        engine = create_engine(url)
        left_open = engine.connect()
    assert _refused(left_open.engine.url.port)
    assert not [process for process in started if process.is_running()]
    assert not home.exists()
    left_open.invalidate()
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_store_url_is_an_empty_database(store_url: str, turn: int) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("create table seen (n int)"))
    engine.dispose()


def test_a_free_port_is_given_to_one_only_and_a_server_gets_it() -> None:
    ports = [servers.free_port() for _ in range(500)]
    assert len(set(ports)) == len(ports)
    with socket.socket() as anybody, pytest.raises(OSError, match="in use"):
        anybody.bind((servers.HOST, ports[0]))
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((servers.HOST, ports[0]))
        server.listen()


def test_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_find", lambda _: None)
    assert "apt-get install openssh-server" in str(servers.missing("sshd"))
    assert "apt-get install postgresql" in str(servers.missing("postgres"))


def test_airflow_home_is_throw_away() -> None:
    from airflow.configuration import conf

    assert os.environ["AIRFLOW_HOME"] in conf.get("database", "sql_alchemy_conn")
    assert Path(os.environ["AIRFLOW_HOME"]) != Path.home() / "airflow"
    assert not conf.getboolean("core", "load_examples")


def test_redis_and_the_object_store_are_real_and_gone_afterwards(tmp_path: Path) -> None:
    if servers.missing("redis-server"):
        pytest.skip(str(servers.missing("redis-server")))
    with redis_server(tmp_path / "redis", "of-this-test") as url, object_store(tmp_path / "objects") as endpoint:
        ports = [int(address.rpartition(":")[2].partition("/")[0]) for address in (url, endpoint)]
        client = redis.Redis.from_url(url)
        client.set("who", "me")
        assert client.get("who") == b"me"
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=ports[0], host=servers.HOST).get("who")
        listening = {one.laddr.ip for one in psutil.net_connections("inet") if one.laddr and one.laddr.port in ports}
        assert listening == {servers.HOST}
    assert all(_refused(port) for port in ports)
