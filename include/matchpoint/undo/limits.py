"""How much an undo may change before a person has to say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchpoint.errors import PlanError

FEW = 20
"""So many users or fewer are no share of anything: an undo of them is only held against the number."""


@dataclass(frozen=True)
class Limit:
    """The most users that an undo may change, delete or create: a number, and a share of all users, 0 to 1."""

    users: int = 1_000
    share: float = 0.1

    def why_not(self, summary: Mapping[str, Any]) -> str | None:
        """Say why a plan of an undo is over the limit; None when it is not."""
        counts, everybody = summary["counts"], summary["everybody"]
        touched = counts["changed"] + counts["deleted"] + counts["created"]
        if touched > self.users:
            return f"found {touched:,} users to change; expected at most {self.users:,}"
        if touched > FEW and touched > self.share * max(everybody, touched):
            return f"found {touched:,} of {everybody:,} users to change; expected at most {self.share:.0%}"
        return None

    def check(self, summary: Mapping[str, Any], *, force: bool = False) -> None:
        """Raise :class:`PlanError` when a plan is over the limit, unless it is forced."""
        why = None if force else self.why_not(summary)
        if why:
            raise PlanError(f"undo: {why}. Nothing was written. Look at the plan; raise the limit, or force it.")
