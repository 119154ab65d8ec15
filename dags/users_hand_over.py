"""Hand users over: of people in several profiles, to the role that comes next. Started by hand."""

from airflow.sdk import DAG

from matchpoint_airflow.dag_parts import store_job_arguments, user_filters
from matchpoint_airflow.operators import AlmaHandOverUsersOperator

MANUAL = """\
### Hand users over

**What it does.** A person in several profiles, such as a working student, whose one role has ended goes on in the
others: user group, owner, expiry date and the rest follow from them. The next synchronize of one of the profiles does
that by itself when the person is in its file; this job does it for files that hold only changes, or no longer come.

**Try it first.** *Dry run* is on: the report says how many it would be.

**Is it safe to run again?** Yes. Who is handed over has nothing left to be handed over.

**Where is the result?** Task `hand_over_users`, tab *Details*, link *Report*, with the list of those who stay as they
are because somebody else has an identifier that they would get: merge the two users, and run it again.

**When it failed.** Users are written in transactions of a thousand: clear the task, and it goes on where it stopped.
"""

PARAMS = {"dry_run": user_filters()["dry_run"]}

with DAG(dag_id="users_hand_over", schedule=None, **store_job_arguments("Users: hand over", MANUAL, **PARAMS)):
    AlmaHandOverUsersOperator(task_id="hand_over_users", store="{{ params.store }}")
