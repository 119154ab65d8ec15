"""Transform one extract into users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from matchpoint.errors import ExtractError
from matchpoint.profile import Mode
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.base import ProfileOperator
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaTransformUsersOperator(ProfileOperator):
    """Reads one extract of the run and maps its rows to users in Alma's form.

    :param extract: path of the extract in the run folder.
    """

    template_fields: Sequence[str] = ("profile", "mode", "extract")

    def __init__(self, *, profile: str, mode: Mode, extract: str, **kwargs: Any) -> None:
        super().__init__(profile=profile, mode=mode, **kwargs)
        self.extract = extract

    @property
    def file_name(self) -> str:
        """The extract's file name, by which the UI shows the mapped task."""
        return self.extract.rpartition("/")[2].partition("_")[2]

    def execute(self, context: Context) -> dict[str, int]:
        """Transform, and give the counts of rows and of rejected ones."""
        from matchpoint.store.code_tables import load_code_tables
        from matchpoint.store.row_ledger import known_to
        from matchpoint.transform import transform_extract

        run, profile = Run.of(context), profile_of(self.profile)
        extract = next(one for one in run.folder.extracts if one.path == self.extract)
        try:
            store = UserStoreHook(profile.store).get_conn()
            tables, known = load_code_tables(store), known_to(store, profile.code, self.mode, run.id)
            counts = transform_extract(run.folder, extract, profile, run.as_of(profile), tables, known=known)
        except ExtractError as error:
            raise AirflowFailException(f"{error} Nothing of this run was written.") from error
        self.log.info("%s: %s", extract.label, counts)
        return counts
