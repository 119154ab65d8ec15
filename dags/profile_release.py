"""Release a profile: let one run again that was stopped because too many of its rows were faulty."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import store_job_arguments
from matchpoint_airflow.operators import AlmaReleaseProfileOperator

MANUAL = """\
### Release a profile

**What it does.** A run of which too many rows are faulty stops its profile: later runs are skipped, so that a broken
feed cannot do harm night after night. This job lets the profile run again.

**Before.** Look at the rejections of the run that stopped it, and have the feed or the profile mended.

**After.** Clear the run that failed, or wait for the next one.

**Is it safe to run again?** Yes; a profile that is not stopped stays as it is.

**When it failed.** The user store did not answer; nothing was released. Clear the task.
"""

PARAMS = {
    "profile": Param(
        None, type=["null", "string"], title="Profile", description="Code of the integration profile to release."
    )
}

with DAG(dag_id="profile_release", schedule=None, **store_job_arguments("Profiles: release", MANUAL, **PARAMS)):
    AlmaReleaseProfileOperator(task_id="release_profile", store="{{ params.store }}")
