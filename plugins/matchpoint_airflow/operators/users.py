"""Jobs on the users of a store that a person starts: convert and purge. Both try it first unless told otherwise."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import AccountError
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.base import StoreOperator
from matchpoint_airflow.run import Run

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint.accounts.selection import Selection
    from matchpoint.accounts.store import Act


MOST_LEFT = 20
"""Users left as they were whom a log tells of; the list has all."""


class StoreJob(StoreOperator):
    """A job on the users of a store. What it does to whom comes from the params of the run."""

    operator_extra_links = (ReportLink(),)
    ui_color = "#f8f0e8"

    def act(self, run: Run) -> Act:
        """Say in the history which job it was; who started it is in Airflow, under the run."""
        from matchpoint.accounts.store import Act

        return Act(actor=self.dag_id, now=utcnow(), run_id=run.id)

    def report(self, run: Run, title: str, sentence: str, left: dict[str, str], listed: str = "") -> None:
        """Write the report; the log names the first of those left by their pseudonyms."""
        from matchpoint.pseudonym import pseudonym, salt_of
        from matchpoint.report.job import Job, write_job_report

        job = Job(title, sentence, run.dry_run, self.dag_id, run.due.date().isoformat(), run.id, left, listed=listed)
        write_job_report(run.folder, job)
        self.log.info("%s%s", "dry run: " if run.dry_run else "", sentence)
        salt = salt_of(UserStoreHook(self.store).get_conn()) if left else ""
        for who, why in islice(left.items(), MOST_LEFT):
            self.log.info("left: %s: %s", pseudonym(who, salt), why)


def _selection(params: dict[str, Any]) -> Selection:
    from matchpoint.accounts.selection import Selection

    names = ("profile", "record_type", "user_group", "status")
    chosen = {name: params[name] for name in names if params.get(name)}
    ids = tuple(str(one).strip() for one in params.get("ids") or [] if str(one).strip())
    return Selection(**chosen, identifiers=ids)


class AlmaConvertUsersOperator(StoreJob):
    """Converts users to INTERNAL or EXTERNAL: a list, or all that fit."""

    def execute(self, context: Context) -> dict[str, int]:
        """Convert, and give how many users were met, changed and refused."""
        from matchpoint.accounts.many import convert_all

        run, params = Run.of(context), dict(context["params"])
        selection = _selection(params)
        if selection.is_everybody:
            raise AirflowFailException("found neither ids nor a filter; expected one: this job never takes everybody")
        engine = self.open_store()
        try:
            done = convert_all(
                engine,
                selection,
                params["to"],
                self.act(run),
                external_id=params.get("external_id") or None,
                with_passwords=bool(params.get("passwords")),
                dry_run=run.dry_run,
            )
        except AccountError as error:
            raise AirflowFailException(f"{error} Nothing was converted.") from error
        if done.passwords:
            lines = (f"{who},{password}\n" for who, password in done.passwords.items())
            run.folder.path("one_time_passwords.csv").write_text("".join(lines), encoding="utf-8")
        sentence = f"{done.changed} of {done.met} users converted to {params['to']}."
        self.report(run, "Convert users", sentence, done.refused)
        return {"met": done.met, "changed": done.changed, "refused": len(done.refused)}


class AlmaPurgeUsersOperator(StoreJob):
    """Deletes users whose purge date has passed."""

    def execute(self, context: Context) -> dict[str, int]:
        """Purge, and give how many users were deleted and kept."""
        from matchpoint.accounts.purge import purge

        run, params = Run.of(context), dict(context["params"])
        done = purge(
            self.open_store(),
            self.act(run),
            as_of=run.due.date(),
            days_after=int(params.get("days_after") or 0),
            selection=_selection(params),
            dry_run=run.dry_run,
            forget=bool(params.get("forget")),
        )
        self.report(run, "Purge users", f"{done.deleted} users deleted, {len(done.kept)} kept.", done.kept)
        return {"deleted": done.deleted, "kept": len(done.kept)}


class AlmaReleaseProfileOperator(StoreJob):
    """Releases a profile that was stopped because too many of its rows were faulty."""

    def execute(self, context: Context) -> bool:
        """Release, and tell whether it was stopped."""
        from matchpoint.guard.records import release
        from matchpoint.store import writing

        run, code = Run.of(context), str(context["params"]["profile"])
        with writing(self.open_store()).begin() as connection:
            was_stopped = release(connection, code, self.act(run).actor, utcnow())
        said = f"{code} is released." if was_stopped else f"{code} was not stopped."
        self.report(run, "Release a profile", said, {})
        return was_stopped
