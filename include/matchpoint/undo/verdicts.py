"""What is to become of one user whose changes are taken back. Pure: the history in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from matchpoint.undo.traces import EXISTS, PROTECTED, Entry, Trace, trace

Deed = Literal["change", "delete", "create", "leave"]
"""What an undo does to a user; "delete" is for one whom the run made, "create" for one whom it deleted."""

WORDS = {
    "changed_since": "changed since",
    "undone": "taken back already",
    "deleted_since": "the user was deleted since",
    "forgotten": "the user was deleted and forgotten",
    "taken": "an identifier was taken by somebody else since",
    "held": "the user has loans, requests or an open balance",
    "made_by_run": "the run made this user; take back the whole of it",
    "password": "a password is never brought back",
    "no_history": "changed past the history",
}
"""Why something is left as it is, without a value."""
_PASSWORD = "password"  # noqa: S105 (a field's name)
_TOGETHER = ("account_type", "external_id")


@dataclass
class Judged:
    """What becomes of a user: per changed field the value now and then, and by field why others are left.

    ``left`` has code (:data:`WORDS`) and actor of the change that covers it; under "" it is the whole user.
    """

    deed: Deed = "leave"
    changes: dict[str, list[Any]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)

    def leave(self, why: str, by: Entry | None = None, name: str = EXISTS) -> Judged:
        """Leave a field, or the whole user, as it is."""
        self.left[name] = [why, by.actor if by else ""]
        self.changes = {} if name == EXISTS else {one: pair for one, pair in self.changes.items() if one != name}
        if not self.changes:
            self.deed = "leave"
        return self


def judge(entries: Sequence[Entry], name: str | None = None) -> Judged:
    """Say what taking back the targets among a user's entries makes of the user; ``name`` is the only field to take.

    A later change by anybody else is never overwritten. A user whom the targets made goes only when nothing else
    about it is in effect.
    """
    traces = trace(entries)
    there = traces.pop(EXISTS, Trace())
    if there.has_target:
        return _existence(there, traces, name)
    judged = Judged()
    if there.last and there.last.outcome == "deleted":
        return judged.leave("deleted_since", there.last)
    for one, traced in traces.items():
        if name is None or one in {name, PROTECTED + name}:
            _field(judged, one, traced)
    _settle(judged)
    return judged


def _existence(there: Trace, traces: dict[str, Trace], name: str | None) -> Judged:
    judged, verdict = Judged(), there.verdict()
    if verdict is None or verdict.why:
        gone = bool(there.last and there.last.outcome == "deleted")
        why = verdict.why if verdict and verdict.why == "undone" else "deleted_since" if gone else "changed_since"
        return judged.leave(why, verdict.by if verdict else None)
    if verdict.then is True:
        judged.deed = "create"
        return judged
    if name is not None:
        return judged.leave("made_by_run")
    for traced in traces.values():
        for step in traced.stack:
            if not step.is_target:
                return judged.leave("changed_since", step.entries[-1])
    judged.deed = "delete"
    return judged


def _field(judged: Judged, name: str, traced: Trace) -> None:
    verdict = traced.verdict()
    if verdict is None:
        return
    if verdict.why:
        judged.left[name] = [verdict.why, verdict.by.actor if verdict.by else ""]
    elif verdict.now != verdict.then:
        judged.changes[name] = [verdict.now, verdict.then]


def _settle(judged: Judged) -> None:
    """Keep together what is only right together, and leave what cannot be brought back."""
    if judged.changes.pop(_PASSWORD, None) and _TOGETHER[0] not in judged.changes:
        judged.left[_PASSWORD] = ["password", ""]
    protected = {
        name.removeprefix(PROTECTED) for name in {**judged.changes, **judged.left} if name.startswith(PROTECTED)
    }
    for pair in (_TOGETHER, *((name, PROTECTED + name) for name in protected)):
        refused = [name for name in pair if name in judged.left]
        for name in pair:
            if refused and name in judged.changes:
                del judged.changes[name]
                judged.left[name] = judged.left[refused[0]]
    judged.deed = "change" if judged.changes else "leave"
