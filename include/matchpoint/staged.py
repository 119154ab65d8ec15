"""Staged users: what becomes of the rows of an extract before they meet the store, as an Arrow table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.alma.law import new_user
from matchpoint.canonical import canonical
from matchpoint.hashes import Hashes, hashes_of
from matchpoint.known import law_version
from matchpoint.mapping.converters import Strings
from matchpoint.mapping.documents import documents
from matchpoint.profile import Profile

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("rank", pa.int64()),
        ("user", pa.large_string()),
        ("identifiers", pa.large_string()),
        ("keys", pa.list_(pa.int64())),
        ("row_hash", pa.int64()),
        ("user_hash", pa.int64()),
    ]
)
"""Row number; rank by the profile's precedence; the new user that the row would make, as JSON with sorted keys; its
identifiers as a JSON list of [type, value]; the hashes of their case-folded values; the hash of the raw row under its
mapping, null where the format has no raw rows; the hash of the user."""
WRITING: Mapping[str, Any] = MappingProxyType({"compression": "lz4", "use_dictionary": False})
"""How it is written: hardly any text is there twice, and what is written is read again at once."""


def of_columns(
    columns: Mapping[str, Strings], rows: Hashes, hashed_identifiers: Sequence[Hashes], profile: Profile
) -> pa.Table:
    """Stage rows in which there is no doubt about anything, a column at a time."""
    texts, pairs = documents(columns, profile)
    matrix = np.column_stack(hashed_identifiers)
    there = matrix != 0
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    keys = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(matrix[there]))
    return _table(rows, texts, pairs, keys, profile)


def of_users(users: Mapping[int, User], profile: Profile) -> pa.Table:
    """Stage users one by one: by row number what an extract says of each."""
    made = [new_user(user, profile_code=profile.code, record_type=profile.record_type) for user in users.values()]
    held = [identifiers(user) for user in made]
    texts = [canonical(user) for user in made]
    pairs = [orjson.dumps(some).decode() for some in held]
    keys = [hashes_of(key(value).encode() for _, value in some).tolist() for some in held]
    rows = np.array(list(users), dtype=np.int64)
    return _table(rows, pa.array(texts, pa.large_string()), pa.array(pairs, pa.large_string()), keys, profile)


def _table(rows: Hashes, texts: pa.Array, pairs: pa.Array, keys: Any, profile: Profile) -> pa.Table:
    columns = {
        "row": rows,
        "rank": np.zeros(len(rows), dtype=np.int64),
        "user": texts,
        "identifiers": pairs,
        "keys": keys,
        "row_hash": pa.nulls(len(rows), pa.int64()),
        "user_hash": hashes_of(texts.cast(pa.large_binary()).to_pylist(), law_version(profile)),
    }
    return pa.table(columns, schema=SCHEMA)


def with_ranks(table: pa.Table, ranks: Mapping[int, int]) -> pa.Table:
    """Set the rank of rows that have one; all others have 0."""
    if not ranks:
        return table
    return _with(table, "rank", pa.array([ranks.get(row, 0) for row in table["row"].to_pylist()], pa.int64()))


def with_row_hashes(table: pa.Table, rows: Hashes, hashes: Hashes) -> pa.Table:
    """Set the hash of each raw row; ``rows`` are in order and hold all of the table's."""
    return _with(table, "row_hash", pa.array(hashes[np.searchsorted(rows, table["row"].to_numpy())]))


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(SCHEMA.get_field_index(name), SCHEMA.field(name), values)
