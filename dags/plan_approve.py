"""Approve a plan: a person says what becomes of the part of a run that went beyond the profile's limits."""

from airflow.sdk import DAG, chain

from matchpoint_airflow.dag_parts import approval_arguments
from matchpoint_airflow.operators import AlmaApplyPlanOperator, AlmaWriteReportOperator, PlanApprovalOperator
from matchpoint_airflow.operators.guard import APPROVAL_DAG

OF = {"profile": "{{ params.profile }}", "mode": "{{ params.mode }}"}

with DAG(dag_id=APPROVAL_DAG, schedule=None, **approval_arguments()):
    answer = PlanApprovalOperator(task_id="answer", profile="{{ params.profile }}")
    apply = AlmaApplyPlanOperator(task_id="apply_plan", **OF)
    report = AlmaWriteReportOperator(task_id="write_report", **OF)

    chain(answer, apply, report)
