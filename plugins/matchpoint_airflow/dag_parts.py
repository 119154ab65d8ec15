"""What the DAGs have in common: their arguments, the params of the trigger form, the staff manual."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, Param

from matchpoint.profile import Mode, Profile
from matchpoint_airflow.notices import keep_failure, run_callbacks
from matchpoint_airflow.retry import RETRY_CONNECTIONS


def dag_arguments(profile: Profile, mode: Mode) -> dict[str, Any]:
    """Give the arguments of the DAG for one profile and mode."""
    return {
        "dag_id": f"sis_{mode}__{profile.code}",
        "dag_display_name": f"{profile.name}: {mode}",
        "description": profile.description or f"{mode} of {profile.name}",
        "catchup": False,
        "max_active_runs": 1,
        "default_args": RETRY_CONNECTIONS | ({"on_failure_callback": keep_failure} if profile.notices else {}),
        "params": _params(),
        "tags": ["matchpoint", mode, profile.code],
        "doc_md": manual(profile, mode),
        **run_callbacks(profile, mode),
    }


def user_filters() -> dict[str, Param]:
    """Give the params that say which users a job takes; what is left empty says nothing."""
    text = {"type": ["null", "string"]}
    return {
        "profile": Param(None, **text, title="Profile", description="Only users of this integration profile."),
        "record_type": Param(
            None,
            type=["null", "string"],
            enum=[None, "PUBLIC", "STAFF", "CONTACT"],
            title="Record type",
            description="Only users of this record type.",
        ),
        "user_group": Param(None, **text, title="User group", description="Only users of this group, by its code."),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="Only say what would be done. Switch it off to do it.",
        ),
    }


def store_job_arguments(name: str, doc_md: str, **params: Param) -> dict[str, Any]:
    """Give the arguments of a DAG that is started by hand and works on one user store."""
    store = Param(
        "user_store",
        type="string",
        minLength=1,
        title="User store",
        description="Connection id of the user store.",
    )
    return {
        "dag_display_name": name,
        "catchup": False,
        "max_active_runs": 1,
        "default_args": RETRY_CONNECTIONS,
        "params": {"store": store, **params},
        "tags": ["matchpoint", "user store"],
        "doc_md": doc_md,
    }


def approval_arguments() -> dict[str, Any]:
    """Give the arguments of the DAG in which a person answers the question of another run.

    It is never paused: a run that asks must find it waiting. Questions of several profiles wait side by side.
    """
    of_run = {"type": "string", "minLength": 1}
    return {
        "dag_display_name": "Plans: approve",
        "description": "A run went beyond the limits of its profile: a person says what becomes of it",
        "is_paused_upon_creation": False,
        "catchup": False,
        "max_active_runs": 100,
        "default_args": RETRY_CONNECTIONS,
        "params": {
            "profile": Param("", **of_run, title="Profile", description="Code of the integration profile."),
            "mode": Param("synchronize", enum=["import", "synchronize"], title="Mode"),
            "about_dag": Param("", **of_run, title="DAG of the run that asks"),
            "about_run": Param("", **of_run, title="Run that asks"),
        },
        "tags": ["matchpoint", "approval"],
        "doc_md": _APPROVAL,
    }


_APPROVAL = """\
### Approve a plan

**What it does.** A run that would do more than its profile allows has done the rest, and asks here about what it left
out. Task `answer`, *Required Actions*: the reasons, how many people it is about, and the link *Plan* to all of it.

| answer | what happens |
|---|---|
| Approve all | what waits is applied, as it was planned |
| Approve without the removals | what waits is applied, nobody is removed |
| Reject | nothing more is applied |

Who answered is kept. **Unanswered** it counts as *Reject*. **Superseded**: a later synchronize of the profile asks
anew; then the answer here changes nothing. A user who was changed meanwhile is not overwritten: that is a conflict.

