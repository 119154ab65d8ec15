"""Identity review: list and answer proposals that a new person is one who is known. Started by hand."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import store_job_arguments
from matchpoint_airflow.operators import AlmaReviewIdentityOperator

MANUAL = """\
### Identity review

**What it does.** A synchronize that meets a new person who looks like a known one makes a proposal. Without params
this job lists those that wait, both records side by side. With *Proposals* and *Decision* it answers them first:

* **accepted**: the two are one. The known user gets the row's primary id and identifiers, and the next run finds
  the user by them. If the row has got an account of its own already, the two are merged.
* **declined**: the two are two. They are not proposed again; a person who was held back gets an account in the next
  run.

**Is it safe to run again?** Yes. An answer given twice is given once. A decline is for good, and what is accepted
cannot be taken back by this job: the history has both records whole.

**Where is the result?** Task `review_identity`, tab *Details*, link *Report*; the list is the file `review.csv` that
the report names, behind the login.

**When it failed.** The message says which param is wrong; nothing was changed. Proposals that could not be answered
do not fail the task: they are listed in the report with the reason.
"""

PARAMS = {
    "proposals": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Proposals",
        description="Numbers from the list, one a line. Empty: only list.",
    ),
    "decision": Param(
        None,
        type=["null", "string"],
        enum=[None, "accepted", "declined"],
        title="Decision",
        description="The answer to all of them.",
    ),
    "profile": Param(None, type=["null", "string"], title="Profile", description="List only those of this profile."),
}

with DAG(dag_id="identity_review", schedule=None, **store_job_arguments("Identity: review", MANUAL, **PARAMS)):
    AlmaReviewIdentityOperator(task_id="review_identity", store="{{ params.store }}")
