"""Two transformations of one extract side by side, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from matchpoint.alma.law import changes
from matchpoint.hashes import Hashes
from matchpoint.replay.replayed import Replayed, missing
from matchpoint.run_folder import AnyPath

_ROWS = 5_000
_COLUMNS = ["row", "user", "keys"]


def compare(then: AnyPath, now: AnyPath, found: Replayed) -> tuple[Hashes, Hashes]:
    """Compare two files of staged users row by row; give the rows that went through only then, and only now."""
    lost, won = [_NONE], [_NONE]
    for old, new in _side_by_side(then, now):
        before, after = old["row"].to_numpy(), new["row"].to_numpy()
        lost.append(missing(before, after))
        won.append(missing(after, before))
        both, at_old, at_new = np.intersect1d(before, after, assume_unique=True, return_indices=True)
        found.compared += len(both)
        _compare(both, old.take(pa.array(at_old)), new.take(pa.array(at_new)), found)
    return np.concatenate(lost), np.concatenate(won)


_NONE: Hashes = np.array([], dtype=np.int64)


def _compare(rows: Hashes, old: pa.Table, new: pa.Table, found: Replayed) -> None:
    differ = pc.not_equal(old["user"], new["user"])
    some = zip(
        rows[np.asarray(differ)].tolist(),
        old["keys"].filter(differ).to_pylist(),
        old["user"].filter(differ).to_pylist(),
        new["user"].filter(differ).to_pylist(),
        strict=True,
    )
    for row, keys, before, after in some:
        found.changed += 1
        found.fields.add(row, keys[0] if keys else -row, changes(orjson.loads(before), orjson.loads(after)))


def _side_by_side(then: AnyPath, now: AnyPath) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Give the rows of both files up to the same number, again and again."""
    with then.open("rb") as first, now.open("rb") as second:
        left, right = _batches(first), _batches(second)
        old, new = next(left, None), next(right, None)
        while old is not None or new is not None:
            last = min(one["row"][-1].as_py() for one in (old, new) if one is not None)
            (mine, old), (other, new) = _split(old, last), _split(new, last)
            yield mine, other
            old = next(left, None) if old is None else old
            new = next(right, None) if new is None else new


def _split(table: pa.Table | None, last: int) -> tuple[pa.Table, pa.Table | None]:
    if table is None:
        return _EMPTY, None
    upto = int(np.searchsorted(table["row"].to_numpy(), last, side="right"))
    rest = table.slice(upto)
    return table.slice(0, upto), rest if rest.num_rows else None


_EMPTY = pa.table(
    {
        "row": pa.array([], pa.int64()),
        "user": pa.array([], pa.large_string()),
        "keys": pa.array([], pa.list_(pa.int64())),
    }
)


def _batches(file: object) -> Iterator[pa.Table]:
    for batch in pq.ParquetFile(file).iter_batches(_ROWS, columns=_COLUMNS):
        if batch.num_rows:
            yield pa.table(batch)
