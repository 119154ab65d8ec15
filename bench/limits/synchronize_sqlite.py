"""The bare limit of a synchronize on SQLite: hash every raw record, map only the unknown, write only what changed."""

from __future__ import annotations

import gc
import sqlite3
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from xxhash import xxh3_64_intdigest

from bench.limits.straight import (
    PROFILE,
    Mapper,
    Pieces,
    changes,
    header_of,
    mapped,
    raw_records,
    seed_of,
    signed,
    stored,
    with_special,
)

BATCH = 500
USERS = (
    "INSERT INTO users (id, primary_id, account_type, external_id, version, document, protected, source_version, "
    f"changed_at, changed_by_run) VALUES (?, ?, 'EXTERNAL', '{PROFILE}', 1, ?, '{{}}', 1, ?, ?)"
)
UPDATE = (
    "UPDATE users SET document = ?, version = version + 1, source_version = version + 1, changed_at = ?, "
    "changed_by_run = ? WHERE id = ?"
)
IDENTIFIERS = "INSERT INTO identifiers (value_key, id_type, value, user_id) VALUES (?, ?, ?, ?)"
HISTORY = (
    'INSERT INTO history (user_id, version, outcome, actor, run_id, extract, "row", source_hash, before, after, at) '
    f"VALUES (?, ?, ?, 'synchronize {PROFILE}', ?, ?, ?, ?, ?, ?, ?)"
)
LEDGER = f"INSERT OR REPLACE INTO row_ledger (user_id, profile, row_hash, user_hash) VALUES (?, '{PROFILE}', ?, ?)"
MET = (
    "SELECT u.primary_id, u.id, u.version, u.document FROM users u JOIN identifiers i ON i.user_id = u.id "
    "WHERE i.id_type = 'primary_id' AND i.value_key IN (%s)"
)
KNOWN = (
    "SELECT group_concat(row_hash) FROM row_ledger WHERE profile = ? "
    "AND user_id NOT IN (SELECT id FROM users WHERE source_version <> version)"
)


def run(database: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Synchronize an extract with a store that an import or a synchronize filled before."""
    gc.disable()
    db = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536"):
        db.execute(f"PRAGMA {pragma}")
    known = set(
        np.fromstring(db.execute(KNOWN, [PROFILE]).fetchone()[0] or "", np.int64, sep=",").view("u8").tolist()
    )
    row = 1
    unknown: list[tuple[int, bytes]] = []
    with extract.open("rb") as file:
        header = file.readline()
        seed, hashed = seed_of(header), xxh3_64_intdigest
        for records in raw_records(file):
            new = [(place, raw) for place, raw in enumerate(records, row + 1) if hashed(raw, seed) not in known]
            unknown += new
            row += len(records)
    write = Writer(db, run_id, sha256, now)
    mapper = Mapper(header_of(header))
    rest = iter(unknown)
    db.execute("BEGIN IMMEDIATE")
    while batch := list(islice(rest, BATCH)):
        write.batch([(place, signed(hashed(raw, seed)), mapper.pieces(raw)) for place, raw in batch])
    db.execute("COMMIT")
    db.close()
    return {"created": write.created, "updated": write.updated, "unchanged": row - 1 - write.created - write.updated}


class Writer:
    """Writes rows that are not known, in batches."""

    def __init__(self, db: sqlite3.Connection, run_id: str, sha256: str, now: str) -> None:
        self.db, self.run_id, self.sha256, self.now = db, run_id, sha256, now
        self.created = self.updated = 0
        self.last = db.execute("SELECT value FROM counters WHERE name = 'users'").fetchone()[0]

    def batch(self, rows: list[tuple[int, int, Pieces]]) -> None:
        """Create or update the users of some rows: row number, hash of the raw record, pieces."""
        db, run_id, sha256, now = self.db, self.run_id, self.sha256, self.now
        keys = [pieces[4] for *_, pieces in rows]
        met = {key: rest for key, *rest in db.execute(MET % ",".join("?" * len(keys)), keys)}
        users, updates, identifiers, swapped, history, ledger = [], [], [], [], [], []
        for row, row_hash, pieces in rows:
            *_, primary_id, card, net = pieces
            user_hash, document = signed(xxh3_64_intdigest(mapped(pieces))), stored(pieces)
            given = (
                (primary_id, "primary_id", primary_id),
                (card.casefold(), "BARCODE", card),
                (net.casefold(), "INST_ID", net),
            )
            if primary_id not in met:
                self.last = user_id = self.last + 1
                users.append((user_id, primary_id, document, now, run_id))
                identifiers += [(*one, user_id) for one in given]
                history.append((user_id, 1, "created", run_id, sha256, row, user_hash, None, None, now))
            else:
                user_id, version, text = met[primary_id]
                before: dict[str, Any] = orjson.loads(text)
                after = with_special(orjson.loads(document), before)
                changed = changes(before, after)
                if changed:
                    updates.append((orjson.dumps(after).decode(), now, run_id, user_id))
                    old, new = (
                        orjson.dumps({name: pair[at] for name, pair in changed.items()}).decode() for at in (0, 1)
                    )
                    history.append((user_id, version + 1, "updated", run_id, sha256, row, user_hash, old, new, now))
                if "user_identifier" in changed:
                    swapped.append((user_id,))
                    identifiers += [(*one, user_id) for one in given]
            ledger.append((user_id, row_hash, user_hash))
        db.executemany(USERS, users)
        db.executemany(UPDATE, updates)
        db.executemany("DELETE FROM identifiers WHERE user_id = ?", swapped)
        db.executemany(IDENTIFIERS, identifiers)
        db.executemany(HISTORY, history)
        db.executemany(LEDGER, ledger)
        db.execute("UPDATE counters SET value = ? WHERE name = 'users'", [self.last])
        self.created += len(users)
        self.updated += len(updates)
