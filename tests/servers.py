"""Real servers for tests: an OpenSSH server that speaks SFTP and a PostgreSQL cluster.

Both listen on 127.0.0.1 only, on a free port, keep everything in a throw-away folder and are gone when
their ``with`` block ends. Nothing here knows pytest: ``conftest.py`` makes fixtures of it.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
PACKAGES = {"sshd": "openssh-server", "postgres": "postgresql", "redis-server": "redis-server"}


@dataclass(frozen=True)
class SftpServer:
    """How to reach a running SFTP server.

    Name remote files by relative paths: ``outbox/students.csv`` is ``root / "outbox/students.csv"``,
    and ``.`` is ``root``. The server has no chroot (that would need root and a root-owned folder), so an
    absolute path is a path of this machine: ``str(root / "outbox")`` works too, ``/outbox`` does not.
    """

    host: str
    port: int
    login: str
    root: Path
    private_key: str
    host_key: str

    def connection(self, **extra_overrides: Any) -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``; an override of None leaves that extra out."""
        extra = {"private_key": self.private_key, "host_key": self.host_key, "look_for_keys": "false"}
        extra = {name: value for name, value in (extra | extra_overrides).items() if value is not None}
        where = {"conn_type": "sftp", "host": self.host, "port": self.port, "login": self.login}
        return json.dumps(where | {"extra": extra})


def missing(name: str) -> str | None:
    """Say what is missing to run one of ``PACKAGES`` and how to get it; None when it is there."""
    if _find(name):
        return None
    return f"{name} is not installed; get it with: apt-get install {PACKAGES[name]}"


@contextmanager
def openssh(folder: Path) -> Iterator[SftpServer]:
    """Run ``sshd`` as the current user with SFTP only and one key; ``folder / "root"`` is what it serves.

    See :class:`SftpServer` for how remote paths are written. A RuntimeError with the server's log is
    raised when it does not start.
    """
    sshd = program("sshd")
    if re.search(r'[\s"%]', str(folder)):
        raise ValueError(f"sshd's configuration cannot hold this folder's name: {folder}")
    root = folder.resolve() / "root"
    root.mkdir(parents=True, exist_ok=True)
    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    write_private(folder / "host_key", _text(host_key.export_private_key()))
    write_private(folder / "authorized_keys", _text(client_key.export_public_key()))
    server = SftpServer(
        host=HOST,
        port=free_port(),
        login=pwd.getpwuid(os.getuid()).pw_name,
        root=root,
        private_key=_text(client_key.export_private_key()),
        host_key=_text(host_key.export_public_key()).strip(),
    )
    config = folder.resolve() / "sshd_config"
    config.write_text(_sshd_config(server, config.parent) + _no_penalties(sshd))
    if os.getuid() == 0:  # where sshd, run by root, locks up its unprivileged half
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [str(sshd), "-D", "-e", "-f", str(config)]
    with service(command, folder / "sshd.log", ready=lambda: _greets(server.port)):
        yield server


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL cluster of its own and yield the SQLAlchemy URL of its ``postgres`` database.

    ``folder`` takes the log. The data lie in a temporary folder apart: PostgreSQL refuses to run as root,
    so root hands it to the user ``postgres`` or ``nobody``, who may not be able to reach ``folder``.
    """
    postgres = program("postgres").resolve()  # its helpers lie beside the program, not beside a link to it
    folder.mkdir(parents=True, exist_ok=True)
    log, port, owner = folder / "postgres.log", free_port(), _database_owner()
    as_root = owner is not None
    with tempfile.TemporaryDirectory(prefix="matchpoint-pg-", dir="/tmp" if as_root else None) as home:
        data = Path(home, "data")
        how: dict[str, Any] = {"cwd": home}
        if owner:
            os.chown(home, owner.pw_uid, owner.pw_gid)
            how |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        password = _initdb(postgres.with_name("initdb"), data, how)
        url = _postgres_url(port, password)
        command = [str(postgres), "-D", str(data), *_postgres_settings(port)]
        # SIGINT is PostgreSQL's "fast" shutdown: SIGTERM would wait for clients to leave.
        with service(command, log, ready=lambda: answers(url), gentle=signal.SIGINT, **how):
            yield url


def create_database(url: str, name: str, template: str = "template1") -> str:
    """Create the database ``name`` on the cluster of ``url``, as a copy of another one, and give its URL."""
    cluster = make_url(libpq(url)).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(cluster, autocommit=True) as connection:
        made, like = sql.Identifier(name), sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, like))
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str, name: str) -> None:
    """Drop the database ``name`` on the cluster of ``url``, throwing out who is still connected."""
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def empty_database(url: str) -> None:
    """Make a database as it was when it was created, throwing out who is still connected.

    That costs a tenth of creating another: a new database is three hundred files.
    """
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        )
        for (name,) in schemas.fetchall():
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        connection.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        connection.execute("COMMENT ON SCHEMA public IS 'standard public schema'")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


def dump_database(url: str) -> str:
    """Give the statements that make of an empty database what this one is."""
    pg_dump = program("postgres").resolve().with_name("pg_dump")
    done = subprocess.run([pg_dump, "--inserts", libpq(url)], capture_output=True, text=True, check=True)
    # What begins with a backslash is for psql, which is not asked.
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))


# --- finding and running programs ---------------------------------------------------------------------


def _find(name: str) -> Path | None:
    """Find a server program where distributions put it, the newest PostgreSQL first."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    versions.sort(key=lambda path: int(path.parent.name), reverse=True)
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *map(str, versions)]
    found = shutil.which(name, path=os.pathsep.join(places))
    return Path(found).absolute() if found else None


