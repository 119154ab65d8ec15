"""What Airflow itself costs: the seconds a task takes that does nothing.

``python -m bench.airflow_start`` runs a DAG of one and of several empty tasks with ``dag.test`` on a throw-away
SQLite; a task's own cost is what each further one adds. It is no part of the library's time in the table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TASKS = 6

_DAGS = """
import pendulum
from airflow.sdk import chain, dag, task

def made(number):
    @dag(dag_id=f"nothing_{number}", schedule=None, start_date=pendulum.datetime(2026, 1, 1))
    def nothing():
        @task
        def idle():
            pass
        tasks = [idle.override(task_id=f"idle_{n}")() for n in range(number)]
        if number > 1:
            chain(*tasks)
    return nothing()

few, many = made(1), made(1 + %d)
"""
_RUN = """
import sys, time
from airflow.dag_processing.dagbag import DagBag

dags = DagBag(sys.argv[1]).dags
def seconds(name):
    start = time.perf_counter()
    dags[name].test()
    return time.perf_counter() - start

seconds("nothing_1")  # warms up
few, many = seconds("nothing_1"), seconds("nothing_%d")
print((many - few) / %d)
"""


def seconds_a_task() -> float:
    """Measure it, in a process and an Airflow home of its own."""
    with tempfile.TemporaryDirectory(prefix="matchpoint-airflow-") as home:
        settings = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        }
        Path(home, "nothing.py").write_text(_DAGS % TASKS, encoding="utf-8")
        environment = {**os.environ, **settings}
        _python("-m", "airflow", "db", "migrate", environment=environment)
        said = _python("-c", _RUN % (TASKS + 1, TASKS), home, environment=environment)
    return float(said.splitlines()[-1])


def _python(*arguments: str, environment: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


if __name__ == "__main__":
    print(json.dumps({"seconds_a_task": round(seconds_a_task(), 2)}))
