"""The job that has dead letters tried again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from matchpoint.amounts import counted
from matchpoint_airflow.operators.users import StoreJob
from matchpoint_airflow.run import Run

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlmaRetryLettersOperator(StoreJob):
    """Has the next delivery try people again whom Alma did not take: all of a profile, or those of some codes."""

    def execute(self, context: Context) -> dict[str, int]:
        """Mark them, and give how many there are by code."""
        from matchpoint.deliver.outbox import count_letters, try_again
        from matchpoint.deliver.words import words_of
        from matchpoint.store import writing

        run, params = Run.of(context), context["params"]
        codes: list[str] = [str(one).strip() for one in params.get("codes") or []]
        with writing(self.open_store()).begin() as connection:
            found = count_letters(connection, params.get("profile") or None, codes=codes)
            if not run.dry_run:
                for profile in {profile for profile, _ in found}:
                    try_again(connection, profile, codes=codes)
        counts = Counter[str]()
        for (_, code), people in found.items():
            counts[code] += people
        said = [f"{people:,} with code {code}: {words_of(code)}" for code, people in counts.items()]
        sentence = " ".join([f"{counted(counts.total(), 'dead letter')} for the next delivery to try again.", *said])
        self.report(run, "Dead letters: try again", sentence, {})
        return dict(counts)
