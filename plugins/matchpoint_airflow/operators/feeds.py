"""Watch for extracts that did not arrive."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from matchpoint.notices import nothing_notice
from matchpoint.profile import Profile, load_profiles
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.notices import safe_words, send_by
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.settings import profiles_folder

if TYPE_CHECKING:
    from airflow.sdk import Context


class SisWatchFeedsOperator(Guarded, BaseOperator):
    """Tells, once a day and channel, of each profile whose ``expected_by`` has passed without an extract.

    A notice that could not be sent is sent by the next run. A store that does not answer hides no other profile.
    """

    ui_color = "#e8f0f8"

    def execute(self, context: Context) -> dict[str, list[str]]:
        """Look and tell; give by profile the channels that took a notice."""
        due: datetime = context["dag_run"].run_after
        told: dict[str, list[str]] = {}
        unwatched: list[str] = []
        for profile in load_profiles(profiles_folder()).good:
            try:
                if sent := self._watch(profile, due):
                    told[profile.code] = sent
            except Exception as error:
                unwatched.append(f"{profile.code}: {safe_words(error)}")
        if unwatched:
            raise AirflowFailException(f"found no answer about {'; '.join(unwatched)}; the others were looked at")
        return told

    def _watch(self, profile: Profile, due: datetime) -> list[str]:
        from matchpoint.deadline import day_overdue, has_arrived, note_told, untold

        day = day_overdue(profile, due)
        if day is None:
            return []
        hook = UserStoreHook(profile.store)
        hook.upgrade()
        store = hook.get_conn()
        if has_arrived(store, profile, day):
            return []
        notice = nothing_notice(profile, day.isoformat(), {})
        self.log.warning("%s", notice.subject)
        open_channels = untold(store, profile, day)
        sent = [channel for channel in open_channels if send_by(channel, profile, notice)]
        for channel in sent:
            note_told(store, profile, day, channel, due)
        if len(sent) < len(open_channels):
            raise ConnectionError(f"told by {', '.join(sent) or 'no channel'}; expected {', '.join(open_channels)}")
        return sent
