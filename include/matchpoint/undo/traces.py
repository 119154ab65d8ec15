"""One user's history read field by field: which changes are still in effect, and what taking some back would give.

It is as in an editor. Changes of a field lie on a stack; undoing takes the top off, undoing that puts it back, and a
change by somebody else covers what is below it: that is then no longer taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from matchpoint.alma.fields import IDENTIFIERS
from matchpoint.reissue import without_inactive

UNDO = "undo"
"""The rule of changes that take others back."""
EXISTS = ""
"""The name under which it is traced whether the user is there at all."""
PROTECTED = "protected."
"""Before a field's name: whether it is protected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of a user, as the history has it.

    ``is_target`` tells that it is one of those to be taken back, ``undone_run`` which run it takes back itself, where
    it is an undo of a run and that is known.
    """

    version: int
    outcome: str
    actor: str
    run_id: str | None
    rule: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    is_target: bool = False
    undone_run: str | None = None

    def fields(self) -> Iterator[tuple[str, Any, Any]]:
        """Give what it changed: name, value before, value after, None for none."""
        if self.outcome in {"created", "deleted"}:
            yield EXISTS, self.outcome == "deleted", self.outcome == "created"
            return
        before, after = self.before or {}, self.after or {}
        for name in {**before, **after}:
            if name == "protected":
                old, new = set(before.get(name) or ()), set(after.get(name) or ())
                yield from ((PROTECTED + one, one in old, one in new) for one in sorted(old ^ new))
            elif name == IDENTIFIERS.name:
                yield name, before.get(name), without_inactive(after.get(name))
            else:
                yield name, before.get(name), after.get(name)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a field that is in effect, with the entries that made it and those that put it back."""

    before: Any
    after: Any
    entries: tuple[Entry, ...]

    @property
    def is_target(self) -> bool:
        """Whether it is to be taken back."""
        return any(one.is_target for one in self.entries)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What taking back makes of a field: from ``now`` to ``then``; or why it is left, and whose change covers it."""

    now: Any = None
    then: Any = None
    why: str | None = None
    by: Entry | None = None


@dataclass(slots=True)
class Trace:
    """One field of one user through the history."""

    stack: list[Step] = field(default_factory=list)
    undone: list[tuple[Entry, Step]] = field(default_factory=list)
    spent: bool = False
    has_target: bool = False
    last: Entry | None = None

    def take(self, entry: Entry, before: Any, after: Any) -> None:
        """Go on by one change."""
        self.has_target |= entry.is_target
        self.last = entry
        if entry.rule == UNDO and (self._redo(entry, before, after) or self._undo(entry, before, after)):
            return
        self.undone.clear()
        self.stack.append(Step(before, after, (entry,)))

    def _undo(self, entry: Entry, before: Any, after: Any) -> bool:
        if not self.stack or self.stack[-1].after != before:
            return False
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place].before == after:
                owners = tuple(one for step in self.stack[place:] for one in step.entries)
                del self.stack[place:]
                self.undone.append((entry, Step(after, before, owners)))
                return True
        return False

    def _redo(self, entry: Entry, before: Any, after: Any) -> bool:
        if not self.undone or (self.undone[-1][1].before, self.undone[-1][1].after) != (before, after):
            return False
        if entry.undone_run is not None and entry.undone_run != self.undone[-1][0].run_id:
            return False  # the values go back and forth between the same two, but another run is taken back
        by, step = self.undone.pop()
        self.spent |= by.is_target
        self.stack.append(Step(before, after, (*step.entries, entry)))
        return True

    def verdict(self) -> Verdict | None:
        """Say what taking the targets back makes of the field; None when none of them is about it."""
        if not self.has_target:
            return None
        if self.undone and self.undone[-1][0].is_target:
            step = self.undone[-1][1]
            return Verdict(step.before, step.after)
        if self.stack and self.stack[-1].is_target:
            then = self.stack[-1].before
            for step in reversed(self.stack):
                if not step.is_target:
                    break
                then = step.before
            return Verdict(self.stack[-1].after, then)
        if self.spent or any(step.is_target for _, step in self.undone):
            return Verdict(why="undone")
        return Verdict(why="changed_since", by=self.last)


def trace(entries: Iterable[Entry]) -> dict[str, Trace]:
    """Follow every field of a user through some entries of the history, the oldest first."""
    traces: dict[str, Trace] = {}
    for entry in entries:
        for name, before, after in entry.fields():
            traces.setdefault(name, Trace()).take(entry, before, after)
    return traces


def protections(entries: Iterable[Entry]) -> dict[str, Any]:
    """Give the fields that are protected after some changes of a user, each with the SIS's value."""
    found: dict[str, Any] = {}
    for entry in entries:
        before, after = entry.before or {}, entry.after or {}
        if entry.outcome == "updated" and "protected" in after:
            kept = set(after["protected"] or ())
            found = {name: value for name, value in found.items() if name in kept}
            found |= {name: before.get(name) for name in sorted(kept - found.keys())}
    return found


def newest_in_effect(entries: Iterable[Entry], name: str | None = None) -> int | None:
    """Give the version of the last change of a user, or of one field, that is in effect; None when there is none."""
    traces = trace(entries)
    some = traces.values() if name is None else [traces[name]] if name in traces else []
    return max((one.stack[-1].entries[-1].version for one in some if one.stack), default=None)
