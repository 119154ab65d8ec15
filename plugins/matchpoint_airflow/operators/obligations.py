"""Load into a user store what people still owe the library."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from matchpoint.errors import ExtractError
from matchpoint_airflow.operators.base import StoreOperator
from matchpoint_airflow.run import Run
from matchpoint_airflow.settings import obligations_folder

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaLoadObligationsOperator(StoreOperator):
    """Replaces what the files in the folder of obligations told before by what they tell now, all or nothing."""

    def execute(self, context: Context) -> dict[str, int]:
        """Load, and give how many people were noted, and how many identifiers nobody has."""
        from matchpoint.leavers.obligations import note_obligations, read_obligations

        files = sorted(obligations_folder().glob("*.csv"))
        if not files:
            raise AirflowFailException(
                f"{obligations_folder()}: found no CSV file; expected at least one. The store keeps what it had."
            )
        store = self.open_store()
        opened = [file.open(encoding="utf-8-sig", newline="") for file in files]
        try:
            owed = [read_obligations(one, file.name) for one, file in zip(opened, files, strict=True)]
            how = {"source": self.dag_id, "as_of": Run.of(context).due.date()}
            noted = note_obligations(store, chain.from_iterable(owed), **how, whole=True)
        except (ExtractError, UnicodeDecodeError) as error:
            said = str(error) if isinstance(error, ExtractError) else "found a file that is not UTF-8; expected CSV."
            raise AirflowFailException(f"{said} The store keeps what it had.") from None
        finally:
            for one in opened:
                one.close()
        self.log.info("%d people owe something; %d identifiers nobody has", noted.noted, noted.unknown)
        return {"noted": noted.noted, "unknown": noted.unknown}
