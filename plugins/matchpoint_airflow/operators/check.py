"""Check that the SIS's server and the user store answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator, active_action
from matchpoint_airflow.run import profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class SisCheckConnectionOperator(ProfileOperator):
    """Connects to the SIS's folder and to the user store, which is brought to its newest migration."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 (Airflow's form)
        """Fail with words when either does not answer, or a key to decrypt with is missing."""
        from matchpoint_airflow.hooks.openpgp import decryption_keys
        from matchpoint_airflow.hooks.sis import sis_server

        profile = profile_of(self.profile)
        with sis_server(profile.connection, active_action(profile, self.mode).path) as server:
            self.log.info("%s answers; %s holds %d files", profile.connection, server.folder, len(server.files()))
        if profile.decrypt:
            decryption_keys(profile.decrypt)
        UserStoreHook(profile.store).upgrade()
        self.log.info("%s answers and is up to date", profile.store)
