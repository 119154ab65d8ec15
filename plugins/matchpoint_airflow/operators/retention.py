"""Delete what runs keep of people, past its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, ObjectStoragePath
from airflow.sdk.timezone import utcnow

from matchpoint.amounts import counted
from matchpoint.profile import load_profiles
from matchpoint.profile.privacy import Retention
from matchpoint.report.text import file_size
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.run import Run
from matchpoint_airflow.settings import profiles_folder, runs_url

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from matchpoint.retention import Clock, Purged


class AlmaPurgeRunsOperator(Guarded, BaseOperator):
    """Empties run folders past their clock, later deletes them, and deletes planned rows from the user stores.

    The params of the run give the clock for runs of no profile, and of profiles that have none. A run that is not
    over stays, and so do the runs of profiles that cannot be read.
    """

    operator_extra_links = (ReportLink(),)
    ui_color = "#f8f0e8"

    def execute(self, context: Context) -> dict[str, int]:
        """Delete, write the report, and give counts."""
        from dataclasses import asdict

        from matchpoint.report.job import Job, write_job_report
        from matchpoint.retention import purge_folders, purge_plans

        run, params, profiles = Run.of(context), context["params"], load_profiles(profiles_folder())
        stores = [UserStoreHook(store) for store in sorted({profile.store for profile in profiles.good})]
        for hook in stores:
            hook.upgrade()
        is_open = _is_open(context["ti"], [hook.get_conn() for hook in stores])
        how: dict[str, Any] = {"now": utcnow(), "is_open": is_open, "dry_run": run.dry_run}
        usual = Retention(extracts_days=params["extracts_days"], run_days=params["run_days"])
        own = {profile.code: profile.retention for profile in profiles.good}
        clock = _clock(own, usual, is_sure=not profiles.errors)
        done = purge_folders(ObjectStoragePath(runs_url()), clock, **how)
        for hook in stores:
            done.plan_rows += purge_plans(hook.get_conn(), clock, **how)
        sentence = _sentence(done)
        job = Job("Purge runs", sentence, run.dry_run, self.dag_id, run.due.date().isoformat(), run.id, {})
        write_job_report(run.folder, job)
        self.log.info("%s%s", "dry run: " if run.dry_run else "", sentence)
        return asdict(done)


def _clock(own: dict[str, Retention | None], usual: Retention, *, is_sure: bool) -> Clock:
    """Give each profile's own clock or else the usual one; without all profiles read, unknown ones are left alone."""

    def clock(profile: str) -> Retention | None:
        if profile and profile not in own and not is_sure:
            return None
        return own.get(profile) or usual

    return clock


def _is_open(task: Any, stores: list[Engine]) -> Any:
    """Tell whether a run, named as in the user store, is queued or runs, or waits for a person's answer."""
    from matchpoint.guard.records import waiting

    asking: set[str] = set()
    for store in stores:
        with store.connect() as connection:
            asking |= set(waiting(connection))

    def is_open(run: str) -> bool:
        if run in asking:
            return True
        dag_id, _, run_id = run.partition("/")
        if not run_id:
            return False
        return bool(task.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=["queued", "running"]))

    return is_open


def _sentence(done: Purged) -> str:
    return (
        f"{counted(done.emptied, 'run')} emptied of people's data and {counted(done.deleted, 'run')} deleted: "
        f"{counted(done.files, 'file')}, {file_size(done.bytes)}; {counted(done.plan_rows, 'planned row')} deleted "
        f"from user stores; {counted(done.waiting, 'run')} left because not over."
    )
