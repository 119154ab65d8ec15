"""Answering what runs ask, as a person does: through Airflow's own API server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi.testclient import TestClient
from harness import Matchpoint, Result


@contextmanager
def answering(api: TestClient, answer: str) -> Iterator[list[dict[str, Any]]]:
    """Answer what is asked as a person would, until the block ends; gives the questions, each once.

    An answer that comes before the task waits is one that Airflow keeps and never wakes the task for. And it asks
    again when the answer came in the very second of the question.
    """
    asked: list[dict[str, Any]] = []
    over = threading.Event()

    def person() -> None:
        while not over.wait(0.2):
            open_ones = api.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": False}).json()
            for one in open_ones.get("hitl_details", []):
                waits = one["task_instance"]["state"] == "awaiting_input"
                if waits and _answered(api, one["task_instance"], answer) and _place(one) not in map(_place, asked):
                    asked.append(one)

    thread = threading.Thread(target=person)
    thread.start()
    try:
        yield asked
    finally:
        over.set()
        thread.join()


def _answered(api: TestClient, task: dict[str, Any], answer: str) -> bool:
    path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}"
    where = f"{path}/taskInstances/{task['task_id']}/-1/hitlDetails"
    return api.patch(where, json={"chosen_options": [answer], "params_input": {}}).is_success


def _place(question: dict[str, Any]) -> tuple[str, ...]:
    return tuple(question["task_instance"][name] for name in ("dag_id", "dag_run_id", "task_id"))


@contextmanager
def nobody_answering() -> Iterator[None]:
    """Let the time for an answer run out, by the scheduler's own look at it."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    over = threading.Event()

    def time_passes() -> None:
        while not over.wait(0.2):
            with create_session() as session:
                waits = update(TaskInstance).where(TaskInstance.state == "awaiting_input")
                session.execute(waits.values(trigger_timeout=datetime(2026, 1, 1, tzinfo=UTC)))
                SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts(session=session)

    thread = threading.Thread(target=time_passes)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def approve(matchpoint: Matchpoint, run: Result) -> Result:
    """Run what the run's task ``ask_approval`` started."""
    about = {
        "profile": "students",
        "mode": run.dag_id.split("_")[1],
        "about_dag": run.dag_id,
        "about_run": run.run_id,
    }
    return matchpoint.run("plan_approve", **about)
