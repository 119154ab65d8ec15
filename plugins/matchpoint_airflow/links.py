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
        """Give the address of the report page, without host: it holds wherever Airflow is reached."""
        base = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
        return f"{base}{_report(ti_key.dag_id, ti_key.run_id)}"


def addresses_of(dag_id: str, run_id: str) -> dict[str, str]:
    """Give the whole addresses of a run for a notice; none where Airflow does not know its own."""
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    if "://" not in base:
        return {}
    run = f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    return {"Report": f"{base}{_report(dag_id, run_id)}", "Run in Airflow": f"{base}{run}"}


def _report(dag_id: str, run_id: str) -> str:
    return f"/matchpoint/runs/{quote(dag_id, safe='')}/{quote(run_id, safe='')}/report.html"
