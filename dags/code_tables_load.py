"""Load Alma's code tables into a user store. Started by hand, when a code was added or removed in Alma.

From then on a row whose user group, identifier type and so on is not in its table is told, and rejected or loaded
without it, as its profile says under `checks`.
"""

from airflow.sdk import DAG

from matchpoint_airflow.dag_parts import store_job_arguments
from matchpoint_airflow.operators import AlmaLoadCodeTablesOperator

MANUAL = """\
### Load code tables

**What it does.** It reads every file in the folder of code tables (`MATCHPOINT_CODE_TABLES`, by default
`include/code_tables`), YAML or as Alma exports them, and replaces the tables of the same names in the user store.

**Is it safe to run again?** Yes. All files are read before the first table is replaced.

**When it failed.** The message names the file and what was expected in it. The store keeps the tables it had.
"""

with DAG(dag_id="code_tables_load", schedule=None, **store_job_arguments("Code tables: load", MANUAL)):
    AlmaLoadCodeTablesOperator(task_id="load_code_tables", store="{{ params.store }}")
