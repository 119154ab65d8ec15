"""Convert users between INTERNAL and EXTERNAL, a list or all that fit. Started by hand, first as a dry run."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import store_job_arguments, user_filters
from matchpoint_airflow.operators import AlmaConvertUsersOperator

MANUAL = """\
### Convert users

**What it does.** INTERNAL users are the library's own and sign in with a password kept here; EXTERNAL ones belong to
an integration profile and are overwritten by it. This changes the account type of the users that you list, or of all
that fit the filters; nothing else of them changes. A user made internal is no longer updated by any load: its rows
are rejected, "User is not external". With *One-time passwords* the new internal users can sign in at once.

**Try it first.** *Dry run* is on: the report says how many it would be.

**Is it safe to run again?** Yes. Users who are of the wanted type already are left alone.

**Where is the result?** Task `convert_users`, tab *Details*, link *Report*. One-time passwords are in
`one_time_passwords.csv` in the run folder and nowhere else: hand them out, then delete the file.

**When it failed.** The message says what was missing; nothing was converted in the transaction that failed, and the
job goes on where it stopped.
"""

PARAMS = {
    "to": Param("INTERNAL", enum=["INTERNAL", "EXTERNAL"], title="Convert to", description="The new account type."),
    "ids": Param(
        [],
        type=["array", "null"],
        items={"type": "string"},
        title="Users",
        description="Any identifiers, one a line.",
    ),
    **user_filters(),
    "external_id": Param(
        None,
        type=["null", "string"],
        title="New profile",
        description="For EXTERNAL: the profile they will belong to.",
    ),
    "passwords": Param(
        False, type="boolean", title="One-time passwords", description="For INTERNAL: make one for each."
    ),
}

with DAG(dag_id="users_convert", schedule=None, **store_job_arguments("Users: convert", MANUAL, **PARAMS)):
    AlmaConvertUsersOperator(task_id="convert_users", store="{{ params.store }}")
