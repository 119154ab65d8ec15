"""Notices of runs: by e-mail through Airflow's SMTP notifier, and as signed JSON to a web address.

A notice that cannot be sent never fails a run: it is told in the log, as an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowException

from matchpoint.errors import MatchpointError
from matchpoint.profile import Mode, Profile
from matchpoint.profile.notices import EmailNotice, Occasion, WebhookNotice
from matchpoint.run_folder import RunFolder
from matchpoint_airflow.links import address_of_question, addresses_of
from matchpoint_airflow.run import profile_of, run_folder
from matchpoint_airflow.webhook import post

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint.notices import Notice

log = logging.getLogger(__name__)


class RunNotifier(BaseNotifier):
    """Tells of a run of a profile, by the channels that its profile names for the occasion.

    Its fields are no templates: what a notice says comes from files of the run and is never rendered again.
    """

    def __init__(self, profile: str, mode: Mode, occasion: Occasion) -> None:
        super().__init__()
        self.profile = profile
        self.mode = mode
        self.occasion = occasion

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render nothing."""

    def notify(self, context: Context) -> None:
        """Send the notice; whatever goes wrong is logged."""
        from matchpoint.notices import forget_failures

        try:
            dag_id, run_id = self._run(context)
            links = addresses_of(dag_id, run_id)
            if self.occasion == "hold":
                links |= address_of_question(context["dag"].dag_id, context["run_id"], context["ti"].task_id)
            profile, folder = profile_of(self.profile), run_folder(dag_id, run_id)
            notice = self._notice(profile, folder, links, f"{dag_id}/{run_id}")
            if self.occasion == "failure":
                forget_failures(folder)
            if notice:
                send(profile, notice)
        except Exception as error:
            log.error("NOTICE NOT SENT (%s of %s): %s", self.occasion, self.profile, safe_words(error))

    def _run(self, context: Context) -> tuple[str, str]:
        """Give the run that is told of: where a question waits, that is the run that asks."""
        asked = context["params"] if self.occasion == "hold" else {}
        return asked.get("about_dag") or context["dag"].dag_id, asked.get("about_run") or context["run_id"]

    def _notice(self, profile: Profile, folder: RunFolder, links: Mapping[str, str], run_id: str) -> Notice | None:
        from matchpoint.notices import failure_notice, hold_notice, success_notice

        if not profile.notices or not profile.notices.channels(self.occasion):
            return None
        if self.occasion == "failure":
            return failure_notice(profile, self.mode, folder, links, run_id)
        make = hold_notice if self.occasion == "hold" else success_notice
        return make(profile, self.mode, folder, links)


def run_callbacks(profile: Profile, mode: Mode) -> dict[str, Any]:
    """Give the callbacks of a profile's DAG; none where it has no notices."""
    if profile.notices is None:
        return {}
    return {
        "on_success_callback": RunNotifier(profile.code, mode, "success"),
        "on_failure_callback": RunNotifier(profile.code, mode, "failure"),
    }


def hold_notifiers(profile: Profile, mode: Mode) -> list[BaseNotifier]:
    """Give the ``notifiers`` of the operator that waits for approval; none where the profile has no notices."""
    return [RunNotifier(profile.code, mode, "hold")] if profile.notices else []


def keep_failure(context: Context) -> None:
    """Keep what a task that failed said, for the notice of the run: ``on_failure_callback`` of every task."""
    from matchpoint.notices import note_failure

    dag_run, task = context["dag_run"], context["ti"]
    folder = run_folder(dag_run.dag_id, dag_run.run_id)
    note_failure(folder, task.task_id, safe_words(context.get("exception")), getattr(task, "map_index", -1))


def safe_words(error: Any) -> str:
    """Give what an error says where it was made to hold no person's data; else only what kind of error it is."""
    if isinstance(error, AirflowException | MatchpointError | ConnectionError):
        return str(error) or type(error).__name__
    if isinstance(error, BaseException):
        return f"{type(error).__name__}, see the log of the task"
    return "it ended without a word; see the log of the task"


def send(profile: Profile, notice: Notice) -> list[str]:
    """Send a notice by every channel that the profile names for its occasion; give those that took it."""
    channels = profile.notices.channels(notice.occasion) if profile.notices else []
    return [channel for channel in channels if send_by(channel, profile, notice)]


def send_by(channel: str, profile: Profile, notice: Notice) -> bool:
    """Send a notice by one channel; tell whether it was taken. A failure is logged and not raised."""
    way = getattr(profile.notices, channel)
    try:
        _SENDERS[channel](way, notice)
    except Exception as error:
        log.error(
            "NOTICE NOT SENT (%s of %s) by %s, connection %s: found %s (%s); expected it to be taken. "
            "Look at the connection and at the server.",
            notice.occasion, profile.code, channel, way.connection, type(error).__name__, error,
        )  # fmt: skip
        return False
    log.info("notice (%s) sent by %s", notice.occasion, channel)
    return True


def _email(way: EmailNotice, notice: Notice) -> None:
    from matchpoint.report import render_notice_html

    notifier = SmtpNotifier(
        to=list(way.to),
        subject=notice.payload["subject"],
        html_content=render_notice_html(notice),
        smtp_conn_id=way.connection,
    )
    notifier.notify({})  # not called as a function, which would render what a file is named as a template


def _webhook(way: WebhookNotice, notice: Notice) -> None:
    post(way.connection, notice.payload)


_SENDERS: dict[str, Callable[[Any, Notice], None]] = {"email": _email, "webhook": _webhook}
