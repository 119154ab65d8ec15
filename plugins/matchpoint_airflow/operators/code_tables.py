"""Load Alma's code tables into a user store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from matchpoint.errors import CodeTableError
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.settings import code_tables_folder

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaLoadCodeTablesOperator(Guarded, BaseOperator):
    """Replaces the code tables of a user store by those in the folder of code tables, all of them or none.

    :param store: connection id of the user store.
    """

    template_fields: Sequence[str] = ("store",)
    ui_color = "#e8f0f8"

    def __init__(self, *, store: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = store

    def execute(self, context: Context) -> dict[str, int]:  # noqa: ARG002 (Airflow's form)
        """Load, and give the number of codes by table."""
        from matchpoint.code_tables import files_of, update_code_tables

        hook = UserStoreHook(self.store)
        hook.upgrade()
        try:
            counts = update_code_tables(hook.get_conn(), files_of(code_tables_folder()))
        except CodeTableError as error:
            raise AirflowFailException(f"{error} The store keeps the tables it had.") from error
        self.log.info("loaded: %s", counts)
        return counts
