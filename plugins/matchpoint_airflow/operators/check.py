"""Check that the SIS's server and the user store answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from matchpoint.guard.records import quarantined
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.notices import RunNotifier
from matchpoint_airflow.operators.base import ProfileOperator, active_action
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class SisCheckConnectionOperator(ProfileOperator):
    """Connects to the SIS's folder and to the user store, which is brought to its newest migration.

    A profile that was stopped because too many of its rows were faulty is skipped.
    """

    def execute(self, context: Context) -> None:
        """Fail with words when either does not answer, or a key to decrypt with is missing."""
        from matchpoint.notices import note_failure
        from matchpoint_airflow.hooks.openpgp import decryption_keys
        from matchpoint_airflow.hooks.sis import sis_server

        profile = profile_of(self.profile)
        with sis_server(profile.connection, active_action(profile, self.mode).path) as server:
            self.log.info("%s answers; %s holds %d files", profile.connection, server.folder, len(server.files()))
        if profile.decrypt:
            decryption_keys(profile.decrypt)
        store = UserStoreHook(profile.store)
        store.upgrade()
        self.log.info("%s answers and is up to date", profile.store)
        with store.get_conn().connect() as connection:
            stopped = quarantined(connection, profile.code)
        if stopped:
            told = f"PROFILE {profile.code} IS STOPPED, {stopped}. Release it with the DAG profile_release."
            self.log.error(told)
            note_failure(Run.of(context).folder, self.task_id, told)
            RunNotifier(profile.code, self.mode, "failure").notify(context)
            raise AirflowSkipException(told)
