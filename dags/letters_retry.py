"""Dead letters: have people tried again whom Alma did not take. Started by hand, first as a dry run."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import store_job_arguments, user_filters
from matchpoint_airflow.operators import AlmaRetryLettersOperator

MANUAL = """\
### Dead letters: try again

**What it does.** A person whom Alma did not take becomes a dead letter, which says why. It is tried again by itself
when the person changes here. When you have mended the cause in Alma, or in the profile, this has the next delivery
try those people again as they are: all, those of a *Profile*, those with some *Codes*.

**Try it first.** *Dry run* is on: the report counts them by code, with what each means and what to do.

**Is it safe to run again?** Yes. Whom Alma still does not take is a dead letter again, with one attempt more.

**Where is the result?** Task `retry_letters`, tab *Details*, link *Report*. Then trigger the profile's DAG
*deliver to Alma*, or wait for it.

**When it failed.** Clear the task.
"""

PARAMS = {
    "profile": user_filters()["profile"],
    "codes": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Codes",
        description="Only these codes, as the report of a delivery tells them. Empty: all.",
    ),
    "dry_run": user_filters()["dry_run"],
}

with DAG(dag_id="letters_retry", schedule=None, **store_job_arguments("Dead letters: try again", MANUAL, **PARAMS)):
    AlmaRetryLettersOperator(task_id="retry_letters", store="{{ params.store }}")
