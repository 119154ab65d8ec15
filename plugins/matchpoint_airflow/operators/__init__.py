"""Operators: each opens, calls one function of the library, saves, and gives paths and counts.

What is heavy to import (pandas, pyarrow, paramiko) is imported when a task runs, not when a DAG is parsed.
"""

from matchpoint_airflow.operators.apply import AlmaApplyPlanOperator
from matchpoint_airflow.operators.check import SisCheckConnectionOperator
from matchpoint_airflow.operators.code_tables import AlmaLoadCodeTablesOperator, AlmaRefreshCodeTablesOperator
from matchpoint_airflow.operators.deliver import (
    AlmaDeliverByApiOperator,
    AlmaDeliveryReportOperator,
    AlmaPlanDeliveryOperator,
)
from matchpoint_airflow.operators.deliver_files import (
    AlmaJobSensor,
    AlmaStartJobOperator,
    AlmaTakeAnswersOperator,
    AlmaUploadFilesOperator,
    AlmaWriteFilesOperator,
)
from matchpoint_airflow.operators.feeds import SisWatchFeedsOperator
from matchpoint_airflow.operators.fetch import SisFetchExtractsOperator
from matchpoint_airflow.operators.guard import AlmaAskApprovalOperator, AlmaGuardPlanOperator, PlanApprovalOperator
from matchpoint_airflow.operators.hand_over import AlmaHandOverUsersOperator
from matchpoint_airflow.operators.handled import SisMarkHandledOperator
from matchpoint_airflow.operators.health import SisCheckFeedOperator
from matchpoint_airflow.operators.identity import AlmaReviewIdentityOperator
from matchpoint_airflow.operators.letters import AlmaRetryLettersOperator
from matchpoint_airflow.operators.match import AlmaMatchUsersOperator
from matchpoint_airflow.operators.obligations import AlmaLoadObligationsOperator
from matchpoint_airflow.operators.reconcile import AlmaReconcileOperator
from matchpoint_airflow.operators.report import AlmaWriteReportOperator
from matchpoint_airflow.operators.retention import AlmaPurgeRunsOperator
from matchpoint_airflow.operators.transform import AlmaTransformUsersOperator
from matchpoint_airflow.operators.undo import AlmaApplyUndoOperator, AlmaPlanUndoOperator
from matchpoint_airflow.operators.users import (
    AlmaConvertUsersOperator,
    AlmaPurgeUsersOperator,
    AlmaReleaseProfileOperator,
)

__all__ = [
    "AlmaApplyPlanOperator",
    "AlmaApplyUndoOperator",
    "AlmaAskApprovalOperator",
    "AlmaConvertUsersOperator",
    "AlmaDeliverByApiOperator",
    "AlmaDeliveryReportOperator",
    "AlmaGuardPlanOperator",
    "AlmaHandOverUsersOperator",
    "AlmaJobSensor",
    "AlmaLoadCodeTablesOperator",
    "AlmaLoadObligationsOperator",
    "AlmaMatchUsersOperator",
    "AlmaPlanDeliveryOperator",
    "AlmaPlanUndoOperator",
    "AlmaPurgeRunsOperator",
    "AlmaPurgeUsersOperator",
    "AlmaReconcileOperator",
    "AlmaRefreshCodeTablesOperator",
    "AlmaReleaseProfileOperator",
    "AlmaRetryLettersOperator",
    "AlmaReviewIdentityOperator",
    "AlmaStartJobOperator",
    "AlmaTakeAnswersOperator",
    "AlmaTransformUsersOperator",
    "AlmaUploadFilesOperator",
    "AlmaWriteFilesOperator",
    "AlmaWriteReportOperator",
    "PlanApprovalOperator",
    "SisCheckConnectionOperator",
    "SisCheckFeedOperator",
    "SisFetchExtractsOperator",
    "SisMarkHandledOperator",
    "SisWatchFeedsOperator",
]
