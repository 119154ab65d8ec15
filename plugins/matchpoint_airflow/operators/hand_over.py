"""The job that hands shared users over of whom a role has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchpoint_airflow.operators.users import StoreJob
from matchpoint_airflow.run import Run

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaHandOverUsersOperator(StoreJob):
    """Hands users of several profiles over to the role that comes next."""

    def execute(self, context: Context) -> dict[str, int]:
        """Hand over, and give how many users changed and could not."""
        from matchpoint.accounts.affiliations import hand_over_all_ended

        run = Run.of(context)
        done = hand_over_all_ended(self.open_store(), self.act(run), as_of=run.due.date(), dry_run=run.dry_run)
        self.report(run, "Hand users over", f"{done.changed} users handed over, {len(done.left)} left.", done.left)
        return {"changed": done.changed, "left": len(done.left)}
