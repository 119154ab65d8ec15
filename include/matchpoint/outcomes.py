"""The seven outcomes a row can have, and counts of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """What became of one row. The same word in code, table, page and test."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    FAILED = "failed"


def count_outcomes(outcomes: Iterable[str]) -> dict[str, int]:
    """Count outcomes into ``{"processed": n, "created": n, ..., "failed": n}``; processed is their sum."""
    counted = Counter(outcomes)
    counts = {str(outcome): counted[outcome] for outcome in Outcome}
    return {"processed": sum(counts.values()), **counts}


def add_counts(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add up several results of :func:`count_outcomes`."""
    total = count_outcomes(())
    for one in counts:
        for word in total:
            total[word] += one[word]
    return total
