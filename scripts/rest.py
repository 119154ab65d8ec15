"""Airflow's REST API, as much of it as the demos need."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any
from urllib.parse import quote

APPROVAL = "plan_approve"


class Api:
    """A session with Airflow, signed in."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.address = state["address"]
        login = {"username": state["login"], "password": state["password"]}
        self.token = self._call("POST", "/auth/token", login)["access_token"]

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "token"):
            headers["Authorization"] = f"Bearer {self.token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def dags(self) -> set[str]:
        """Give the ids of the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags?limit=100")["dags"]}

    def run(self, dag_ids: list[str]) -> dict[str, str]:
        """Run DAGs side by side to their end; give the run id of each. A failed run ends the demo."""
        runs = {dag_id: self.start(dag_id) for dag_id in dag_ids}
        for dag_id, run_id in runs.items():
            if self.finished(dag_id, run_id) == "failed":
                raise SystemExit(f"{dag_id} failed: run make up and look at {self.address}/dags/{dag_id}")
        return runs

    def start(self, dag_id: str) -> str:
        """Start a DAG, and give the run id."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"])

    def finished(self, dag_id: str, run_id: str) -> str:
        """Wait for the end of a run, and give how it ended."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}"
        while (state := self._call("GET", path)["state"]) not in {"success", "failed"}:
            time.sleep(0.5)
        return str(state)

    def questions(self, asked_by: dict[str, str]) -> dict[str, dict[str, Any]]:
        """Give what some runs ask, by the id of the run in which it is to be answered; waits for those to come."""
        asking = tuple(f"{dag_id}__{run_id}__" for dag_id, run_id in asked_by.items() if self._asks(dag_id, run_id))
        while True:
            path = f"/api/v2/dags/{APPROVAL}/dagRuns/~/hitlDetails?response_received=false&limit=100"
            found = {one["task_instance"]["dag_run_id"]: one for one in self._call("GET", path)["hitl_details"]}
            asked = {run: one for run, one in found.items() if run.startswith(asking)}
            if len(asked) == len(asking):
                return asked
            time.sleep(0.5)

    def _asks(self, dag_id: str, run_id: str) -> bool:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/ask_approval"
        return bool(self._call("GET", path)["state"] == "success")

    def answer(self, run_id: str, chosen: str) -> None:
        """Answer a question, and wait until that is done.

        Airflow may take an answer that comes in the same second as the question for a broken task, and ask again. So
        this one takes its time, as a person would, and answers as often as it is asked.
        """
        path = f"/api/v2/dags/{APPROVAL}/dagRuns/{quote(run_id)}"
        question = f"{path}/taskInstances/answer/-1/hitlDetails"
        while self._call("GET", path)["state"] not in {"success", "failed"}:
            time.sleep(2)
            if not self._call("GET", question)["response_received"]:
                self._call("PATCH", question, {"chosen_options": [chosen], "params_input": {}})
