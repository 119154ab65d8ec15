"""Who may see what: the one place that asks Airflow's own access rules."""

from __future__ import annotations

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends

MAY_SEE_RUNS = Depends(requires_access_dag("GET", DagAccessEntity.RUN))
"""For routes with a ``dag_id`` in their path: who may see that DAG's runs."""
