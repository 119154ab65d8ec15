"""Where the rows of a feed stand before one of them is decided about: known, unchanged, done, contested, or open.

A known row is not read, an unchanged one not compared. Both are so only while no other row of the feed is about the
same person: then the order of the feed decides, and the row is met after all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import orjson
import pyarrow.compute as pc
from sqlalchemy import Connection

from matchpoint.alma.identifiers import key
from matchpoint.feed import Feed
from matchpoint.hashes import Hashes
from matchpoint.known import KnownRows
from matchpoint.matching import Rules
from matchpoint.profile import Profile
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.store import affiliations, row_ledger
from matchpoint.store.lookup import Done, Lookup, applied_rows
from matchpoint.transform import Transformer, forget_woken, transform_again

Mask = np.ndarray[Any, np.dtype[np.bool_]]
_NOBODY = -1


@dataclass(frozen=True)
class Standing:
    """What is known of the rows of a feed, by position.

    ``unchanged`` is the user who came out as before, or -1; ``contested`` tells that another row has an identifier of
    it; ``done`` are the rows that this run applied before; ``keys`` all identifiers of the feed, as sorted hashes;
    ``known`` the rows that are no part of the feed, by number of the extract; ``as_of`` the day of the run.
    """

    unchanged: Hashes
    contested: Mask
    done: Mapping[int, Done]
    keys: Hashes
    known: Mapping[int, KnownRows]
    lookup: Lookup
    as_of: date


@dataclass
class _Open:
    """The rows of the feed as columns: extract, row number, hash of the user; of each identifier its row and hash."""

    extracts: Hashes
    rows: Hashes
    user_hashes: Hashes
    owners: Hashes
    keys: Hashes

    @classmethod
    def of(cls, feed: Feed) -> _Open:
        parts: list[tuple[Hashes, ...]] = [tuple(np.array([], dtype=np.int64) for _ in range(5))]
        for first, extract, batch in feed.batches(["row", "keys", "user_hash"]):
            owners = pc.list_parent_indices(batch["keys"]).to_numpy() + first
            rows = batch["row"].to_numpy()
            numbers = np.full(len(rows), extract.number, dtype=np.int64)
            parts.append((numbers, rows, batch["user_hash"].to_numpy(), owners, batch["keys"].flatten().to_numpy()))
        columns = [list(column) for column in zip(*parts, strict=True)]
        parts.clear()
        return cls(*(_joined(column) for column in columns))

    def contested(self, keys: Hashes) -> Mask:
        """Tell which rows have an identifier that another one has; ``keys`` are sorted."""
        twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
        found = np.zeros(len(self.rows), dtype=bool)
        found[self.owners[np.isin(self.keys, twice)]] = True
        return found


def _joined(parts: list[Hashes]) -> Hashes:
    """Put the parts of a column together, and let go of them: of a million rows there is no room for both."""
    joined = np.concatenate(parts)
    parts.clear()
    return joined


@dataclass
class Settler:
    """Finds out where the rows of a run stand."""

    folder: RunFolder
    connection: Connection
    profile: Profile
    rules: Rules
    feed: Feed
    run_id: str
    transformer: Transformer
    known: dict[int, KnownRows] = field(default_factory=dict)
    woken: dict[int, Hashes] = field(default_factory=dict)
    due: Hashes = field(default_factory=lambda: np.array([], dtype=np.int64))

    def settle(self) -> Standing:
        """Wake the known rows that are not alone with their user, until there is none."""
        applied = applied_rows(self.connection, self.run_id)
        self.due = self._due()
        for extract in self.feed.extracts:
            forget_woken(self.folder, extract)
        self.known = {one.number: KnownRows.read(self.folder, one) for one in self.feed.extracts}
        self._wake(self._no_longer_known())
        while True:
            standing = self._look(applied)
            users = self._users(standing)
            met = np.concatenate([users[1:][users[1:] == users[:-1]], self._met(standing) if len(users) else users])
            if not self._wake({number: np.isin(one.user_ids, met) for number, one in self.known.items()}):
                standing.unchanged[np.isin(standing.unchanged, met)] = _NOBODY
                return standing

    def _due(self) -> Hashes:
        """Find the shared users who have to be met whatever their rows say: a role has ended, a rank changed."""
        table = self.profile.affiliation
        if self.rules.mode == "import" or not affiliations.are_any(self.connection):
            return self.due
        rank = table.rank if table else None
        return affiliations.due(self.connection, self.profile.code, self.transformer.as_of, rank)

    def _no_longer_known(self) -> dict[int, Mask]:
        """Tell which known rows are no longer so: their user was edited or is due, or the ledger's entry replaced."""
        edited = np.concatenate([row_ledger.edited(self.connection), self.due])
        gone = {number: np.isin(one.user_ids, edited) for number, one in self.known.items()}
        then = {
            one.number: self.folder.read_json(f"users/{one.number:03}.json")["epoch"] for one in self.feed.extracts
        }
        now = row_ledger.epoch(self.connection, self.profile.code)
        if any(then[number] != now for number, one in self.known.items() if len(one.rows)):
            ledger = row_ledger.known_rows(self.connection, self.profile.code)
            gone = {n: gone[n] | (ledger.users(one.hashes) != one.user_ids) for n, one in self.known.items()}
        return gone

    def _wake(self, which: Mapping[int, Mask]) -> bool:
        """Transform known rows after all; tell whether there were any."""
        some = {number: mask for number, mask in which.items() if mask.any()}
        for extract in self.feed.extracts:
            if extract.number in some:
                self._wake_rows(extract, some[extract.number])
        return bool(some)

    def _wake_rows(self, extract: Extract, mask: Mask) -> None:
        known = self.known[extract.number]
        before = self.woken.get(extract.number, np.array([], dtype=np.int64))
        self.woken[extract.number] = np.concatenate([before, known.rows[mask]])
        self.known[extract.number] = known.but(mask)
        transform_again(self.folder, extract, self.transformer, self.woken[extract.number])

    def _look(self, applied: Mapping[tuple[str, int, int], Done]) -> Standing:
        rows = _Open.of(self.feed)
        keys = np.sort(rows.keys)
        contested = rows.contested(keys)
        done = self._done(rows, applied) if applied else {}
        unchanged = np.full(len(rows.rows), _NOBODY, dtype=np.int64)
        if self.rules.mode == "synchronize" and len(rows.rows):
            ledger = row_ledger.known_users(self.connection, self.profile.code, rows.user_hashes)
            unchanged = ledger.users(rows.user_hashes)
            unchanged[contested | np.isin(unchanged, self.due)] = _NOBODY
            unchanged[list(done)] = _NOBODY
        lookup = Lookup(self.connection, self.run_id, done.values(), self.profile.code)
        return Standing(unchanged, contested, done, keys, self.known, lookup, self.transformer.as_of)

    def _done(self, rows: _Open, applied: Mapping[tuple[str, int, int], Done]) -> dict[int, Done]:
        """Find the rows that this run applied before; of two extracts with the same content the first was."""
        hashes = {one.number: one.sha256 for one in self.feed.extracts}
        found: dict[int, Done] = {}
        users: set[int] = set()
        columns = (rows.extracts.tolist(), rows.rows.tolist(), rows.user_hashes.tolist())
        for position, (number, row, hashed) in enumerate(zip(*columns, strict=True)):
            done = applied.get((hashes[number], row, hashed))
            if done and done.user_id not in users:
                users.add(done.user_id)
                found[position] = done
        return found

    def _users(self, standing: Standing) -> Hashes:
        """List the users of known and unchanged rows, in order: one who is there twice has two rows."""
        unchanged = standing.unchanged[standing.unchanged != _NOBODY]
        return np.sort(np.concatenate([unchanged, *(one.user_ids for one in self.known.values())]))

    def _met(self, standing: Standing) -> Hashes:
        """Find the users whom other rows of the feed meet."""
        users: set[int] = set()
        for keys in self._keys(standing):
            users |= standing.lookup.users(keys)
        users |= {one.user_id for one in standing.done.values()}
        return np.fromiter(users, dtype=np.int64)

    def _keys(self, standing: Standing) -> Iterator[list[str]]:
        """Give the identifiers of the rows that are neither done nor unchanged, batch by batch."""
        for first, _, batch in self.feed.batches(["identifiers"]):
            is_open = standing.unchanged[first : first + batch.num_rows] == _NOBODY
            texts = batch["identifiers"].filter(is_open).to_pylist()
            if texts:
                yield [key(value) for text in texts for _, value in orjson.loads(text)]
