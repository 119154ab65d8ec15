"""Operators: each opens, calls one function of the library, saves, and gives paths and counts.

What is heavy to import (pandas, pyarrow, paramiko) is imported when a task runs, not when a DAG is parsed.
"""

from matchpoint_airflow.operators.apply import AlmaApplyPlanOperator
from matchpoint_airflow.operators.check import SisCheckConnectionOperator
from matchpoint_airflow.operators.code_tables import AlmaLoadCodeTablesOperator
from matchpoint_airflow.operators.feeds import SisWatchFeedsOperator
from matchpoint_airflow.operators.fetch import SisFetchExtractsOperator
from matchpoint_airflow.operators.handled import SisMarkHandledOperator
from matchpoint_airflow.operators.match import AlmaMatchUsersOperator
from matchpoint_airflow.operators.report import AlmaWriteReportOperator
from matchpoint_airflow.operators.retention import AlmaPurgeRunsOperator
from matchpoint_airflow.operators.transform import AlmaTransformUsersOperator
from matchpoint_airflow.operators.users import AlmaConvertUsersOperator, AlmaPurgeUsersOperator

__all__ = [
    "AlmaApplyPlanOperator",
    "AlmaConvertUsersOperator",
    "AlmaLoadCodeTablesOperator",
    "AlmaMatchUsersOperator",
    "AlmaPurgeRunsOperator",
    "AlmaPurgeUsersOperator",
    "AlmaTransformUsersOperator",
    "AlmaWriteReportOperator",
    "SisCheckConnectionOperator",
    "SisFetchExtractsOperator",
    "SisMarkHandledOperator",
    "SisWatchFeedsOperator",
]