**Is it safe to run again?** Yes. An answer holds once it is given; what was applied is not applied twice.
"""


def watch_arguments(name: str, doc_md: str, **params: Param) -> dict[str, Any]:
    """Give the arguments of a DAG that looks after the others on a schedule of its own."""
    return {
        "dag_display_name": name,
        "catchup": False,
        "max_active_runs": 1,
        "default_args": RETRY_CONNECTIONS,
        "params": params,
        "tags": ["matchpoint", "housekeeping"],
        "doc_md": doc_md,
    }


def schedule_of(profile: Profile, mode: Mode) -> CronTriggerTimetable | None:
    """Give the schedule of the DAG for one profile and mode, in the profile's time zone; None is by hand.

    A DAG that is switched on waits for its next time. Airflow's default, with a start date, would at once run the
    last time that was missed: an import, months after the start of term.
    """
    action = profile.action(mode)
    if action is None or action.schedule is None:
        return None
    return CronTriggerTimetable(action.schedule, timezone=profile.timezone, run_immediately=timedelta(0))


def users_asset(profile: Profile) -> Asset:
    """Give the asset that stands for the users of a profile; applying a plan updates it."""
    return Asset(name=f"matchpoint_users__{profile.code}", uri=f"matchpoint://users/{profile.store}/{profile.code}")


def _params() -> dict[str, Param]:
    return {
        "only_file": Param(
            None,
            type=["null", "string"],
            title="Only this file",
            description="Name of one file in the profile's folder. Empty: every new and complete file.",
        ),
        "dry_run": Param(
            False,
            type="boolean",
            title="Dry run",
            description="Make the plan and the report, write nothing, leave the files on the server.",
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As-of date",
            description="The day the run works for. Empty: the day the run was due.",
        ),
    }


_MODES = {
    "import": (
        "creates the people in the extracts as new users. It looks for no matches and updates nobody: a row whose "
        "identifier is already taken is rejected."
    ),
    "synchronize": (
        "brings users in step with the extracts: it finds each by match point, updates those that changed and "
        "{unmatched} those it does not find."
    ),
}

_MANUAL = """\
### {name}: {mode}

{description}

**What it does.** It {does}
Files come from `{path}` (`{pattern}`) over the connection `{connection}`, users live in
the store `{store}`.

**Is it safe to run again?** Yes, always: clear any task, or the whole run. Rows that a run has applied are not
applied twice, and a file that was applied is not taken again.

**Try it first.** Trigger it with *Dry run*: plan and report, nothing written.

**Where is the result?** Task `write_report`, tab *Details*, link *Report*: every row of every file is accounted for.
Rows that did not go through are in a rejections file; mend it and put it back into `{path}`.

**It waits for an answer?** What goes beyond the profile's limits waits under *Required Actions* of the DAG
`plan_approve`; all else is done. The link *Plan* of task `guard_plan` shows whom it is about.

**When it failed**

| task | what it means | what to do |
|---|---|---|
| `check_connection` | server or store do not answer | the message names which; nothing was fetched |
| `fetch_extracts` | a file is empty, cut off, a bad zip, or lacks its other file | have it sent, then clear the run |
| `fetch_extracts` skipped | no new and complete file | nothing; ask the SIS if one was due |
| `check_feed` | a file is not as it should be; nothing was written | have it sent, then clear the run |
| `transform_users` | a file cannot be read; nothing was written | the message says where and why; clear the run |
| `guard_plan` | too many faulty rows: the profile is stopped | have it mended, run `profile_release`, clear the run |
| `match_users`, `apply_plan` | the store failed; rows are whole or not at all | clear the task |
| `mark_handled` | all is applied, only the rename failed | clear the task |
"""


def manual(profile: Profile, mode: Mode) -> str:
    """Give the staff manual of a DAG."""
    action = profile.action(mode)
    unmatched = {"create": "creates", "skip": "skips"}[getattr(action, "unmatched", "create")]
    return _MANUAL.format(
        name=profile.name,
        mode=mode,
        description=profile.description,
        does=_MODES[mode].format(unmatched=unmatched),
        path=action.path if action else "",
        pattern=action.pattern if action else "",
        connection=profile.connection,
        store=profile.store,
    )
