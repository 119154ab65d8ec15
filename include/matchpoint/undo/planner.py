"""From the history of some users to the rows of an undo, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from matchpoint.accounts.purge import holds
from matchpoint.accounts.rules import Account
from matchpoint.alma.fields import IDENTIFIERS, PRIMARY_ID
from matchpoint.store.lookup import holders_of
from matchpoint.undo.identity import Exchange, Move, has_twice, possible
from matchpoint.undo.reading import Past, accounts_of
from matchpoint.undo.rows import UndoRow
from matchpoint.undo.states import differs, document_of, taken_back
from matchpoint.undo.verdicts import Judged, judge

_IDENTITY = (PRIMARY_ID, IDENTIFIERS.name)


@dataclass(frozen=True)
class _Draft:
    """A user judged, with the identifiers that move."""

    user_id: int
    version: int
    primary_id: str
    judged: Judged
    move: Move
    done: bool

    def row(self, group: int = -1) -> UndoRow:
        """Make a row of the plan of it."""
        changes, left = self.judged.changes, self.judged.left
        return UndoRow(
            self.user_id,
            self.version,
            self.primary_id,
            self.judged.deed,
            orjson.dumps(changes).decode() if changes else None,
            orjson.dumps(left).decode() if left else None,
            group,
            self.done,
        )

    def without_identity(self) -> UndoRow:
        """Make a row of it that leaves the identifiers, since somebody else has one."""
        names = [name for name in _IDENTITY if name in self.judged.changes]
        for name in names:
            self.judged.leave("taken", name=name)
        if not names:
            self.judged.leave("taken")
        return self.row()


class UndoPlanner:
    """Judges users, batch by batch. ``name`` is the only field to take back, None for all."""

    def __init__(self, connection: Connection, name: str | None) -> None:
        self._connection = connection
        self._name = name
        self._exchange = Exchange()
        self._waiting: list[_Draft] = []

    def plan(self, batches: Iterable[Mapping[int, Past]]) -> Iterator[UndoRow]:
        """Give the rows: last, and group by group, those that need an identifier that somebody holds now."""
        for pasts in batches:
            yield from self._batch(pasts)
        moves = [one.move for one in self._waiting]
        held = holders_of(self._connection, {key for move in moves for key in move.taken})
        groups = possible(moves, held, self._exchange)
        self._waiting.sort(key=lambda one: groups.get(one.user_id, -1))
        for draft in self._waiting:
            group = groups.get(draft.user_id)
            yield draft.without_identity() if group is None else draft.row(group)

    def _batch(self, pasts: Mapping[int, Past]) -> Iterator[UndoRow]:
        accounts = accounts_of(self._connection, list(pasts))
        drafts = [self._draft(user_id, past, accounts.get(user_id)) for user_id, past in pasts.items()]
        held = holders_of(self._connection, {key for one in drafts for key in one.move.taken})
        for draft in drafts:
            if any(held.get(key, draft.user_id) != draft.user_id for key in draft.move.taken):
                self._waiting.append(draft)
                continue
            if draft.judged.deed == "delete":
                self._exchange.gone.add(draft.user_id)
            self._exchange.given |= draft.move.given
            yield draft.row()

    def _draft(self, user_id: int, past: Past, account: Account | None) -> _Draft:
        judged = judge(past.entries, self._name)
        move = Move(user_id, set(), set())
        if not past.own:
            move = self._check(judged, past, user_id, account) or move
        known = document_of(account) or past.document or {}
        return _Draft(user_id, past.version, known.get(PRIMARY_ID, f"user {user_id}"), judged, move, past.own)

    def _check(self, judged: Judged, past: Past, user_id: int, account: Account | None) -> Move | None:
        """Hold a verdict against the user as it is now; give the identifiers that move, None when none can."""
        if judged.deed == "create":
            return self._comes_back(judged, past, user_id, account)
        if judged.deed == "leave":
            return None
        if account is None or account.version != past.version or differs(account, judged.changes):
            judged.leave("no_history")
            return None
        if judged.deed == "delete":
            if any(holds(account.user)):
                judged.leave("held")
            return None
        after, _ = taken_back(account, judged.changes)
        if has_twice(after) or not after.get(PRIMARY_ID):
            for name in _IDENTITY:
                if name in judged.changes:
                    judged.leave("taken", name=name)
            after, _ = taken_back(account, judged.changes)
        return Move.of(user_id, account.user, after)

    def _comes_back(self, judged: Judged, past: Past, user_id: int, account: Account | None) -> Move | None:
        if past.document is None:
            judged.leave("forgotten")
        elif account is not None:
            judged.leave("no_history")
        else:
            return Move.of(user_id, {}, past.document)
        return None
