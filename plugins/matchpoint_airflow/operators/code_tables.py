"""Load Alma's code tables into user stores: from files, or live by Alma's API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import CodeTableError
from matchpoint.profile import Profile, load_profiles
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.base import StoreOperator
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.run import Run
from matchpoint_airflow.settings import code_tables_folder, profiles_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from matchpoint.used_codes import Used


class AlmaLoadCodeTablesOperator(StoreOperator):
    """Replaces the code tables of a user store by those in the folder of code tables, all of them or none."""

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002 (Airflow's form)
        """Load, and give the number of codes by table."""
        from matchpoint.code_tables import files_of, update_code_tables

        store = self.open_store()
        try:
            counts = update_code_tables(store, files_of(code_tables_folder()))
        except CodeTableError as error:
            raise AirflowFailException(f"{error} The store keeps the tables it had.") from error
        self.log.info("loaded: %s", counts)
        return counts


class AlmaRefreshCodeTablesOperator(Guarded, BaseOperator):
    """Reads Alma's code tables into the stores of all profiles that go to Alma, and reviews the codes they use."""

    operator_extra_links = (ReportLink(),)
    ui_color = "#e8f0f8"

    def execute(self, context: Context) -> dict[str, int]:
        """Refresh, and give the number of codes that Alma lacks by profile."""
        from matchpoint.report.codes import codes_job, write_missing
        from matchpoint.report.job import write_job_report

        run = Run.of(context)
        by_place: dict[tuple[str, str], list[Profile]] = {}
        for profile in load_profiles(profiles_folder()).good:
            if alma := _alma_of(profile):
                by_place.setdefault((profile.store, alma), []).append(profile)
        missing: dict[str, dict[Used, int]] = {}
        tables = 0
        for (store, alma), profiles in by_place.items():
            tables += self._refresh(store, alma, profiles, missing)
        write_missing(run.folder, missing)
        job = codes_job(missing, tables, as_of=run.due.date(), run_id=run.id)
        write_job_report(run.folder, job)
        self.log.info("%s", job.sentence)
        return {profile: len(codes) for profile, codes in missing.items()}

    def _refresh(
        self, store: str, alma: str, profiles: Iterable[Profile], missing: dict[str, dict[Used, int]]
    ) -> int:
        from matchpoint.code_tables import with_scopes
        from matchpoint.stand_ins import review_codes
        from matchpoint.store.code_tables import load_code_tables, save_code_tables
        from matchpoint.used_codes import tables_used
        from matchpoint_airflow.doors.code_tables import read_tables
        from matchpoint_airflow.hooks.alma import AlmaHook

        hook = UserStoreHook(store)
        hook.upgrade()
        engine = hook.get_conn()
        codes = asyncio.run(read_tables(AlmaHook(alma), tables_used()))
        counts = save_code_tables(engine, with_scopes(codes, load_code_tables(engine)))
        self.log.info("%s: %s", store, counts)
        for profile in profiles:
            missing[profile.code] = review_codes(engine, profile, load_code_tables(engine), utcnow())
        return len(counts)


def _alma_of(profile: Profile) -> str | None:
    """Give the connection to Alma's API of a profile, by whichever door it delivers."""
    to = profile.destinations
    if to is None:
        return None
    return to.alma_api.connection if to.alma_api else to.alma_sftp.alma if to.alma_sftp else None
