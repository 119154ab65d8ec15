"""Load what people still owe the library. Started by hand, or by whoever exports it from the library system.

From then on a leaver who owes something is held: the next step waits, and the person is on the clearance list.
"""

from airflow.sdk import DAG

from matchpoint_airflow.dag_parts import store_job_arguments
from matchpoint_airflow.operators import AlmaLoadObligationsOperator

MANUAL = """\
### Load obligations

**What it does.** It reads every CSV file in the folder of obligations (`MATCHPOINT_OBLIGATIONS`, by default
`include/obligations`) and notes by person what is owed: `identifier` (any of the person's), and any of `blocks`,
`loans`, `requests` (numbers) and `fines` (an amount). Together the files are all that is owed: who was named before
and is not named now owes nothing any more. What a user's own record says counts beside it.

**Is it safe to run again?** Yes. All files are read before anything is replaced.

**When it failed.** The message names file and line, and what was expected there. The store keeps what it had.
"""

with DAG(dag_id="obligations_load", schedule=None, **store_job_arguments("Obligations: load", MANUAL)):
    AlmaLoadObligationsOperator(task_id="load_obligations", store="{{ params.store }}")
