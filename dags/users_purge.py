"""Purge users: delete those whose purge date has passed. Started by hand, first as a dry run."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import store_job_arguments, user_filters
from matchpoint_airflow.operators import AlmaPurgeUsersOperator

MANUAL = """\
### Purge users

**What it does.** It deletes users whose purge date lies *Days after* days back or more. Expiry date and status do not
matter; a user without purge date is never purged. Users with loans, requests or an open balance are kept, and those
with a note that begins with NOSYNC. No other job of Matchpoint deletes anybody.

**Try it first.** *Dry run* is on: the report says how many it would be, and why others are kept.

**Is it safe to run again?** Yes. Who is deleted is gone; the history still holds the whole record, unless *Forget* is
on: then nothing of the person is left but that there was one.

**Where is the result?** Task `purge_users`, tab *Details*, link *Report*, with the list of those kept.

**When it failed.** Users are deleted in transactions of a thousand: clear the task, and it goes on where it stopped.
"""

PARAMS = {
    "days_after": Param(
        0, type="integer", minimum=0, title="Days after", description="How long ago the purge date must have been."
    ),
    **user_filters(),
    "forget": Param(False, type="boolean", title="Forget", description="Also delete their history."),
}

with DAG(dag_id="users_purge", schedule=None, **store_job_arguments("Users: purge", MANUAL, **PARAMS)):
    AlmaPurgeUsersOperator(task_id="purge_users", store="{{ params.store }}")
