"""Load Alma's code tables into a user store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from matchpoint.errors import CodeTableError
from matchpoint_airflow.operators.base import StoreOperator
from matchpoint_airflow.settings import code_tables_folder

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaLoadCodeTablesOperator(StoreOperator):
    """Replaces the code tables of a user store by those in the folder of code tables, all of them or none."""

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002 (Airflow's form)
        """Load, and give the number of codes by table."""
        from matchpoint.code_tables import files_of, update_code_tables

        store = self.open_store()
        try:
            counts = update_code_tables(store, files_of(code_tables_folder()))
        except CodeTableError as error:
            raise AirflowFailException(f"{error} The store keeps the tables it had.") from error
        self.log.info("loaded: %s", counts)
        return counts
