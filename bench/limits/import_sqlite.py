"""The bare limit of an import on SQLite: parse, build the documents, load all in one transaction, indexes last."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path

from xxhash import xxh3_64_intdigest

from bench.limits.straight import PROFILE, Mapper, header_of, mapped, raw_records, seed_of, signed, stored

USERS = (
    "INSERT INTO users (id, primary_id, account_type, external_id, version, document, protected, source_version, "
    f"changed_at, changed_by_run) VALUES (?, ?, 'EXTERNAL', '{PROFILE}', 1, ?, '{{}}', 1, ?, ?)"
)
IDENTIFIERS = "INSERT INTO identifiers (value_key, id_type, value, user_id) VALUES (?, ?, ?, ?)"
HISTORY = (
    'INSERT INTO history (user_id, version, outcome, actor, run_id, extract, "row", source_hash, at) '
    f"VALUES (?, 1, 'created', 'import {PROFILE}', ?, ?, ?, ?, ?)"
)
LEDGER = f"INSERT INTO row_ledger (user_id, profile, row_hash, user_hash) VALUES (?, '{PROFILE}', ?, ?)"
LATER = ("ix_identifiers_user_id", "ix_history_run_row", "ix_users_edited")


def run(database: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Import an extract into an empty store."""
    gc.disable()
    db = sqlite3.connect(database, isolation_level=None)
    # In an empty store there is nothing to keep aside: a WAL would only write everything twice.
    for pragma in ("journal_mode=DELETE", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-65536"):
        db.execute(f"PRAGMA {pragma}")
    indexes = [sql for name, sql in db.execute("SELECT name, sql FROM sqlite_master") if name in LATER]
    db.execute("BEGIN IMMEDIATE")
    for name in LATER:
        db.execute(f"DROP INDEX IF EXISTS {name}")
    user_id = 0
    with extract.open("rb") as file:
        header = file.readline()
        seed, pieces_of = seed_of(header), Mapper(header_of(header)).pieces
        for records in raw_records(file, 1 << 18):
            users, identifiers, history, ledger = [], [], [], []
            for user_id, record in enumerate(records, start=user_id + 1):
                pieces = pieces_of(record)
                *_, primary_id, card, net = pieces
                hashed = signed(xxh3_64_intdigest(mapped(pieces)))
                users.append((user_id, primary_id, stored(pieces), now, run_id))
                identifiers += (
                    (primary_id, "primary_id", primary_id, user_id),
                    (card.casefold(), "BARCODE", card, user_id),
                    (net.casefold(), "INST_ID", net, user_id),
                )
                history.append((user_id, run_id, sha256, user_id + 1, hashed, now))
                ledger.append((user_id, signed(xxh3_64_intdigest(record, seed)), hashed))
            db.executemany(USERS, users)
            db.executemany(IDENTIFIERS, identifiers)
            db.executemany(HISTORY, history)
            db.executemany(LEDGER, ledger)
    for sql in indexes:
        db.execute(sql)
    db.execute("INSERT INTO counters (name, value) VALUES ('users', ?)", [user_id])
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    return {"created": user_id}
