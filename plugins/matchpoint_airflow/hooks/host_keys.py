"""Which host keys a connection trusts: those pinned in it, and nothing else where any is."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

import paramiko
from airflow.providers.sftp.hooks.sftp import SFTPHook
from airflow.providers.ssh.hooks.ssh import SSHHook
from paramiko.config import SSH_PORT
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

Pins = list[tuple[str, paramiko.PKey]]
"""Names of a host as ``known_hosts`` has them, plain or hashed, and its key."""


class UnknownHost(paramiko.SSHException):
    """A server whose key is pinned nowhere. The message has the line to pin it by."""

    def __init__(self, host: str, key: paramiko.PKey) -> None:
        line = f"{key.get_name()} {key.get_base64()}"
        super().__init__(
            "found no pinned host key; expected one. Ask the SIS's people whether their server has the key "
            f"{fingerprint(key)}. If it has, put this into the connection's extra: "
            f'"host_key": "{line}" (or into its known_hosts the line: {host} {line})'
        )


def fingerprint(key: paramiko.PKey) -> str:
    """Give the fingerprint of a key as OpenSSH prints it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return f"{key.get_name()} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def read_known_hosts(text: str) -> Pins:
    """Read lines as in ``~/.ssh/known_hosts``, or the file whose absolute path this is.

    Raises ValueError for a line that cannot be read: one that was passed over would pin nothing.
    """
    if text.startswith("/") and len(text.splitlines()) == 1:
        text = Path(text).read_text(encoding="utf-8")
    pins: Pins = []
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        try:
            entry = None if line.startswith("@") else HostKeyEntry.from_line(" ".join(line.split()), number)
        except (InvalidHostKey, paramiko.SSHException, binascii.Error):
            entry = None
        if entry is None or entry.key is None:
            raise ValueError(f"known_hosts, line {number}: found no host with its key; expected 'host type key'")
        pins += [(name, entry.key) for name in entry.hostnames or ()]
    return pins


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Refuses a server that is not known, and says how to make it so."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002
        raise UnknownHost(hostname, key)


class _Pinned(SSHHook):
    """Airflow's SSH hook, which trusts just what its connection pins.

    The provider's own lets the machine's ``known_hosts`` go before the connection's key, and knows one key only.
    Without any pin that file is asked, and whoever is not in it is refused. Only ``no_host_key_check`` in the
    connection's extra lets everybody in.
    """

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        extra = self.get_connection(str(self.ssh_conn_id)).extra_dejson
        self.pins = read_known_hosts(extra.get("known_hosts") or "")
        if self.host_key is not None:
            self.pins.append((self.host_name, self.host_key))
        if self.pins and self.no_host_key_check:
            raise ValueError("found no_host_key_check beside a pinned key; expected one of them")

    @property
    def host_name(self) -> str:
        """The server as ``known_hosts`` names it."""
        return self.remote_host if self.port == SSH_PORT else f"[{self.remote_host}]:{self.port}"

    def get_conn(self) -> paramiko.SSHClient:
        """Connect; raises UnknownHost or BadHostKeyException before any secret is sent."""
        client = self._client()
        client.connect(
            hostname=self.remote_host,
            port=int(self.port or SSH_PORT),
            username=self.username,
            password=self.password.strip() if self.password else None,
            pkey=self.pkey,
            key_filename=self.key_file or None,
            timeout=self.conn_timeout,
            look_for_keys=self.look_for_keys,
            compress=self.compress,
            sock=self.host_proxy,
            banner_timeout=self.banner_timeout,
            auth_timeout=self.auth_timeout,
            disabled_algorithms=self.disabled_algorithms,
        )
        transport = client.get_transport()
        if transport and self.keepalive_interval:
            transport.set_keepalive(self.keepalive_interval)
        return client

    def _client(self) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        if self.no_host_key_check:
            self.log.warning("the host key is not checked, as the connection says: anybody may answer")
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # noqa: S507 (asked for by name)
            return client
        client.set_missing_host_key_policy(_Refuse())
        if not self.pins:
            client.load_system_host_keys()
        for name, key in self.pins:
            client.get_host_keys().add(name, key.get_name(), key)
        return client


class SisHook(SFTPHook, _Pinned):
    """Airflow's SFTP hook over pinned SSH."""
