"""Import: the first load of new people from SIS extracts. One DAG per profile with an active import.

By hand, or on a term-start schedule. It looks for no matches: a row is created or rejected.
"""

from airflow.sdk import DAG, chain

from matchpoint.profile import Profile, load_profiles
from matchpoint_airflow.dag_parts import dag_arguments, schedule_of, users_asset
from matchpoint_airflow.operators import (
    AlmaApplyPlanOperator,
    AlmaAskApprovalOperator,
    AlmaGuardPlanOperator,
    AlmaMatchUsersOperator,
    AlmaTransformUsersOperator,
    AlmaWriteReportOperator,
    SisCheckConnectionOperator,
    SisCheckFeedOperator,
    SisFetchExtractsOperator,
    SisMarkHandledOperator,
)
from matchpoint_airflow.settings import profiles_folder


def sis_import(profile: Profile) -> DAG:
    """SFTP, fetch, feed health, transform, match, apply, report, and only then mark the files as handled."""
    of = {"profile": profile.code, "mode": "import"}
    with DAG(schedule=schedule_of(profile, "import"), **dag_arguments(profile, "import")) as dag:
        connection = SisCheckConnectionOperator(task_id="check_connection", **of)
        extracts = SisFetchExtractsOperator(task_id="fetch_extracts", **of)
        health = SisCheckFeedOperator(task_id="check_feed", **of)
        users = AlmaTransformUsersOperator.partial(
            task_id="transform_users", map_index_template="{{ task.file_name }}", **of
        ).expand(extract=extracts.output)
        plan = AlmaMatchUsersOperator(task_id="match_users", **of)
        guard = AlmaGuardPlanOperator(task_id="guard_plan", **of)
        apply = AlmaApplyPlanOperator(task_id="apply_plan", outlets=[users_asset(profile)], **of)
        report = AlmaWriteReportOperator(task_id="write_report", trigger_rule="none_failed_min_one_success", **of)
        ask = AlmaAskApprovalOperator(task_id="ask_approval", **of)
        handled = SisMarkHandledOperator(task_id="mark_handled", **of)

        chain(connection, extracts, health, users, plan, guard, apply, report, [ask, handled])
        chain(guard, report)  # a dry run skips apply_plan and still gets its report
        chain(apply, handled)  # ... and leaves the files on the server
    return dag


for profile in load_profiles(profiles_folder()).with_active("import"):
    globals()[f"sis_import__{profile.code}"] = sis_import(profile)
