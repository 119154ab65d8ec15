"""Apply the plan of a run to the user store."""

from __future__ import annotations

from dataclasses import replace
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
    """Applies exactly the plan that was made, one run at a time per user store. A dry run skips it.

    What waits for a person's answer is left out; when that answer has come, applying the plan again adds it.
    """

    def execute(self, context: Context) -> int:
        """Apply, and give the number of rows that came out otherwise than planned."""
        from matchpoint.apply_plan import apply_plan
        from matchpoint.guard.records import answer_of
        from matchpoint.guard.verdict import Judgement, withheld_by
        from matchpoint.stand_ins import note_stand_ins

        run, profile = Run.of(context), profile_of(self.profile)
        if run.dry_run:
            raise AirflowSkipException("dry run: the plan is made, nothing is written")
        store, judged = UserStoreHook(profile.store).get_conn(), Judgement.read(run.folder)
        with store.connect() as connection:
            answer, by, at = answer_of(connection, run.id)
        withheld = withheld_by(judged.parked if judged else (), answer)
        try:
            deviations = apply_plan(run.folder, store, now=utcnow(), withheld=withheld)
        except PlanError as error:
            raise AirflowFailException(str(error)) from error
        if profile.defaults:
            self.log.info("%d people got a default for a code that Alma lacks", note_stand_ins(run.folder, store))
        if judged and answer:
            replace(judged, answer=answer, answered_by=by, answered_at=at).write(run.folder)
        if withheld:
            self.log.warning("these wait for an answer, or it was no: %s", ", ".join(sorted(withheld)))
        self.log.info("applied; %d rows came out otherwise than planned", len(deviations))
        return len(deviations)
