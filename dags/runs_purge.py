"""Delete what runs keep of people, past its clock: every week."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import watch_arguments
from matchpoint_airflow.operators import AlmaPurgeRunsOperator

MANUAL = """\
### Purge runs

**What it does.** Every run leaves extracts, users, plans and rejections files in its run folder, and planned
changes in the user store. This deletes them when they are older than `retention.extracts_days` of their profile, or
else than *Days for extracts*. Receipt and report, which hold nobody's data, stay until `run_days`. A run that waits
for approval stays whole. Users and their history are not touched: see *Users: purge*.

**Try it first.** Trigger it with *Dry run*: the report says how much would go.

**Is it safe to run again?** Yes. But a run whose extracts are gone cannot be repeated, replayed or undone from them.

**Where is the result?** Task `purge_runs`, tab *Details*, link *Report*.

**When it failed.** Clear the task: it goes on where it stopped.
"""

PARAMS = {
    "extracts_days": Param(
        90, type="integer", minimum=1, title="Days for extracts", description="For profiles without `retention`."
    ),
    "run_days": Param(
        365, type="integer", minimum=1, title="Days for reports", description="For profiles without `retention`."
    ),
    "dry_run": Param(
        False, type="boolean", title="Dry run", description="Only say how much would be deleted. Nothing is touched."
    ),
}

with DAG(dag_id="runs_purge", schedule="0 3 * * 0", **watch_arguments("Runs: purge", MANUAL, **PARAMS)):
    AlmaPurgeRunsOperator(task_id="purge_runs")
