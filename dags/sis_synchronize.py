"""Synchronize: the recurring load. One DAG per profile with an active synchronize.

On its schedule. By match point, a row is created, updated, unchanged, skipped, rejected or a conflict.
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


def sis_synchronize(profile: Profile) -> DAG:
    """SFTP, fetch, feed health, transform, match, apply, report, and only then mark the files as handled."""
    of = {"profile": profile.code, "mode": "synchronize"}
    with DAG(schedule=schedule_of(profile, "synchronize"), **dag_arguments(profile, "synchronize")) as dag:
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


for profile in load_profiles(profiles_folder()).with_active("synchronize"):
    globals()[f"sis_synchronize__{profile.code}"] = sis_synchronize(profile)
