"""Read Alma's code tables by its API, and review the codes that profiles use. Every night before the loads."""

from airflow.sdk import DAG

from matchpoint_airflow.dag_parts import watch_arguments
from matchpoint_airflow.operators import AlmaRefreshCodeTablesOperator

MANUAL = """\
### Code tables: refresh

**What it does.** For every profile that is delivered to Alma it reads Alma's code tables by the API, replaces those
in the user store, and lists the codes that the profile uses and Alma lacks: those named in its mapping, and those
that came in rows and got the profile's default (`defaults`). Record types of codes that were loaded from files stay.

**What to do with the list.** Add the code in Alma, or mend the crosswalk. The next synchronize then reads every row
anew, and all people who had the default get the code.

**Is it safe to run again?** Yes. All tables are read before the first is replaced.

**Where is the result?** Link *Report* of task `refresh_code_tables`.

**When it failed.** The message says what Alma answered; the key needs the area Configuration with read. The store
keeps the tables it had. Clear the task.
"""

with DAG(dag_id="code_tables_refresh", schedule="0 2 * * *", **watch_arguments("Code tables: refresh", MANUAL)):
    AlmaRefreshCodeTablesOperator(task_id="refresh_code_tables")
