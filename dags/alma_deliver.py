"""Deliver to Alma: one DAG per profile with destinations.

When a plan was applied, and on a schedule. Whoever is not as Alma has them goes there, by the door that suits.
"""

from airflow.sdk import DAG, chain

from matchpoint.profile import Profile, load_profiles
from matchpoint.profile.destinations import Destinations
from matchpoint_airflow.delivery_parts import delivery_arguments, delivery_schedule
from matchpoint_airflow.operators import (
    AlmaDeliverByApiOperator,
    AlmaDeliveryReportOperator,
    AlmaJobSensor,
    AlmaPlanDeliveryOperator,
    AlmaStartJobOperator,
    AlmaTakeAnswersOperator,
    AlmaUploadFilesOperator,
    AlmaWriteFilesOperator,
)
from matchpoint_airflow.settings import profiles_folder


def alma_deliver(profile: Profile, to: Destinations) -> DAG:
    """Plan, deliver by one of the doors, report. The first task behind each door skips itself at the other."""
    of = {"profile": profile.code}
    with DAG(schedule=delivery_schedule(profile, to), **delivery_arguments(profile, to)) as dag:
        plan = AlmaPlanDeliveryOperator(task_id="plan_delivery", **of)
        report = AlmaDeliveryReportOperator(
            task_id="report_delivery", trigger_rule="none_failed_min_one_success", **of
        )
        if to.alma_api:
            chain(plan, AlmaDeliverByApiOperator(task_id="deliver_by_api", **of), report)
        if to.alma_sftp:
            write = AlmaWriteFilesOperator(task_id="write_files", **of)
            upload = AlmaUploadFilesOperator(task_id="upload_files", **of)
            start = AlmaStartJobOperator(task_id="start_job", **of)
            wait = AlmaJobSensor(task_id="await_job", **of)
            answers = AlmaTakeAnswersOperator(task_id="take_answers", **of)
            chain(plan, write, upload, start, wait, answers, report)
    return dag


for profile in load_profiles(profiles_folder()).good:
    if profile.destinations:
        globals()[f"alma_deliver__{profile.code}"] = alma_deliver(profile, profile.destinations)
