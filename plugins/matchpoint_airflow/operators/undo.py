"""Undo what a run did: make the plan, then apply exactly it. Tried first unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import PlanError
from matchpoint_airflow.operators.users import StoreJob
from matchpoint_airflow.run import Run

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaPlanUndoOperator(StoreJob):
    """Plans an undo and writes its report. No user is touched."""

    def execute(self, context: Context) -> dict[str, int]:
        """Make the plan, and give how many users it would change, delete, create and leave."""
        from matchpoint.undo.plan import Target, Undoing, plan_undo
        from matchpoint.undo.report import sentence, write_report

        run, params = Run.of(context), context["params"]
        given = {name: (params.get(name) or "").strip() or None for name in ("run", "identifier", "field")}
        target = Target(given["run"], given["identifier"], given["field"])
        try:
            summary = plan_undo(run.folder, self.open_store(), target, Undoing(run.id, utcnow(), run.dry_run))
        except PlanError as error:
            raise AirflowFailException(f"{error} Nothing was planned.") from error
        write_report(run.folder, summary, self.dag_id, run.due.date().isoformat())
        self.log.info("%s", sentence(summary))
        return {
            name: summary["counts"][name] for name in ("users", "changed", "deleted", "created", "left", "partly")
        }


class AlmaApplyUndoOperator(StoreJob):
    """Applies exactly the plan of the undo, unless it is over its limits. A dry run skips it."""

    def execute(self, context: Context) -> dict[str, int]:
        """Apply, and give how many users were left though the plan had them."""
        from matchpoint.undo.apply import apply_undo
        from matchpoint.undo.limits import Limit
        from matchpoint.undo.plan import read_summary
        from matchpoint.undo.report import write_report

        run, params = Run.of(context), context["params"]
        if run.dry_run:
            raise AirflowSkipException("dry run: the plan is made, nothing is written")
        limit = Limit(int(params["limit_users"]), int(params["limit_percent"]) / 100)
        how: dict[str, Any] = {"limit": limit, "force": bool(params["force"])}
        try:
            refused = apply_undo(run.folder, self.open_store(), self.act(run), **how)
        except PlanError as error:
            raise AirflowFailException(str(error)) from error
        if refused:
            summary = read_summary(run.folder)
            write_report(run.folder, summary, self.dag_id, run.due.date().isoformat(), refused)
        self.log.info("applied; %d users came out otherwise than planned", len(refused))
        return {"left_after_all": len(refused)}
