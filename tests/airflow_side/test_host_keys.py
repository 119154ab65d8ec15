"""Host keys against real OpenSSH: a pinned server is let in, any other refused before a secret is sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import servers
from airflow.sdk.exceptions import AirflowFailException
from servers import SftpServer

from matchpoint_airflow.hooks.host_keys import read_known_hosts
from matchpoint_airflow.hooks.sis import sis_server

Files = Callable[..., list[str]]
OTHER = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
OTHER_RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_public_key().decode().strip()


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory, sftp_server: SftpServer) -> Iterator[SftpServer]:
    """Another SIS, with a host key of its own."""
    with servers.openssh(tmp_path_factory.mktemp("second")) as server:
        yield server


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """List a server's root through a connection whose extra is changed; the machine knows no hosts at first."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def lists(server: SftpServer, **extra: Any) -> list[str]:
        monkeypatch.setenv("AIRFLOW_CONN_SIS", server.connection(**extra))
        with sis_server("sis", ".") as opened:
            return [one.name for one in opened.files()]

    return lists


def line_of(server: SftpServer, key: str | None = None) -> str:
    return f"[{server.host}]:{server.port} {key or server.host_key}"


def test_a_pinned_server_is_let_in(files: Files, sftp_server: SftpServer) -> None:
    assert isinstance(files(sftp_server), list)
    assert isinstance(files(sftp_server, host_key=None, known_hosts=line_of(sftp_server)), list)


def test_a_server_that_nothing_pins_is_refused_with_the_line_that_would(
    files: Files, sftp_server: SftpServer
) -> None:
    with pytest.raises(AirflowFailException) as caught:
        files(sftp_server, host_key=None)
    said = str(caught.value)
    host_key = re.search(r'"host_key": "([^"]+)"', said)
    known_hosts = re.search(r"the line: (.+)\)$", said)
    assert host_key
    assert known_hosts
    assert host_key[1].split() == sftp_server.host_key.split()[:2]
    assert fingerprint_of(sftp_server) in said
    assert isinstance(files(sftp_server, host_key=host_key[1]), list)
    assert isinstance(files(sftp_server, host_key=None, known_hosts=known_hosts[1]), list)


@pytest.mark.parametrize("other", [OTHER, OTHER_RSA], ids=["same type", "other type"])
def test_another_key_than_the_pinned_one_is_refused(files: Files, sftp_server: SftpServer, other: str) -> None:
    for extra in ({"host_key": other}, {"host_key": None, "known_hosts": line_of(sftp_server, other)}):
        with pytest.raises(AirflowFailException, match="another host key than the one pinned") as caught:
            files(sftp_server, **extra)
        assert fingerprint_of(sftp_server) in str(caught.value)


def fingerprint_of(server: SftpServer) -> str:
    digest = hashlib.sha256(base64.b64decode(server.host_key.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def test_two_connections_know_different_hosts(files: Files, sftp_server: SftpServer, second: SftpServer) -> None:
    assert isinstance(files(sftp_server, host_key=None, known_hosts=line_of(sftp_server)), list)
    assert isinstance(files(second, host_key=None, known_hosts=line_of(second)), list)
    for server, known in ((sftp_server, second), (second, sftp_server)):
        with pytest.raises(AirflowFailException, match="no pinned host key"):
            files(server, host_key=None, known_hosts=line_of(known))


def test_one_connection_may_know_several_keys_as_while_a_server_changes_its_own(
    files: Files, sftp_server: SftpServer
) -> None:
    both = f"# new in spring\n\n{line_of(sftp_server, OTHER_RSA)}\n{line_of(sftp_server)}\n"
    assert isinstance(files(sftp_server, host_key=None, known_hosts=both), list)


def test_known_hosts_may_be_a_file_and_hold_hashed_names(
    files: Files, sftp_server: SftpServer, tmp_path: Path
) -> None:
    salt = bytes(range(20))
    hashed = hmac.new(salt, f"[{sftp_server.host}]:{sftp_server.port}".encode(), "sha1").digest()
    name = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(hashed).decode()}"
    (tmp_path / "hosts").write_text(f"{name}  {sftp_server.host_key}\n")
    assert isinstance(files(sftp_server, host_key=None, known_hosts=str(tmp_path / "hosts")), list)


def test_the_machine_has_no_say_where_the_connection_pins(
    files: Files, sftp_server: SftpServer, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(line_of(sftp_server) + "\n")
    assert isinstance(files(sftp_server, host_key=None), list)
    with pytest.raises(AirflowFailException, match="another host key"):
        files(sftp_server, host_key=OTHER)


def test_only_an_explicit_word_in_the_connection_lets_anybody_answer(files: Files, sftp_server: SftpServer) -> None:
    assert isinstance(files(sftp_server, host_key=None, no_host_key_check="true"), list)
    for careless in ({"no_host_key_check": "false"}, {"allow_host_key_change": "true"}):
        with pytest.raises(AirflowFailException, match="no pinned host key"):
            files(sftp_server, host_key=None, **careless)
    with pytest.raises(AirflowFailException, match="settings that cannot be used"):
        files(sftp_server, known_hosts=line_of(sftp_server), no_host_key_check="true")


@pytest.mark.parametrize(
    "line",
    ["sis.example.edu", "sis.example.edu ssh-ed25519 %%%", "sis.example.edu ssh-new AAAA", "@revoked a ssh-rsa AAAA"],
)
def test_a_line_that_cannot_be_read_is_not_passed_over(line: str) -> None:
    with pytest.raises(ValueError, match="known_hosts, line 2"):
        read_known_hosts(f"# ours\n{line}\n")


def test_settings_that_cannot_be_used_fail_with_words(files: Files, sftp_server: SftpServer) -> None:
    for extra in ({"host_key": "ssh-ed25519"}, {"known_hosts": "nothing"}, {"known_hosts": "/no/such/file"}):
        with pytest.raises(AirflowFailException, match="connection sis: found settings that cannot be used"):
            files(sftp_server, **extra)


def test_no_secret_goes_to_a_server_that_is_refused(
    files: Files, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {**json.loads(sftp_server.connection(host_key=OTHER)), "password": "hush"}
    monkeypatch.setenv("AIRFLOW_CONN_SIS", json.dumps(connection))
    log = sftp_server.root.parent / "sshd.log"
    before = log.read_text().count("Failed") + log.read_text().count("Accepted")
    with pytest.raises(AirflowFailException), sis_server("sis", "."):
        pytest.fail("it was let in")
    assert log.read_text().count("Failed") + log.read_text().count("Accepted") == before


def test_a_name_that_is_not_utf_8_is_told(files: Files, sftp_server: SftpServer) -> None:
    folder = sftp_server.root / "latin"
    folder.mkdir()
    (Path(str(folder)) / b"gr\xfc\xdfe.csv".decode("utf-8", "surrogateescape")).touch()
    assert isinstance(files(sftp_server), list)
    with (
        pytest.raises(AirflowFailException, match="a file whose name is not UTF-8"),
        sis_server("sis", "latin") as sis,
    ):
        sis.files()
