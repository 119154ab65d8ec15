"""What the DAGs that deliver to Alma have in common: their arguments, schedule and staff manual."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable

from matchpoint.profile import Profile
from matchpoint.profile.destinations import Destinations
from matchpoint_airflow.dag_parts import users_asset
from matchpoint_airflow.retry import RETRY_CONNECTIONS


def delivery_schedule(profile: Profile, to: Destinations) -> AssetOrTimeSchedule:
    """Give when a profile is delivered: when a plan was applied, and by the clock, for what else has changed."""
    cron = CronTriggerTimetable(to.schedule, timezone=profile.timezone, run_immediately=timedelta(0))
    return AssetOrTimeSchedule(timetable=cron, assets=[users_asset(profile)])


def delivery_arguments(profile: Profile, to: Destinations) -> dict[str, Any]:
    """Give the arguments of the DAG that delivers a profile's users to Alma."""
    doors = {"the REST API": to.alma_api, "files for Alma's SIS job": to.alma_sftp}
    return {
        "dag_id": f"alma_deliver__{profile.code}",
        "dag_display_name": f"{profile.name}: deliver to Alma",
        "description": f"Brings what changed of {profile.name} to Alma",
        "catchup": False,
        "max_active_runs": 1,
        "default_args": RETRY_CONNECTIONS,
        "tags": ["matchpoint", "deliver", profile.code],
        "doc_md": _DELIVERY.format(
            name=profile.name, doors=" or ".join(name for name, door in doors.items() if door)
        ),
    }


_DELIVERY = """\
### {name}: deliver to Alma

**What it does.** Users who changed in the user store, whoever changed them, go to Alma by {doors}. What the library
owns in Alma stays: roles, internal segments, passwords. It says beforehand how long it will take, in how many nights.

**Is it safe to run again?** Yes, always. Who is delivered is not sent again, and a write whose answer was lost is
looked up first. Nobody is made twice.

**Where is the result?** Task `report_delivery`, tab *Details*, link *Report*: how many were created, updated, there
already, and the dead letters: people whom Alma did not take, with the reason and what to do. They are tried again
when they change, or by the DAG *Dead letters: try again*.

**When it failed**

| task | what it means | what to do |
|---|---|---|
| `plan_delivery` skipped | nobody is due | nothing |
| `plan_delivery` | Alma or the store do not answer, or the key is refused | the message says which; clear the task |
| `deliver_by_api` | Alma stopped answering; who was delivered is noted | clear the task: it goes on |
| `upload_files` | the server does not answer, or Alma has no such job | the message says which; clear the task |
| `start_job`, `await_job` | Alma's job does not start, or end, in time | see the job in Alma; clear the task |
| `take_answers` | Alma's job failed, or its counts do not add up | the message says why; start a new run |
| `report_delivery` | the store failed | clear the task |
"""
