"""Answer proposals about people who may be known already, and list those that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.timezone import utcnow

from matchpoint.errors import AccountError, MatchpointError
from matchpoint_airflow.operators.users import StoreJob
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from matchpoint.accounts.store import Act


class AlmaReviewIdentityOperator(StoreJob):
    """Accepts or declines the proposals of the run's params, and writes the list of those still open."""

    def execute(self, context: Context) -> dict[str, int]:
        """Answer, list, and give how many were answered, refused, and are open."""
        from matchpoint.identity.listing import FILE, write_review
        from matchpoint.identity.proposals import open_proposals

        run, params = Run.of(context), dict(context["params"])
        numbers, decision = _numbers(params), params.get("decision")
        if bool(numbers) != bool(decision):
            raise AirflowFailException(
                "params: found proposals or a decision without the other; expected both, or none for the list alone. "
                "Nothing was changed."
            )
        engine = self.open_store()
        refused = _answer(engine, numbers, str(decision), _act(context, run)) if numbers else {}
        waiting = open_proposals(engine, profile=params.get("profile") or None)
        write_review(run.folder, waiting)
        done = len(numbers) - len(refused)
        told = f"{done} of {len(numbers)} proposals {decision}. " if numbers else ""
        self.report(run, "Identity review", f"{told}{len(waiting)} proposals wait for an answer.", refused, FILE)
        return {"answered": done, "refused": len(refused), "open": len(waiting)}


def _numbers(params: dict[str, Any]) -> list[int]:
    given = [str(one).strip() for one in params.get("proposals") or [] if str(one).strip()]
    if wrong := [one for one in given if not one.isdecimal()]:
        raise AirflowFailException(
            f"params.proposals: found {len(wrong)} that are no numbers; expected those of the column proposal in the "
            "list. Nothing was changed."
        )
    return list(dict.fromkeys(int(one) for one in given))


def _act(context: Context, run: Run) -> Act:
    """Say in the history and on the proposal who answered: the person who started the run, where Airflow tells."""
    from matchpoint.accounts.store import Act

    dag_run = context["dag_run"]
    who = getattr(dag_run, "triggering_user_name", None)
    return Act(actor=f"{dag_run.dag_id} {who}" if who else dag_run.dag_id, now=utcnow(), run_id=run.id)


def _answer(engine: Engine, numbers: list[int], decision: str, act: Act) -> dict[str, str]:
    """Answer proposals one by one; gives by proposal why it was refused."""
    from matchpoint.identity.answer import accept, decline

    refused = {}
    for number in numbers:
        try:
            if decision == "accepted":
                accept(engine, number, act, old_primary_id_as=_old_primary_id_as(engine, number))
            else:
                decline(engine, number, act)
        except AccountError as error:
            refused[f"proposal {number}"] = str(error)
    return refused


def _old_primary_id_as(engine: Engine, number: int) -> str | None:
    """Ask the profile of a proposal under which identifier type an old primary id is kept."""
    from matchpoint.identity.proposals import profile_of_proposal

    code = profile_of_proposal(engine, number)
    try:
        return profile_of(code).identity.old_primary_id_as if code else None
    except MatchpointError as error:
        raise AirflowFailException(f"{error} Proposal {number} was not answered.") from error
