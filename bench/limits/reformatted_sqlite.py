"""The bare limit on SQLite where every raw record is new: map all, hash the users, note the new hashes."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

import numpy as np
from xxhash import xxh3_64_intdigest

from bench.limits.straight import PROFILE, Mapper, header_of, mapped, raw_records, seed_of, signed
from bench.limits.synchronize_sqlite import Writer

KNOWN = (
    "SELECT group_concat(user_id), group_concat(user_hash) FROM row_ledger WHERE profile = ? "
    "AND user_id NOT IN (SELECT id FROM users WHERE source_version <> version)"
)


def run(database: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Synchronize an extract of which no raw record is known."""
    gc.disable()
    db = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536"):
        db.execute(f"PRAGMA {pragma}")
    ids, hashes = (np.fromstring(one or "", np.int64, sep=",") for one in db.execute(KNOWN, [PROFILE]).fetchone())
    user_of = dict(zip(hashes.view("u8").tolist(), ids.tolist(), strict=True))
    write = Writer(db, run_id, sha256, now)
    row = 1
    db.execute("BEGIN IMMEDIATE")
    with extract.open("rb") as file:
        header = file.readline()
        seed, hashed, pieces_of = seed_of(header), xxh3_64_intdigest, Mapper(header_of(header)).pieces
        for records in raw_records(file, 1 << 18):
            same, other = [], []
            for row, raw in enumerate(records, row + 1):
                pieces = pieces_of(raw)
                user_id = user_of.get(hashed(mapped(pieces)))
                if user_id is None:
                    other.append((row, signed(hashed(raw, seed)), pieces))
                else:
                    same.append((signed(hashed(raw, seed)), user_id))
            db.executemany("UPDATE row_ledger SET row_hash = ? WHERE user_id = ?", same)
            if other:
                write.batch(other)
    db.execute("COMMIT")
    db.close()
    return {"created": write.created, "updated": write.updated, "unchanged": row - 1 - write.created - write.updated}
