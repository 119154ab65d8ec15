"""Write the report of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.timezone import utcnow

from matchpoint.profile import Profile
from matchpoint.store.ledger import note_receipt
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint.guard.verdict import Judgement


class AlmaWriteReportOperator(ProfileOperator):
    """Writes receipt, report and rejections files into the run folder."""

    operator_extra_links = (ReportLink(),)

    def execute(self, context: Context) -> dict[str, int]:
        """Write the report, and give the counts of the whole run."""
        run = Run.of(context)
        total = write_report(run, profile_of(self.profile))
        for word, number in total.items():
            self.log.info("%-10s %8d", word, number)
        self.log.info("the report is in %s", run.folder.root)
        return total


def write_report(run: Run, profile: Profile) -> dict[str, int]:
    """Write receipt, report and rejections files of a run, and give its counts."""
    from matchpoint.make_receipt import make_receipt
    from matchpoint.report import render_html, render_json, render_markdown

    receipt = make_receipt(run.folder, profile, now=utcnow())
    written = {
        "receipt.json": render_json(receipt),
        "report.html": render_html(receipt),
        "report.md": render_markdown(receipt),
    }
    for name, text in written.items():
        run.folder.path(name).write_text(text, encoding="utf-8")
    if receipt.judged:  # so that the page of the plan says what the answer was
        write_plan_page(run, profile, receipt.judged)
    if not run.dry_run:
        note_receipt(UserStoreHook(profile.store).get_conn(), run.id, receipt.as_dict())
    return receipt.total


def write_plan_page(run: Run, profile: Profile, judged: Judgement) -> None:
    """Write the page on which a person can read the plan of a run."""
    from matchpoint.plan import read_summary
    from matchpoint.report.plan import render_plan

    page = render_plan(read_summary(run.folder), judged, profile.name)
    run.folder.path("plan.html").write_text(page, encoding="utf-8")
