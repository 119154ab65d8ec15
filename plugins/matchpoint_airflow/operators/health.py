"""Check the health of a run's feed before anything is made of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import ExtractError
from matchpoint.store.ledger import was_applied
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context

_NOTHING_WRITTEN = "Nothing of this run was written. What stops a feed stands in the profile under health."


class SisCheckFeedOperator(ProfileOperator):
    """Measures the extracts of the run and holds them against the last good feeds of the profile and mode.

    What is found goes into ``health.json`` in the run folder. A sign whose action is ``stop`` fails the task, unless
    the run was applied already; a ``hold`` is left to the approval, and a ``warn`` to the report.
    """

    def execute(self, context: Context) -> dict[str, int]:
        """Check, and give the number of signs per action."""
        from matchpoint.health.check import check_feed

        run, profile = Run.of(context), profile_of(self.profile)
        store = UserStoreHook(profile.store).get_conn()
        try:
            verdicts = check_feed(
                run.folder,
                store,
                profile,
                mode=self.mode,
                run_id=run.id,
                due=run.due,
                now=utcnow(),
                dry_run=run.dry_run,
                only_file=run.only_file,
            )
        except ExtractError as error:
            raise AirflowFailException(f"{error} {_NOTHING_WRITTEN}") from error
        for one in verdicts:
            self.log.warning("%s (%s): %s", one.action, one.code, one.text)
        stops = [one.text for one in verdicts if one.action == "stop"]
        if stops and not was_applied(store, run.id):
            raise AirflowFailException("\n".join([*stops, _NOTHING_WRITTEN]))
        return dict(Counter(one.action for one in verdicts))
