"""The bare limit on PostgreSQL where every raw record is new: map all, hash the users, note the new hashes."""

from __future__ import annotations

import gc
from pathlib import Path

import psycopg
from xxhash import xxh3_64_intdigest

from bench.limits.straight import Mapper, header_of, mapped, raw_records, seed_of, signed
from bench.limits.synchronize_postgresql import Writer, ledger

NOTE = (
    "UPDATE row_ledger SET row_hash = same.row_hash FROM same WHERE row_ledger.user_id = same.user_id "
    "AND row_ledger.row_hash <> same.row_hash"
)


def run(url: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Synchronize an extract of which no raw record is known."""
    gc.disable()
    row = 1
    others = []
    with psycopg.connect(url) as db, extract.open("rb") as file:
        known = ledger(db, "user_id", "user_hash")
        user_of = dict(zip(known["user_hash"].astype("u8").tolist(), known["user_id"].tolist(), strict=True))
        del known
        db.execute("CREATE TEMPORARY TABLE same (user_id BIGINT, row_hash BIGINT)")
        header = file.readline()
        seed, hashed, pieces_of = seed_of(header), xxh3_64_intdigest, Mapper(header_of(header)).pieces
        with db.cursor().copy("COPY same FROM STDIN") as copy:
            for records in raw_records(file, 1 << 18):
                lines = []
                for row, raw in enumerate(records, row + 1):
                    pieces = pieces_of(raw)
                    user_id = user_of.get(hashed(mapped(pieces)))
                    if user_id is None:
                        others.append((row, signed(hashed(raw, seed)), pieces))
                    else:
                        lines.append(f"{user_id}\t{signed(hashed(raw, seed))}\n")
                copy.write("".join(lines))
        db.execute("ANALYZE same")
        db.execute(NOTE)
        write = Writer(db, run_id, sha256, now)
        write.batch(others)
    return {"created": write.created, "updated": write.updated, "unchanged": row - 1 - write.created - write.updated}