def program(name: str) -> Path:
    """Give where a server program is, or say how to get it."""
    found = _find(name)
    if found is None:
        raise RuntimeError(missing(name))
    return found


@contextmanager
def service(
    command: list[str],
    log: Path,
    *,
    ready: Callable[[], bool],
    gentle: signal.Signals = signal.SIGTERM,
    **how: Any,
) -> Iterator[None]:
    """Run a program that stays in the foreground, from when ``ready`` says so to the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C is for the tests: they stop the server
            **how,
        )
    try:
        _wait_until(ready, process, log)
        yield
    finally:
        _stop(process, gentle)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.05)
    how = "is not ready" if process.poll() is None else f"ended with code {process.returncode}"
    raise RuntimeError(f"{process.args[0]} {how}; its log:\n{log.read_text(errors='replace')}")


def _stop(process: subprocess.Popen[bytes], gentle: signal.Signals) -> None:
    """Ask the server to end, then make it; with it whatever it started, such as open SFTP sessions."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.send_signal(gentle)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=STOP_SECONDS)


def free_port() -> int:
    """Give a port of 127.0.0.1 that is free now and that nobody else is given for the next minute.

    A connection that was closed here first holds the port in TIME_WAIT: the kernel gives it to no other process that
    asks for any port, and a server, which asks for this one with SO_REUSEADDR, gets it.
    """
    with socket.socket() as probe, socket.socket() as client:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, 0))
        probe.listen(1)
        client.connect(probe.getsockname())
        probe.accept()[0].close()
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)


def _text(exported: bytes) -> str:
    return exported.decode("ascii")


# --- OpenSSH ------------------------------------------------------------------------------------------


def _sshd_config(server: SftpServer, folder: Path) -> str:
    settings = {
        "Port": server.port,
        "AddressFamily": "inet",
        "ListenAddress": server.host,
        "HostKey": folder / "host_key",
        "PidFile": folder / "sshd.pid",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "AllowUsers": server.login,
        "AuthenticationMethods": "publickey",
        "PermitRootLogin": "prohibit-password",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "StrictModes": "no",
        "UsePAM": "no",
        "UseDNS": "no",
        "MaxAuthTries": 20,
        "MaxStartups": 100,
        "MaxSessions": 100,
        "LogLevel": "VERBOSE",
        "DisableForwarding": "yes",
        "PermitTTY": "no",
        "PermitUserRC": "no",
        "Subsystem": "sftp internal-sftp",
        "ForceCommand": f"internal-sftp -d {server.root}",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _no_penalties(sshd: Path) -> str:
    """Let tests be refused as often as they like: since 9.8 sshd shuts such clients out for a while."""
    said = subprocess.run([sshd, "-V"], capture_output=True, text=True, check=False)
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", said.stderr + said.stdout)
    new = version is not None and tuple(map(int, version.groups())) >= (9, 8)
    return "PerSourcePenalties no\n" if new else ""


def _greets(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=5) as connection:
        return connection.recv(4) == b"SSH-"
    return False


# --- PostgreSQL ---------------------------------------------------------------------------------------


def _database_owner() -> pwd.struct_passwd | None:
    """Name the user PostgreSQL must run as; None when that is the current user."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _initdb(initdb: Path, data: Path, how: dict[str, Any]) -> str:
    """Create the cluster and give the password of its user ``postgres``."""
    password = secrets.token_hex(16)
    secret = data.with_name("password")
    write_private(secret, password)
    if "user" in how:
        os.chown(secret, how["user"], how["group"])
    options = ["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    command = [str(initdb), "-D", str(data), f"--pwfile={secret}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    secret.unlink()
    if done.returncode != 0:
        raise RuntimeError(f"initdb ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return password


def _postgres_settings(port: int) -> list[str]:
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _postgres_url(port: int, password: str) -> str:
    url = URL.create("postgresql+psycopg", "postgres", password, HOST, port, "postgres")
    return url.render_as_string(hide_password=False)


def libpq(url: str) -> str:
    """Give the URL as PostgreSQL's own clients take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def answers(url: str) -> bool:
    """Tell whether a database lets one in."""
    with suppress(psycopg.OperationalError), psycopg.connect(libpq(url), connect_timeout=5):
        return True
    return False
