"""The report of a reconcile: how many people are what on both sides, which fields differ, and the list for staff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from matchpoint.amounts import counted, number
from matchpoint.reconcile.compare import KINDS, Met
from matchpoint.reconcile.run import Repaired
from matchpoint.report.job import Job, write_listed
from matchpoint.run_folder import RunFolder

LIST = "drift.csv"


def write_list(folder: RunFolder, people: Iterable[Met]) -> Counter[str]:
    """Write who is not the same on both sides, one line each; count the fields that differ."""
    fields: Counter[str] = Counter()

    def rows() -> Iterator[list[str]]:
        for one in people:
            fields.update(one.fields)
            yield [one.primary_id, KINDS[one.kind], " ".join(one.fields)]

    write_listed(folder, LIST, ["primary_id", "found", "fields"], rows())
    return fields


def drift_job(
    counts: Mapping[str, int],
    fields: Counter[str],
    repaired: Repaired | None,
    *,
    profile_name: str,
    source: str,
    as_of: date,
    run_id: str,
) -> Job:
    """Give the report; ``repaired`` is None where nothing was written."""
    return Job(
        title=f"{profile_name}: reconcile with Alma",
        sentence=" ".join(_sentences(counts, repaired)),
        dry_run=repaired is None,
        actor=f"alma_reconcile, by {source}",
        as_of=as_of.isoformat(),
        run_id=run_id,
        left={},
        listed=LIST,
        tables=(
            ("Both sides", [(words, counts.get(kind, 0)) for kind, words in KINDS.items()]),
            ("Fields that differ", fields.most_common()),
        ),
    )


def _sentences(counts: Mapping[str, int], repaired: Repaired | None) -> Iterator[str]:
    apart = sum(amount for kind, amount in counts.items() if kind != "same")
    yield f"{number(counts.get('same', 0))} the same on both sides, {number(apart)} not."
    if repaired is not None:
        yield f"{counted(repaired.put_again, 'user')} put into the outbox again, to be delivered."
        yield f"{counted(repaired.noted, 'user')} taken out of it, for Alma has them already."
