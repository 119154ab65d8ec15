"""Airflow on this machine: one home inside the checkout, on loopback only.

``python scripts/local.py up`` starts it and prints address and login, ``down`` stops it. Everything lives in
``.airflow/``: metadata database, user store, run folders, logs, the embedded SFTP server's folder and keys.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
HOME = REPO / ".airflow"
STORE = HOME / "user_store.db"
RUNS = HOME / "runs"
SFTP_ROOT = HOME / "sftp"
SFTP_STATE = HOME / "sftp-state"
_STATE = HOME / "up.json"
_BIN = Path(sys.executable).parent
_COMPONENTS = {
    "dag-processor": [],
    "scheduler": ["--skip-serve-logs"],
    "triggerer": ["--skip-serve-logs"],
    "api-server": ["--host", "127.0.0.1", "--workers", "1"],
}


def environment(port: int = 8080) -> dict[str, str]:
    """Give the environment in which Airflow and Matchpoint run here."""
    connection = SFTP_STATE / "connection.json"
    return {
        **os.environ,
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPO / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPO / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        **_kept_secrets(),
        "AIRFLOW_CONN_USER_STORE": json.dumps({"conn_type": "sqlite", "host": str(STORE)}),
        "AIRFLOW_CONN_SIS_SFTP": connection.read_text() if connection.exists() else "",
        "MATCHPOINT_RUNS": RUNS.as_uri(),
        "PYTHONPATH": f"{REPO / 'include'}{os.pathsep}{REPO / 'plugins'}",
    }


def _kept_secrets() -> dict[str, str]:
    """Give the keys that Airflow's parts share, made once."""
    names = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY")
    path = HOME / "secrets.json"
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps({name: secrets.token_urlsafe(48) for name in names}))
    return dict(json.loads(path.read_text()))


def up() -> dict[str, Any]:
    """Start the SFTP server and Airflow; give address, login and the processes. Does nothing when it is up."""
    if running := _running():
        return running
    for folder in (HOME, SFTP_ROOT, SFTP_STATE, HOME / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    port = _free_port(8080)
    processes = [_start("sftp", sys.executable, str(REPO / "scripts/sftp_server.py"), *_sftp_arguments(), port=port)]
    wait((SFTP_STATE / "connection.json").exists, "the SFTP server", 30)
    subprocess.run(
        [_BIN / "airflow", "db", "migrate"],
        env=environment(port),
        check=True,
        stdout=(HOME / "logs/migrate.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    for name, arguments in _COMPONENTS.items():
        processes.append(_start(name, str(_BIN / "airflow"), name, *arguments, port=port))
    state = {"address": f"http://127.0.0.1:{port}", "processes": processes}
    _STATE.write_text(json.dumps(state))
    wait(lambda: _healthy(state["address"]), "Airflow", 180)
    passwords = json.loads((HOME / "simple_auth_manager_passwords.json.generated").read_text())
    state["login"], state["password"] = "admin", passwords["admin"]
    _STATE.write_text(json.dumps(state))
    return state


def down() -> bool:
    """Stop everything that :func:`up` started; tell whether there was something."""
    if not _STATE.exists():
        return False
    processes = json.loads(_STATE.read_text())["processes"]
    for sign in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes:
            with suppress(ProcessLookupError):
                os.killpg(pid, sign)
        deadline = time.monotonic() + 20
        while any(_alive(pid) for pid in processes) and time.monotonic() < deadline:
            time.sleep(0.2)
    _STATE.unlink()
    return True


def _sftp_arguments() -> list[str]:
    return ["--root", str(SFTP_ROOT), "--state", str(SFTP_STATE), "--port", "0"]


def _start(name: str, *command: str, port: int) -> int:
    """Start a process in a group of its own, its output in a log; give its id."""
    log = (HOME / "logs" / f"{name}.log").open("w")
    process = subprocess.Popen(
        command, env=environment(port), stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=REPO
    )
    return process.pid


def is_up() -> bool:
    """Tell whether Airflow is up."""
    return _running() is not None


def _running() -> dict[str, Any] | None:
    """Give the state of what is up; what a crash left over is stopped."""
    if not _STATE.exists():
        return None
    state = json.loads(_STATE.read_text())
    if all(_alive(pid) for pid in state["processes"]) and "password" in state and _healthy(state["address"]):
        return dict(state)
    down()
    return None


def _alive(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310
            health = json.load(answer)
    except (OSError, urllib.error.URLError):
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))


def _free_port(wanted: int) -> int:
    """Give the wanted port if it is free on loopback, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("found no free port on 127.0.0.1")


def wait(ready: Callable[[], bool], what: str, seconds: int) -> None:
    """Wait until something is so, or end with words."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not start within {seconds} s; see {HOME / 'logs'}, then run make down")
        time.sleep(0.5)


def main(command: str, *arguments: str) -> None:
    """Carry out ``up`` or ``down``, or ``run`` a Python module with its arguments where they run."""
    if command == "up":
        state = up()
        print(f"\nAirflow:  {state['address']}")
        print(f"login:    {state['login']}\npassword: {state['password']}")
        print(f"SFTP:     put extracts below {SFTP_ROOT.relative_to(REPO)}/\nstop:     make down\n")
    elif command == "down":
        print("Airflow is stopped." if down() else "Airflow was not up.")
    elif command == "run":
        raise SystemExit(subprocess.call([sys.executable, "-m", *arguments], env=environment()))
    else:
        raise SystemExit("usage: local.py up | down | run MODULE ...")


if __name__ == "__main__":
    main(*sys.argv[1:])
