"""The demo's own SFTP server, through the hook Airflow uses."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import paramiko
import pytest
from airflow.providers.sftp.hooks.sftp import SFTPHook

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "sftp_server.py"
Hook = Callable[..., SFTPHook]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("embedded_sftp_server", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


embedded = _load()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder the server's ``root`` and ``state`` lie in."""
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture(scope="module")
def connection(place: Path) -> Iterator[str]:
    """Run the server for this module's tests."""
    with embedded.running(place / "root", place / "state") as text:
        yield text


@pytest.fixture
def hook(connection: str, monkeypatch: pytest.MonkeyPatch) -> Hook:
    """Give the provider's hook for the running server, or for what its connection is changed to."""

    def make(**changes: Any) -> SFTPHook:
        monkeypatch.setenv("AIRFLOW_CONN_SIS_EMBEDDED", json.dumps(json.loads(connection) | changes))
        return SFTPHook(ssh_conn_id="sis_embedded", conn_retry_attempts=1)

    return make


def test_hook_lists_fetches_and_renames(hook: Hook, place: Path, tmp_path: Path) -> None:
    outbox = place / "root" / "outbox"
    outbox.mkdir()
    (outbox / "students.csv").write_bytes(b"id\n1\n" * 100_000)
    sis = hook()
    assert sis.list_directory("outbox") == sis.list_directory("/outbox") == ["students.csv"]
    sis.retrieve_file("outbox/students.csv", str(tmp_path / "got.csv"))
    assert (tmp_path / "got.csv").read_bytes() == b"id\n1\n" * 100_000
    with sis.get_managed_conn() as client:
        client.rename("outbox/students.csv", "outbox/students.csv.done")
    assert [path.name for path in outbox.iterdir()] == ["students.csv.done"]
    (tmp_path / "new.csv").write_bytes(b"id\n2\n")
    sis.store_file("outbox/new.csv", str(tmp_path / "new.csv"))
    with sis.get_managed_conn() as client, pytest.raises(OSError, match="exists"):
        client.rename("outbox/new.csv", "outbox/students.csv.done")
    assert (outbox / "new.csv").read_bytes() == b"id\n2\n"


@pytest.mark.parametrize("path", ["../outside.txt", "/../outside.txt", "a/../../outside.txt", "//../outside.txt"])
def test_dots_do_not_leave_the_root(hook: Hook, place: Path, path: str) -> None:
    (place / "outside.txt").write_text("secret")
    sis = hook()
    assert not sis.path_exists(path)
    with sis.get_managed_conn() as client, pytest.raises(FileNotFoundError):
        client.open(path).read()
    assert sis.list_directory("..") == sis.list_directory("/")


def test_absolute_paths_of_the_machine_are_not_there(hook: Hook, place: Path) -> None:
    (place / "outside.txt").write_text("secret")
    assert not hook().path_exists(str(place / "outside.txt"))


def test_links_do_not_leave_the_root(hook: Hook, place: Path) -> None:
    (place / "outside.txt").write_text("secret")
    (place / "root" / "file-link").symlink_to(place / "outside.txt")
    (place / "root" / "folder-link").symlink_to(place)
    with hook().get_managed_conn() as client:
        for path in ("file-link", "folder-link/outside.txt"):
            with pytest.raises(PermissionError):
                client.open(path).read()
        with pytest.raises(PermissionError):
            client.listdir("folder-link/state")
        with pytest.raises(PermissionError):
            client.rename("folder-link/outside.txt", "inside.txt")
        with pytest.raises(PermissionError):
            client.open("folder-link/new.txt", "w")
    assert (place / "outside.txt").read_text() == "secret"
    assert not (place / "new.txt").exists()


def test_links_in_a_loop_do_not_tell_where_the_root_is(hook: Hook, place: Path) -> None:
    (place / "root" / "loop").symlink_to("loop")
    with hook().get_managed_conn() as client, pytest.raises(OSError) as caught:
        client.open("loop")
    assert str(place) not in str(caught.value)


def test_client_cannot_make_a_link_that_leaves_the_root(hook: Hook, place: Path) -> None:
    (place / "outside.txt").write_text("secret")
    with hook().get_managed_conn() as client:
        for number, target in enumerate((str(place / "outside.txt"), "../outside.txt")):
            client.symlink(target, f"made-{number}")
            with pytest.raises(OSError):
                client.open(f"made-{number}").read()


def test_only_the_user_sis_comes_in(hook: Hook) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        hook(login="root").list_directory(".")


def test_only_the_key_comes_in(hook: Hook, connection: str) -> None:
    extra = json.loads(connection)["extra"]
    del extra["private_key"]
    with pytest.raises(paramiko.AuthenticationException):
        hook(extra=extra, password="sis").list_directory(".")


def test_there_is_no_shell(hook: Hook) -> None:
    with hook().get_managed_conn() as client:
        session = client.get_channel().get_transport().open_session()
        with pytest.raises(paramiko.SSHException):
            session.exec_command("id")


def test_state_is_private(connection: str, place: Path) -> None:
    state = place / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for name in ("host_key", "client_key", "connection.json"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
    assert json.loads((state / "connection.json").read_text()) == json.loads(connection)


def test_second_start_keeps_the_keys(tmp_path: Path) -> None:
    extras = []
    for _ in range(2):
        with embedded.running(tmp_path / "root", tmp_path / "state") as text:
            extras.append(json.loads(text)["extra"])
        assert not (tmp_path / "state" / "connection.json").exists()
    assert extras[0] == extras[1]


def test_sigterm_ends_it_cleanly_even_with_a_client_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, str(SCRIPT), "--root", str(tmp_path / "r"), "--state", str(tmp_path / "s")]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("SFTP on 127.0.0.1:")
        monkeypatch.setenv("AIRFLOW_CONN_SIS_STOPPED", (tmp_path / "s" / "connection.json").read_text())
        client = SFTPHook(ssh_conn_id="sis_stopped").get_conn()
        assert client.listdir(".") == []
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert not (tmp_path / "s" / "connection.json").exists()
    client.close()


def test_serve_runs_in_a_loop_of_the_caller(tmp_path: Path) -> None:
    async def start() -> tuple[int, int]:
        async with await embedded.serve(tmp_path / "root", tmp_path / "state", 0) as acceptor:
            written = json.loads((tmp_path / "state" / "connection.json").read_text())
            return acceptor.get_port(), written["port"]

    listening, written = asyncio.run(start())
    assert listening == written != 0


def test_state_must_not_be_served(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="private keys"):
        asyncio.run(embedded.serve(tmp_path, tmp_path / "state", 0))
    with pytest.raises(RuntimeError, match="private keys"), embedded.running(tmp_path, tmp_path / "state"):
        pytest.fail("it started")


def test_port_in_use_is_said(connection: str, tmp_path: Path) -> None:
    port = str(json.loads(connection)["port"])
    command = [sys.executable, str(SCRIPT), "--root", str(tmp_path / "r"), "--state", str(tmp_path / "s")]
    done = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_script_needs_no_python_path(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, cwd=tmp_path, env=bare, check=False
    )
    assert done.returncode == 0
