"""The bare limit of a synchronize on PostgreSQL: hash every raw record, map only the unknown, write only changes."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psycopg
from xxhash import xxh3_64_intdigest

from bench.limits.import_postgresql import COPY_HISTORY, COPY_IDENTIFIERS, COPY_USERS
from bench.limits.straight import (
    PROFILE,
    Mapper,
    Pieces,
    changes,
    copy_text,
    header_of,
    mapped,
    raw_records,
    seed_of,
    signed,
    stored,
    with_special,
)

BATCH = 5_000
MET = (
    "SELECT i.value_key, u.id, u.version, u.document::text FROM users u JOIN identifiers i ON i.user_id = u.id "
    "WHERE i.id_type = 'primary_id' AND i.value_key = ANY(%s)"
)
EDITED = "SELECT id FROM users WHERE source_version <> version"
COPY_CHANGES = COPY_HISTORY.replace("at)", "at, before, after)")
TEMPORARY = """
    SET default_toast_compression = lz4;
    CREATE TEMPORARY TABLE changed (id BIGINT, document JSONB) ON COMMIT DROP;
    CREATE TEMPORARY TABLE noted (user_id BIGINT, row_hash BIGINT, user_hash BIGINT) ON COMMIT DROP;
"""
UPDATE = (
    "UPDATE users SET document = changed.document, version = version + 1, source_version = version + 1, "
    "changed_at = %s, changed_by_run = %s FROM changed WHERE users.id = changed.id"
)
NOTE = (
    f"INSERT INTO row_ledger (user_id, profile, row_hash, user_hash) "
    f"SELECT user_id, '{PROFILE}', row_hash, user_hash FROM noted "
    "ON CONFLICT (user_id) DO UPDATE SET row_hash = excluded.row_hash, user_hash = excluded.user_hash"
)


def run(url: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Synchronize an extract with a store that an import or a synchronize filled before."""
    gc.disable()
    row = 1
    unknown: list[tuple[int, bytes]] = []
    with psycopg.connect(url) as db, extract.open("rb") as file:
        known = set(ledger(db, "row_hash")["row_hash"].astype("u8").tolist())
        header = file.readline()
        seed, hashed = seed_of(header), xxh3_64_intdigest
        for records in raw_records(file):
            new = [(place, raw) for place, raw in enumerate(records, row + 1) if hashed(raw, seed) not in known]
            unknown += new
            row += len(records)
        write = Writer(db, run_id, sha256, now)
        mapper = Mapper(header_of(header))
        rest = iter(unknown)
        while batch := list(islice(rest, BATCH)):
            write.batch([(place, signed(hashed(raw, seed)), mapper.pieces(raw)) for place, raw in batch])
    return {"created": write.created, "updated": write.updated, "unchanged": row - 1 - write.created - write.updated}


def ledger(db: psycopg.Connection[Any], *columns: str) -> np.ndarray[Any, Any]:
    """Give columns of the ledger, without the users who were edited since.

    The server packs the numbers into one value: a million rows of their own would take five times as long.
    """
    db.execute("SET jit = off")
    edited = [user_id for (user_id,) in db.execute(EDITED)]
    packed = " || ".join(f"int8send({name})" for name in columns)
    query = f"SELECT string_agg({packed}, ''::bytea) FROM row_ledger WHERE profile = '{PROFILE}'"
    query += " AND user_id <> ALL(%s)" if edited else ""
    (data,) = db.cursor(binary=True).execute(query, [edited] if edited else None).fetchone() or (None,)
    return np.frombuffer(data or b"", [(name, ">i8") for name in columns])


class Writer:
    """Writes rows that are not known, in batches."""

    def __init__(self, db: psycopg.Connection[Any], run_id: str, sha256: str, now: str) -> None:
        self.db, self.run_id, self.sha256, self.now = db, run_id, sha256, now
        self.created = self.updated = 0
        (self.last,) = db.execute("SELECT value FROM counters WHERE name = 'users'").fetchone() or (0,)

    def batch(self, rows: list[tuple[int, int, Pieces]]) -> None:
        """Create or update the users of some rows: row number, hash of the raw record, pieces."""
        now, started = self.now, f"synchronize {PROFILE}\t{self.run_id}\t{self.sha256}"
        keys = [pieces[4] for *_, pieces in rows]
        met = {key: rest for key, *rest in self.db.execute(MET, [keys])}
        users, updates, identifiers, swapped, history, changed, noted = [], [], [], [], [], [], []
        for row, row_hash, pieces in rows:
            *_, primary_id, card, net = pieces
            user_hash, document = signed(xxh3_64_intdigest(mapped(pieces))), stored(pieces)
            if primary_id not in met:
                self.last = user_id = self.last + 1
                document = copy_text(document)
                users.append(
                    f"{user_id}\t{primary_id}\tEXTERNAL\t{PROFILE}\t1\t{document}\t{{}}\t1\t{now}\t{self.run_id}\n"
                )
                history.append(f"{user_id}\t1\tcreated\t{started}\t{row}\t{user_hash}\t{now}\n")
                difference = {"user_identifier": []}
            else:
                user_id, version, text = met[primary_id]
                before = orjson.loads(text)
                after = with_special(orjson.loads(document), before)
                difference = changes(before, after)
                old, new = (copied({name: pair[at] for name, pair in difference.items()}) for at in (0, 1))
                if difference:
                    updates.append(f"{user_id}\t{copied(after)}\n")
                    changed.append(
                        f"{user_id}\t{version + 1}\tupdated\t{started}\t{row}\t{user_hash}\t{now}\t{old}\t{new}\n"
                    )
                if "user_identifier" in difference:
                    swapped.append(user_id)
            if "user_identifier" in difference:
                identifiers.append(
                    f"{primary_id}\tprimary_id\t{primary_id}\t{user_id}\n"
                    f"{card.casefold()}\tBARCODE\t{card}\t{user_id}\n{net.casefold()}\tINST_ID\t{net}\t{user_id}\n"
                )
            noted.append(f"{user_id}\t{row_hash}\t{user_hash}\n")
        self.db.execute(TEMPORARY)
        self.copy(COPY_USERS, users)
        self.copy("COPY changed FROM STDIN", updates)
        self.db.execute("ANALYZE changed")  # else it is taken for big, and all users are read
        self.db.execute(UPDATE, [now, self.run_id])
        self.db.execute("DELETE FROM identifiers WHERE user_id = ANY(%s)", [swapped])
        self.copy(COPY_IDENTIFIERS, identifiers)
        self.copy(COPY_HISTORY, history)
        self.copy(COPY_CHANGES, changed)
        self.copy("COPY noted FROM STDIN", noted)
        self.db.execute(NOTE)
        self.db.execute("UPDATE counters SET value = %s WHERE name = 'users'", [self.last])
        self.db.commit()
        self.created += len(users)
        self.updated += len(updates)

    def copy(self, statement: str, lines: Iterable[str]) -> None:
        """Load lines."""
        with self.db.cursor().copy(statement) as copy:
            copy.write("".join(lines))


def copied(value: Any) -> str:
    """Give a value as JSON for COPY."""
    return copy_text(orjson.dumps(value).decode())
