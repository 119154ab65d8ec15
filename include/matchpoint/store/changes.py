"""A planned row with its user, and what comes of it in the tables of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.alma.identifiers import identifiers as identifiers_of
from matchpoint.alma.identifiers import key
from matchpoint.plan import PlanRow
from matchpoint.store import row_ledger


@dataclass(frozen=True)
class Stamp:
    """Who changes users, in which run, when, for which profile, and the SHA-256 of each extract by number.

    ``is_resumed`` tells that an earlier, broken-off try of the run has written already. ``rule`` is noted in the
    history of users who were there; where it is empty it is the mode, the actor's first word.
    """

    actor: str
    run_id: str
    now: datetime
    extracts: dict[int, str]
    profile: str
    is_resumed: bool = False
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A planned row with the user to be written, as JSON, its identifiers as (type, value), and what changes.

    ``owner`` is the profile that the user belongs to from then on, None for the one that writes.
    """

    row: PlanRow
    document: str | None = None
    identifiers: Sequence[tuple[str, str]] = ()
    changed: Mapping[str, list[Any]] = field(default_factory=dict)
    owner: str | None = None

    @classmethod
    def of(cls, row: PlanRow) -> Change:
        """Make a change of a planned row that has its user."""
        user = orjson.loads(row.document or "{}")
        changed = orjson.loads(row.changes or "{}")
        return cls(row, row.document, identifiers_of(user), changed, user.get("external_id"))

    @property
    def moves_identifiers(self) -> bool:
        """Whether the identifiers of a user who is there change."""
        return PRIMARY_ID in self.changed or IDENTIFIERS.name in self.changed


USER_COLUMNS = (
    "id",
    "primary_id",
    "account_type",
    "external_id",
    "version",
    "document",
    "source_version",
    "changed_at",
    "changed_by_run",
    "protected",
)
IDENTIFIER_COLUMNS = ("value_key", "id_type", "value", "user_id")


def new_user(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    """Give a new user's row, without its number."""
    primary_id = change.identifiers[0][1]
    return (primary_id, "EXTERNAL", stamp.profile, 1, change.document, 1, now, stamp.run_id, "{}")


def identifier_rows(given: Iterable[tuple[int | None, Change]]) -> Iterable[tuple[str, str, str, int | None]]:
    """Give the rows of the identifiers of users, given by number."""
    return ((key(value), id_type, value, user_id) for user_id, one in given for id_type, value in one.identifiers)


UPDATED_COLUMNS = (
    "id",
    "primary_id",
    "external_id",
    "version",
    "document",
    "source_version",
    "changed_at",
    "changed_by_run",
)


def updated_user(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    """Give the row of a user who was there."""
    version = (change.row.version or 0) + 1
    primary_id = change.identifiers[0][1]
    return (
        change.row.user_id,
        primary_id,
        change.owner or stamp.profile,
        version,
        change.document,
        version,
        now,
        stamp.run_id,
    )


def entry(change: Change, user_id: int, stamp: Stamp) -> row_ledger.Entry:
    """Give the user's entry in the row ledger."""
    return user_id, stamp.profile, change.row.row_hash, change.row.user_hash or 0


HISTORY_COLUMNS = (
    "user_id",
    "version",
    "outcome",
    "actor",
    "run_id",
    "extract",
    "row",
    "source_hash",
    "before",
    "after",
    "rule",
    "at",
)


_Told = tuple[str | None, str | None, str | None]
"""What changed, before and after as JSON, and by which rule."""


def created_history(
    change: Change, user_id: int, stamp: Stamp, now: str, *, version: int = 1, told: _Told = (None, None, None)
) -> tuple[Any, ...]:
    """Give the history row of a new user, or with version and what is ``told`` of another one."""
    row = change.row
    return (
        user_id,
        version,
        row.outcome,
        stamp.actor,
        stamp.run_id,
        stamp.extracts[row.extract],
        row.row,
        row.user_hash,
        *told,
        now,
    )


def updated_history(change: Change, stamp: Stamp, now: str) -> tuple[Any, ...]:
    """Give the history row of a user who was there."""
    before = orjson.dumps({name: pair[0] for name, pair in change.changed.items()}).decode()
    after = orjson.dumps({name: pair[1] for name, pair in change.changed.items()}).decode()
    version = (change.row.version or 0) + 1
    rule = stamp.rule or stamp.actor.partition(" ")[0]
    return created_history(change, change.row.user_id or 0, stamp, now, version=version, told=(before, after, rule))
