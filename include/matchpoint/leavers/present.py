"""Who is in a feed: everybody a row of it is about, also a row that was rejected or is in conflict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import orjson
import pyarrow.parquet as pq

from matchpoint.alma.identifiers import key
from matchpoint.chunks import chunks
from matchpoint.feed import Feed
from matchpoint.hashes import Hashes
from matchpoint.leavers.named import read_named
from matchpoint.outcomes import Outcome
from matchpoint.run_folder import RunFolder
from matchpoint.standing import Standing
from matchpoint.store.lookup import Lookup

_ACCEPTED = {Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED}
_ASKED_AT_ONCE = 5_000


@dataclass(frozen=True)
class Present:
    """The users that a feed is about, by number, in no order, maybe twice.

    ``accepted`` have a row that goes through, ``named`` only rows that do not. ``unidentified`` counts rows of which
    nobody can tell whom they are about: any absent person may be meant.
    """

    accepted: Hashes
    named: Hashes
    unidentified: int = 0


def present_in(folder: RunFolder, feed: Feed, standing: Standing) -> Present:
    """Find the users that a feed is about, once its plan is written."""
    positions, user_ids, is_accepted = _planned(folder)
    known = [one.user_ids for one in standing.known.values()]
    accepted = np.concatenate([user_ids[is_accepted], standing.unchanged, *known])
    refused = _Refused(standing.lookup)
    refused.add(_staged_identifiers(feed, positions[~is_accepted]))
    refused.add(_rejected_identifiers(folder, feed))
    named = np.concatenate([user_ids[~is_accepted], np.fromiter(refused.users, dtype=np.int64)])
    accepted = accepted[accepted >= 0]
    named = named[(named >= 0) & ~np.isin(named, accepted)]
    return Present(accepted, named, refused.unidentified)


class _Refused:
    """Looks up whom refused rows are about."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.users: set[int] = set()
        self.unidentified = 0

    def add(self, rows: Iterable[list[str]]) -> None:
        """Take rows, each as its identifiers, case-folded."""
        for some in chunks(rows, _ASKED_AT_ONCE):
            self.unidentified += sum(not keys for keys in some)
            self.users |= self._lookup.users(one for keys in some for one in keys)


def _planned(folder: RunFolder) -> tuple[Hashes, Hashes, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Give of each row of the plan its position, its user or -1, and whether it goes through."""
    with folder.root.joinpath("plan.parquet").open("rb") as file:
        table = pq.read_table(file, columns=["position", "user_id", "outcome"])
    outcomes = table["outcome"].combine_chunks().dictionary_encode()
    words = np.array([one in _ACCEPTED for one in outcomes.dictionary.to_pylist()], dtype=bool)
    is_accepted = words[outcomes.indices.to_numpy()] if len(words) else np.array([], dtype=bool)
    return table["position"].to_numpy(), table["user_id"].fill_null(-1).to_numpy(), is_accepted


def _staged_identifiers(feed: Feed, positions: Hashes) -> Iterator[list[str]]:
    """Give the identifiers of staged rows by position; a position beyond the staged rows has none here."""
    for some in feed.at(positions, "identifiers"):
        for text in some.to_pylist():
            yield [key(value) for _, value in orjson.loads(text)]


def _rejected_identifiers(folder: RunFolder, feed: Feed) -> Iterator[list[str]]:
    """Give the identifiers of the rows that the transformation rejected."""
    for extract in feed.extracts:
        named = dict(read_named(folder, extract))
        rejected = {one.row for one in folder.findings(extract.number) if one.severity == "reject"}
        yield from (named.get(row, []) for row in sorted(rejected))
