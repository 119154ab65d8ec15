"""Undo: take back what a run did, to everybody, to one person or in one field. By hand, first as a dry run."""

from airflow.sdk import DAG, Param, chain

from matchpoint_airflow.dag_parts import store_job_arguments
from matchpoint_airflow.operators import AlmaApplyUndoOperator, AlmaPlanUndoOperator

MANUAL = """\
### Undo

**What it does.** It takes changes back: those of a whole run, of a run for one person or one field, or, without a
run, a person's last change. Users that the run made go, those that it deleted come back. What somebody else changed
since stays; a user with loans, requests or a balance is not deleted; an identifier that somebody has taken is left.

**It does not mend the feed.** The next synchronize with the same extract changes the users so again: mend the extract
or the profile first, or switch its DAG off.

**Try it first.** *Dry run* is on: the report says how many it would be, and why others are left.

**Is it safe to run again?** Yes. Who is treated is passed over. An undo is a run, too: to take it back, undo it.

**Where is the result?** Task `plan_undo`, tab *Details*, link *Report*, with lists of what is taken back and of those
left.

**When it failed.** Over the limit: nothing was written; look at the report, then raise the limit or force it. Else
clear the task: it goes on where it stopped.
"""

TEXT = {"type": ["null", "string"]}
PARAMS = {
    "run": Param(
        None, **TEXT, title="Run", description="Its id, as at the foot of its report: DAG id, slash, run id."
    ),
    "identifier": Param(None, **TEXT, title="Person", description="Any identifier. Empty: everybody in the run."),
    "field": Param(
        None, **TEXT, title="Field", description="Alma's name of one field or segment, such as last_name."
    ),
    "limit_users": Param(
        1_000, type="integer", minimum=0, title="Most users", description="Over so many users it stops."
    ),
    "limit_percent": Param(
        10, type="integer", minimum=0, maximum=100, title="Most of all users", description="Over this share it stops."
    ),
    "force": Param(False, type="boolean", title="Force", description="Do it over the limits."),
    "dry_run": Param(
        True, type="boolean", title="Dry run", description="Only say what would be done. Switch it off to do it."
    ),
}

with DAG(dag_id="runs_undo", schedule=None, **store_job_arguments("Runs: undo", MANUAL, **PARAMS)):
    plan = AlmaPlanUndoOperator(task_id="plan_undo", store="{{ params.store }}")
    apply = AlmaApplyUndoOperator(task_id="apply_undo", store="{{ params.store }}")
    chain(plan, apply)
