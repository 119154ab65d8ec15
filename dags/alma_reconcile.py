"""Compare Alma with a profile's users in the store. Started by hand: before going live, and when in doubt."""

from airflow.sdk import DAG, Param

from matchpoint_airflow.dag_parts import watch_arguments
from matchpoint_airflow.operators import AlmaReconcileOperator

MANUAL = """\
### Alma: reconcile

**What it does.** It compares what Alma has of a profile's users with the store, and tells how many are the same,
which fields differ, who is missing in Alma, who is only there. *Source* `file`: put what Alma's job *Export users*
gave (XML or zip) into the folder of exports (`MATCHPOINT_EXPORTS`, by default `include/exports`), below it the
folder named as the profile; all files there together are Alma. *Source* `api`: all users are listed, 100 in a
request; where the day's requests run out but for the reserve, it waits for the next day and goes on.

**Try it first.** *Repair* is off: nothing is written. With *Repair*, who differs or is missing goes into the outbox
again, for the next delivery; who is the same but waits there is taken out of it. So the first delivery of a new
profile is only what differs. Who is in Alma only, internal, of another profile, twice, or has a note NOSYNC in Alma,
is listed and never touched.

**Is it safe to run again?** Yes.

**Where is the result?** Link *Report* of task `reconcile`: the numbers, and the list of people.

**When it failed.** The message says which file, or what Alma answered; nothing was repaired. Clear the task.
"""

PARAMS = {
    "profile": Param("", type="string", minLength=1, title="Profile", description="Code of the integration profile."),
    "source": Param("file", enum=["file", "api"], title="Source", description="Files of Export users, or the API."),
    "repair": Param(False, type="boolean", title="Repair", description="Off: only the report. On: mend the outbox."),
}

with DAG(dag_id="alma_reconcile", schedule=None, **watch_arguments("Alma: reconcile", MANUAL, **PARAMS)):
    AlmaReconcileOperator(task_id="reconcile", profile="{{ params.profile }}")
