"""Airflow's parts as processes, each on a machine of its own: home, copy of the project and temporary folder.

What they share is what machines share: the database, the queue, the object store, the SIS's server. Their settings
are those of ``docker-compose.yaml``, read from the file, with addresses of this test in place of the services' names.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
AIRFLOW = Path(sys.executable).with_name("airflow")
COMMANDS = {
    "api-server": ["api-server", "--host", "127.0.0.1", "--workers", "1", "--port", "{port}"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "worker-1": ["celery", "worker", "--skip-serve-logs", "--celery-hostname", "worker-1", "--without-mingle"],
    "worker-2": ["celery", "worker", "--skip-serve-logs", "--celery-hostname", "worker-2", "--without-mingle"],
}


@dataclass
class Node:
    """One machine with one part of Airflow."""

    name: str
    folder: Path
    settings: dict[str, str]
    port: int
    processes: list[psutil.Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        project = self.folder / "project"
        for part in ("dags", "plugins", "include"):
            shutil.copytree(REPOSITORY / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("home", "tmp"):
            (self.folder / name).mkdir()

    @property
    def log(self) -> Path:
        """What the process says."""
        return self.folder / "output.log"

    def environment(self) -> dict[str, str]:
        """Give the whole environment of the node; nothing of the caller's goes in but where programs are."""
        project = self.folder / "project"
        own = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
            "PYTHONPATH": f"{project / 'include'}{os.pathsep}{project / 'plugins'}",
        }
        return {**self.settings, **own}

    def run(self, *arguments: str) -> None:
        """Run Python to its end."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, env=self.environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"{arguments} ended with code {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
            )

    def start(self) -> None:
        """Start the node's part of Airflow in a process group of its own."""
        command = [part.format(port=self.port) for part in COMMANDS[self.name]]
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [AIRFLOW, *command],
                env=self.environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes = [psutil.Process(process.pid)]

    def check(self) -> bool:
        """Tell that the node runs; raises with the end of its log when it does not."""
        if self.processes and self.processes[0].is_running() and self.processes[0].status() != psutil.STATUS_ZOMBIE:
            return True
        raise RuntimeError(f"{self.name} ended; its log:\n{self.log.read_text(errors='replace')[-3000:]}")

    def all_processes(self) -> list[psutil.Process]:
        """Give every process of the node; those seen before are remembered when they lose their parent."""
        known = {process.pid: process for process in self.processes}
        for process in list(known.values()):
            with suppress(psutil.NoSuchProcess):
                known |= {child.pid: child for child in process.children(recursive=True)}
        self.processes = list(known.values())
        return self.processes

    def has(self, pid: int) -> bool:
        """Tell whether a process runs on this node."""
        return any(process.pid == pid and process.is_running() for process in self.all_processes())

    def lose_power(self) -> None:
        """End every process of the node at once by SIGKILL, tasks included."""
        _kill(self.all_processes())

    def lose_worker(self) -> None:
        """End the worker's process group by SIGKILL. A task has a group of its own and goes on, orphaned."""
        self.all_processes()
        os.killpg(self.processes[0].pid, signal.SIGKILL)
        with suppress(psutil.NoSuchProcess):
            self.processes[0].wait(10)

    def stop(self) -> None:
        """End the node, whatever state it is in: nothing that it does is needed any more."""
        for process in self.all_processes():
            with suppress(psutil.NoSuchProcess):
                process.suspend()  # it starts no other while it is looked at
        self.lose_power()


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:  # psutil looks at the start time: a number given anew to another process is safe
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
