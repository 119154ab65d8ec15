"""Apply the plan of a run to the user store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import PlanError
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaApplyPlanOperator(ProfileOperator):
    """Applies exactly the plan that was made, one run at a time per user store. A dry run skips it."""

    def execute(self, context: Context) -> int:
        """Apply, and give the number of rows that came out otherwise than planned."""
        from matchpoint.apply_plan import apply_plan

        run, profile = Run.of(context), profile_of(self.profile)
        if run.dry_run:
            raise AirflowSkipException("dry run: the plan is made, nothing is written")
        try:
            deviations = apply_plan(run.folder, UserStoreHook(profile.store).get_conn(), now=utcnow())
        except PlanError as error:
            raise AirflowFailException(str(error)) from error
        self.log.info("applied; %d rows came out otherwise than planned", len(deviations))
        return len(deviations)
