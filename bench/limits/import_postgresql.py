"""The bare limit of an import on PostgreSQL: parse, build the documents, COPY all at once, indexes last."""

from __future__ import annotations

import gc
from pathlib import Path

import psycopg
from xxhash import xxh3_64_intdigest

from bench.limits.straight import PROFILE, Mapper, copy_text, header_of, mapped, raw_records, seed_of, signed, stored

COPY_USERS = (
    "COPY users (id, primary_id, account_type, external_id, version, document, protected, source_version, "
    "changed_at, changed_by_run) FROM STDIN"
)
COPY_IDENTIFIERS = "COPY identifiers (value_key, id_type, value, user_id) FROM STDIN"
COPY_HISTORY = 'COPY history (user_id, version, outcome, actor, run_id, extract, "row", source_hash, at) FROM STDIN'
COPY_LEDGER = "COPY row_ledger (user_id, profile, row_hash, user_hash) FROM STDIN"
DROP = """
    ALTER TABLE row_ledger DROP CONSTRAINT fk_row_ledger_user_id;
    ALTER TABLE identifiers DROP CONSTRAINT fk_identifiers_user_id, DROP CONSTRAINT pk_identifiers;
    DROP INDEX ix_identifiers_user_id, ix_history_run_row;
"""
MAKE = """
    ALTER TABLE identifiers ADD CONSTRAINT pk_identifiers PRIMARY KEY (value_key);
    CREATE INDEX ix_identifiers_user_id ON identifiers (user_id);
    CREATE INDEX ix_history_run_row ON history (run_id, extract, "row");
    ALTER TABLE identifiers ADD CONSTRAINT fk_identifiers_user_id FOREIGN KEY (user_id) REFERENCES users (id);
    ALTER TABLE row_ledger ADD CONSTRAINT fk_row_ledger_user_id FOREIGN KEY (user_id) REFERENCES users (id)
        ON DELETE CASCADE;
"""


def run(url: str, extract: Path, run_id: str, sha256: str, now: str) -> dict[str, int]:
    """Import an extract into an empty store."""
    gc.disable()
    user_id, started = 0, f"import {PROFILE}\t{run_id}\t{sha256}"
    with psycopg.connect(url) as db, extract.open("rb") as file:
        db.execute("SET default_toast_compression = lz4")  # half the time of a COPY of documents goes into pglz
        db.execute(DROP)
        header = file.readline()
        seed, hashed, pieces_of = seed_of(header), xxh3_64_intdigest, Mapper(header_of(header)).pieces
        for records in raw_records(file, 4 << 20):
            identifiers, history, ledger = [], [], []
            with db.cursor().copy(COPY_USERS) as copy:  # the server takes documents while the next ones are made
                for user_id, raw in enumerate(records, user_id + 1):
                    pieces = pieces_of(raw)
                    *_, primary_id, card, net = pieces
                    user_hash = signed(hashed(mapped(pieces)))
                    document = copy_text(stored(pieces))
                    copy.write(
                        f"{user_id}\t{primary_id}\tEXTERNAL\t{PROFILE}\t1\t{document}\t{{}}\t1\t{now}\t{run_id}\n"
                    )
                    identifiers.append(
                        f"{primary_id}\tprimary_id\t{primary_id}\t{user_id}\n"
                        f"{card.casefold()}\tBARCODE\t{card}\t{user_id}\n{net.casefold()}\tINST_ID\t{net}\t{user_id}\n"
                    )
                    history.append(f"{user_id}\t1\tcreated\t{started}\t{user_id + 1}\t{user_hash}\t{now}\n")
                    ledger.append(f"{user_id}\t{PROFILE}\t{signed(hashed(raw, seed))}\t{user_hash}\n")
            for statement, lines in ((COPY_IDENTIFIERS, identifiers), (COPY_HISTORY, history), (COPY_LEDGER, ledger)):
                with db.cursor().copy(statement) as copy:
                    copy.write("".join(lines))
        db.execute(MAKE)
        db.execute("INSERT INTO counters (name, value) VALUES ('users', %s)", [user_id])
    return {"created": user_id}
