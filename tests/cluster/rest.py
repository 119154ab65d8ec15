"""Airflow's REST API as a person's browser uses it, as much of it as the tests need."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
from waiting import wait_for


class Api:
    """The REST API, and our pages, behind the login of the user admin."""

    def __init__(self, address: str, password: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=60)
        self.login = {"username": "admin", "password": password}

    def sign_in(self) -> None:
        """Sign in; all that is asked from then on is asked as admin."""
        answer = self.client.post("/auth/token", json=self.login)
        self.client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"

    def healthy(self) -> bool:
        """Tell whether database, scheduler and DAG processor are well."""
        try:
            health = self.client.get("/api/v2/monitor/health").raise_for_status().json()
        except httpx.HTTPError:
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def get(self, path: str) -> Any:
        """Get JSON."""
        return self.client.get(f"/api/v2/{path}").raise_for_status().json()

    def dags(self) -> set[str]:
        """Give the ids of the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self.get("dags?limit=100")["dags"]}

    def start(self, dag_id: str, **conf: Any) -> Run:
        """Start a run."""
        self.client.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
        body = {"logical_date": None, "conf": conf}
        answer = self.client.post(f"/api/v2/dags/{dag_id}/dagRuns", json=body).raise_for_status()
        return Run(self, dag_id, answer.json()["dag_run_id"])


class Run:
    """One DAG run."""

    def __init__(self, api: Api, dag_id: str, run_id: str) -> None:
        self.api, self.dag_id, self.run_id = api, dag_id, run_id
        self.path = f"dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"

    def succeeds(self) -> None:
        """Wait for the end of the run; one that fails is told with its tasks."""
        state = wait_for(f"the end of {self.dag_id}", self._end)
        assert state == "success", {name: one["state"] for name, one in self.tasks().items()}

    def _end(self) -> str | None:
        state = self.api.get(self.path)["state"]
        return state if state in {"success", "failed"} else None

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Give the task instances by name, mapped ones with their number."""
        found = self.api.get(f"{self.path}/taskInstances?limit=100")["task_instances"]
        return {one["task_id"] + (f"[{one['map_index']}]" if one["map_index"] >= 0 else ""): one for one in found}

    def tries(self, task_id: str) -> list[dict[str, Any]]:
        """Give every try of a task, the first one first."""
        found = self.api.get(f"{self.path}/taskInstances/{task_id}/tries")["task_instances"]
        return sorted(found, key=lambda one: one["try_number"])

    def log(self, task_id: str, number: int) -> str:
        """Give the log of one try of a task, as the UI shows it."""
        return str(self.api.get(f"{self.path}/taskInstances/{task_id}/logs/{number}?full_content=true")["content"])

    def page(self, name: str) -> httpx.Response:
        """Ask for one of our pages about the run."""
        return self.api.client.get(f"/matchpoint/runs/{self.dag_id}/{quote(self.run_id, safe='')}/{name}")
