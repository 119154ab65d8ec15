"""Judge the plan of a run, and ask a person where it goes beyond the profile's limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint.guard.verdict import Answer, Judgement
from matchpoint.profile import Mode
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import PlanLink, ReportLink
from matchpoint_airflow.notices import hold_notifiers
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.operators.report import write_plan_page, write_report
from matchpoint_airflow.run import Run, note_asked_by, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context

APPROVAL_DAG = "plan_approve"


class AlmaGuardPlanOperator(ProfileOperator):
    """Judges the plan by the profile's limits, and writes the page on which a person can read it.

    Nothing is written to users. A plan with too many faulty rows stops the profile, and fails, with its report.
    """

    operator_extra_links = (PlanLink(), ReportLink())

    def execute(self, context: Context) -> dict[str, Any]:
        """Judge, and give what waits and how many limits were reached."""
        from matchpoint.apply_plan import apply_nothing
        from matchpoint.guard.judge import guard_plan

        run, profile = Run.of(context), profile_of(self.profile)
        found = guard_plan(run.folder, UserStoreHook(profile.store).get_conn(), profile, now=utcnow())
        write_plan_page(run, profile, found)
        for trip in found.trips:
            self.log.warning("%s", trip.text)
        if found.quarantine and not run.dry_run:
            apply_nothing(run.folder)
            write_report(run, profile)  # it has the rejections, without which nobody could mend anything
            raise AirflowFailException(
                f"profile {profile.code}: {found.quarantine}. Nothing was written, and the profile is stopped. Have "
                "the feed or the profile mended, release it with the DAG profile_release, then clear this run."
            )
        return {"parked": found.parked, "limits_reached": len(found.trips)}


class AlmaAskApprovalOperator(Guarded, TriggerDagRunOperator):
    """Starts the run in which a person answers, where something waits; so the next night need not wait, too.

    :param profile: code of the integration profile.
    :param mode: ``import`` or ``synchronize``.
    """

    template_fields: Sequence[str] = ("profile", "mode")
    operator_extra_links = (PlanLink(),)
    ui_color = "#f8f0e8"

    def __init__(self, *, profile: str, mode: Mode, **kwargs: Any) -> None:
        super().__init__(
            trigger_dag_id=APPROVAL_DAG,
            logical_date=None,
            skip_when_already_exists=True,
            openlineage_inject_parent_info=False,
            **kwargs,
        )
        self.profile = profile
        self.mode = mode

    def execute(self, context: Context) -> None:
        """Start it, or skip."""
        run, dag_run = Run.of(context), context["dag_run"]
        judged = Judgement.read(run.folder)
        if run.dry_run or judged is None or not judged.asks:
            raise AirflowSkipException("nothing waits for an answer")
        plan = str(run.folder.read_json("plan.json")["sha256"])[:8]
        self.trigger_run_id = f"{dag_run.dag_id}__{dag_run.run_id}__{plan}"
        about = {"about_dag": dag_run.dag_id, "about_run": dag_run.run_id}
        self.conf = {"profile": self.profile, "mode": self.mode, **about}
        super().execute(context)


class PlanApprovalOperator(Guarded, HITLOperator):
    """Asks a person about what waits of a plan: all, all but the removals, or nothing of it.

    A question that was superseded by a later run is not asked. The answer is kept in the user store with the name of
    who gave it. Without an answer in time it counts as "Reject": nobody is removed because nobody looked.

    :param profile: code of the integration profile.
    """

    template_fields: Sequence[str] = ("subject", "body", "profile")
    options: list[str]
    operator_extra_links = (PlanLink(),)

    def __init__(self, *, profile: str, **kwargs: Any) -> None:
        options = [Answer.APPROVE.value, Answer.WITHOUT_REMOVALS.value, Answer.REJECT.value]
        super().__init__(subject="A plan", options=options, defaults=Answer.REJECT.value, **kwargs)
        self.profile = profile

    def execute(self, context: Context) -> Any:
        """Ask, and wait."""
        from matchpoint.guard.records import answer_of
        from matchpoint.plan import read_summary
        from matchpoint.report.plan import render_question

        note_asked_by(context)
        run, profile = Run.of(context), profile_of(self.profile)
        with UserStoreHook(profile.store).get_conn().connect() as connection:
            answer, by, _ = answer_of(connection, run.id)
        judged = Judgement.read(run.folder)
        if answer or judged is None:
            self.log.warning("not asked: the answer is %s, by %s", answer, by)
            return str(answer)
        self.subject, self.body = render_question(read_summary(run.folder), judged, profile.name)
        self.response_timeout = timedelta(hours=profile.guard.answer_hours)
        self.notifiers = hold_notifiers(profile, context["params"]["mode"])
        if "leave" not in judged.parked:
            self.options = [Answer.APPROVE.value, Answer.REJECT.value]
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Keep the answer, and give the one that holds."""
        from matchpoint.guard.records import note_answer
        from matchpoint.store import writing

        chosen = super().execute_complete(context, event)
        run, profile = Run.of(context), profile_of(self.profile)
        who = (chosen["responded_by_user"] or {}).get("name") or "nobody in time"
        with writing(UserStoreHook(profile.store).get_conn()).begin() as connection:
            held = note_answer(connection, run.id, chosen["chosen_options"][0], who, utcnow())
        self.log.info("%s, by %s", held, who)
        return held.value
