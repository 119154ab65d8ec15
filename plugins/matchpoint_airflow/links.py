"""Links from a task in the Airflow UI to the report of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class ReportLink(BaseOperatorLink):
    """The report of the run, as a page behind Airflow's login."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give its address."""
        return _path(ti_key, "report.html")


class PlanLink(BaseOperatorLink):
    """The plan of the run, as a page behind Airflow's login."""

    name = "Plan"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give its address."""
        return _path(ti_key, "plan.html")


def _path(ti_key: TaskInstanceKey, name: str) -> str:
    """Give the address of a page of a run, without host: it holds wherever Airflow is reached."""
    base = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{base}{_page(ti_key.dag_id, ti_key.run_id, name)}"


def addresses_of(dag_id: str, run_id: str) -> dict[str, str]:
    """Give the whole addresses of a run for a notice; none where Airflow does not know its own."""
    base = _base()
    if base is None:
        return {}
    return {
        "Report": f"{base}{_page(dag_id, run_id, 'report.html')}",
        "Run in Airflow": f"{base}{_run(dag_id, run_id)}",
    }


def address_of_question(dag_id: str, run_id: str, task_id: str) -> dict[str, str]:
    """Give the whole address under which a question is answered; none where Airflow does not know its own."""
    base = _base()
    return {"Answer": f"{base}{_run(dag_id, run_id)}/tasks/{task_id}/required_actions"} if base is not None else {}


def _base() -> str | None:
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return base if "://" in base else None


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def _page(dag_id: str, run_id: str, name: str) -> str:
    return f"/matchpoint/runs/{quote(dag_id, safe='')}/{quote(run_id, safe='')}/{name}"
