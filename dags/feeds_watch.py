"""Watch for extracts that did not arrive: every quarter of an hour, for each profile that says `expected_by`."""

from airflow.sdk import DAG

from matchpoint_airflow.dag_parts import watch_arguments
from matchpoint_airflow.operators import SisWatchFeedsOperator

MANUAL = """\
### Watch feeds

**What it does.** When the time of day that a profile calls `expected_by` has passed, and no extract of it was applied
or planned since midnight (where the profile's clocks stand), it sends one notice a day by e-mail or webhook.

**Is it safe to run again?** Yes. A notice that was sent is noted in the user store and not sent again that day.

**When it failed.** The message names the profile and what did not answer: its user store, or the server that should
have taken the notice. The next run tries again.
"""

with DAG(dag_id="feeds_watch", schedule="*/15 * * * *", **watch_arguments("Feeds: watch", MANUAL)):
    SisWatchFeedsOperator(task_id="watch_feeds")
