"""A small SFTP server for trying Matchpoint out: it stands in for the Student Information System's.

It listens on 127.0.0.1 only, lets in the user ``sis`` with one key, and shows nothing but its root folder,
which is ``/`` to the client. Keys are made once and kept in the state folder; the file ``connection.json``
there is the Airflow connection, and exists only while the server listens::

    python scripts/sftp_server.py --root demo/sis --state demo/state --port 0
    export AIRFLOW_CONN_SIS_SFTP="$(cat demo/state/connection.json)"
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh

HOST = "127.0.0.1"
USER = "sis"
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class _Door(asyncssh.SSHServer):
    """Lets in one user with one key."""

    def __init__(self, client_key: asyncssh.SSHKey) -> None:
        self._allowed = asyncssh.import_authorized_keys(client_key.export_public_key().decode("ascii"))

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Remember the connection: who asks to come in is known later."""
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        """Ask everybody for a key, and know a key only for the one user."""
        if username == USER:
            self._connection.set_authorized_keys(self._allowed)
        return True

    def password_auth_supported(self) -> bool:
        """Refuse passwords."""
        return False

    def kbdint_auth_supported(self) -> bool:
        """Refuse passwords asked for by another name."""
        return False


class _Confined(asyncssh.SFTPServer):
    """Serves one folder; unlike asyncssh's own chroot it also follows no symbolic link out of it."""

    def __init__(self, channel: asyncssh.SSHServerChannel, root: Path) -> None:
        super().__init__(channel, chroot=os.fsencode(root))
        self._root = root

    def map_path(self, path: bytes) -> bytes:
        """Give the path of this machine, or refuse one that ends up outside the root."""
        mapped = super().map_path(path)
        # os.path and not Path.resolve: that one raises on links in a loop, and tells the client where.
        if not Path(os.path.realpath(os.fsdecode(mapped))).is_relative_to(self._root):
            raise asyncssh.SFTPPermissionDenied("This path leads out of the served folder.")
        return mapped


async def serve(root: Path, state: Path, port: int = 0) -> asyncssh.SSHAcceptor:
    """Listen, with 0 on a free port, and then write ``state/connection.json``."""
    root, state = root.resolve(), state.resolve()
    if state.is_relative_to(root):
        raise ValueError("The state folder holds private keys: it must not lie in the served folder.")
    root.mkdir(parents=True, exist_ok=True)
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _connection_file(state).unlink(missing_ok=True)
    host_key, client_key = _key(state / "host_key"), _key(state / "client_key")
    acceptor = await asyncssh.listen(
        HOST,
        port,
        server_factory=lambda: _Door(client_key),
        server_host_keys=[host_key],
        sftp_factory=lambda channel: _Confined(channel, root),
        allow_scp=False,
        agent_forwarding=False,
        gss_host=None,
    )
    connection = _connection(acceptor.get_port(), host_key, (state / "client_key").read_text())
    _write_private(_connection_file(state), connection + "\n")
    return acceptor


@contextmanager
def running(root: Path, state: Path) -> Iterator[str]:
    """Run the server in a process of its own and yield its Airflow connection as JSON."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    _connection_file(state).unlink(missing_ok=True)
    log = state / "server.log"
    command = [sys.executable, str(Path(__file__).resolve()), "--root", str(root), "--state", str(state)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield _wait_for_connection(process, state, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_connection(process: subprocess.Popen[bytes], state: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if _connection_file(state).exists():
            return _connection_file(state).read_text().strip()
        time.sleep(0.05)
    raise RuntimeError(f"The SFTP server did not start; its log:\n{log.read_text(errors='replace')}")


def _connection_file(state: Path) -> Path:
    return state / "connection.json"


def _connection(port: int, host_key: asyncssh.SSHKey, private_key: str) -> str:
    """Give the JSON that Airflow takes as ``AIRFLOW_CONN_…``, on one line."""
    extra = {
        "private_key": private_key,
        "host_key": host_key.export_public_key().decode("ascii").strip(),
        "look_for_keys": "false",
    }
    return json.dumps({"conn_type": "sftp", "host": HOST, "port": port, "login": USER, "extra": extra})


def _key(path: Path) -> asyncssh.SSHKey:
    """Read the private key, which is made the first time."""
    if not path.exists():
        made = asyncssh.generate_private_key("ssh-ed25519")
        _write_private(path, made.export_private_key().decode("ascii"))
    return asyncssh.read_private_key(path)


def _write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600, exist_ok=False)
    new.write_text(text)
    new.replace(path)


async def _until_told_to_stop(root: Path, state: Path, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with await serve(root, state, port) as acceptor:
        print(f"SFTP on {HOST}:{acceptor.get_port()}; connection: {_connection_file(state)}", flush=True)
        await stop.wait()
        _connection_file(state).unlink(missing_ok=True)


def main() -> None:
    """Run from the command line until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="SFTP server for trying Matchpoint out, on 127.0.0.1 only.")
    parser.add_argument("--root", type=Path, required=True, help="the folder served: / to the client")
    parser.add_argument("--state", type=Path, required=True, help="where keys and connection.json are kept")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free port")
    options = parser.parse_args()
    try:
        asyncio.run(_until_told_to_stop(options.root, options.state, options.port))
    except (OSError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
