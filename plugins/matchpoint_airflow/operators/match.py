"""Match the users of a run against the user store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.timezone import utcnow

from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaMatchUsersOperator(ProfileOperator):
    """Makes the plan of the run: what would become of every row. No user is touched."""

    def execute(self, context: Context) -> dict[str, int]:
        """Make the plan, and give its counts."""
        from matchpoint.make_plan import make_plan

        run, profile = Run.of(context), profile_of(self.profile)
        counts = make_plan(
            run.folder,
            UserStoreHook(profile.store).get_conn(),
            profile,
            mode=self.mode,
            run_id=run.id,
            as_of=run.as_of(profile).isoformat(),
            now=utcnow(),
            dry_run=run.dry_run,
        )
        self.log.info("planned: %s", counts)
        return counts
