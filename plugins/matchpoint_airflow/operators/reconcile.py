"""Reconcile: what Alma has of a profile's users is compared with the store, reported, and on demand repaired."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import ExtractError
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.deliver import DeliveryOperator
from matchpoint_airflow.run import Run
from matchpoint_airflow.settings import exports_folder

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint.profile.destinations import AlmaApi
    from matchpoint.reconcile.run import Reconcile


class AlmaReconcileOperator(DeliveryOperator):
    """Compares Alma with the store, from files of *Export users* or by the API; with ``repair``, mends the outbox.

    By the API it takes as many nights as the day's requests make of it: where they run out, the task waits for Alma's
    next day, without a worker, and goes on from there.
    """

    operator_extra_links = (ReportLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """Reconcile, and give the people by kind."""
        from matchpoint.reconcile.run import Reconcile
        from matchpoint.report.job import write_job_report
        from matchpoint.report.reconcile import drift_job, write_list

        run, (profile, to, store), params = Run.of(context), self.opened(), context["params"]
        reconcile = Reconcile(store, profile)
        source = str(params["source"])
        if source == "api":
            if to.alma_api is None:
                raise AirflowFailException(f"profile {profile.code}: found no alma_api; expected it, or source file")
            is_whole = _by_api(reconcile, to.alma_api)
        else:
            is_whole = _by_files(reconcile)
        if not is_whole:
            go_on = _next_day_of_alma()
            self.log.warning("no requests are left for us today; it goes on from here at %s", go_on.isoformat())
            raise AirflowRescheduleException(go_on)
        counts = reconcile.close()
        fields = write_list(run.folder, reconcile.listed())
        repaired = reconcile.repair() if params["repair"] else None
        job = drift_job(
            counts,
            fields,
            repaired,
            profile_name=profile.name,
            source=source,
            as_of=run.as_of(profile),
            run_id=run.id,
        )
        write_job_report(run.folder, job)
        run.folder.write_json("drift.json", {"counts": counts, "fields": fields})
        reconcile.forget()
        self.log.info("%s", job.sentence)
        return dict(counts)


def _next_day_of_alma() -> datetime:
    """Give when Alma counts requests anew: at midnight GMT (reference 6.4), and a little later to be sure."""
    return utcnow().replace(hour=0, minute=5, second=0, microsecond=0) + timedelta(days=1)


def _by_files(reconcile: Reconcile) -> bool:
    from matchpoint.chunks import chunks
    from matchpoint.read.user_export import read_export
    from matchpoint.reconcile.run import LOT

    folder = exports_folder() / reconcile.profile.code
    files = sorted(one for one in folder.glob("*") if one.suffix.lower() in {".xml", ".zip"})
    if not files:
        raise AirflowFailException(
            f"{folder}: found no file .xml or .zip; expected what Alma's job Export users gave. Nothing was compared."
        )
    reconcile.begin("file", utcnow(), go_on=False)
    try:
        for file in files:
            with file.open("rb") as opened:
                for lot in chunks(read_export(opened, file.name), LOT):
                    reconcile.take(lot)
    except ExtractError as error:
        raise AirflowFailException(f"{error} Nothing was repaired.") from None
    return True


def _by_api(reconcile: Reconcile, api: AlmaApi) -> bool:
    from matchpoint_airflow.doors.listing import read_all
    from matchpoint_airflow.hooks.alma import AlmaHook

    place = reconcile.begin("api", utcnow(), go_on=True)

    async def read() -> bool:
        async with AlmaHook(api.connection).alma(rate=api.rate) as alma:
            await alma.ask_remaining()
            return await read_all(alma, place, reconcile.take, reserve=api.reserve)

    return asyncio.run(read())
