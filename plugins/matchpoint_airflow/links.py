"""Links from a task in the Airflow UI to the report of its run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink, conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


def _page(ti_key: TaskInstanceKey, name: str) -> str:
    """Give the address of a page of a run, without host: it holds wherever Airflow is reached."""
    base = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
    return f"{base}/matchpoint/runs/{quote(ti_key.dag_id, safe='')}/{quote(ti_key.run_id, safe='')}/{name}"


class ReportLink(BaseOperatorLink):
    """The report of the run, as a page behind Airflow's login."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give its address."""
        return _page(ti_key, "report.html")


class PlanLink(BaseOperatorLink):
    """The plan of the run, as a page behind Airflow's login."""

    name = "Plan"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Give its address."""
        return _page(ti_key, "plan.html")
