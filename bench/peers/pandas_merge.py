"""pandas: read_csv in chunks, ``to_sql`` into a staging table, then one merge in SQL."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from sqlalchemy import create_engine, text

from bench.job import Job
from bench.peers.mapping import BATCH, to_user

MERGE = """
    INSERT INTO alma_users (primary_id, document) SELECT primary_id, document FROM staging WHERE true
    ON CONFLICT (primary_id) DO UPDATE SET document = excluded.document
    WHERE alma_users.document <> excluded.document
"""


def prepare(url: str) -> None:
    """Make the table."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alma_users (primary_id TEXT PRIMARY KEY, document TEXT NOT NULL)"))
    engine.dispose()


def run(job: Job) -> dict[str, Any]:
    """Load an extract."""
    engine = create_engine(job.url)
    rows = 0
    with engine.begin() as connection:
        for number, chunk in enumerate(pd.read_csv(job.path, dtype=str, keep_default_na=False, chunksize=BATCH)):
            mapped = [to_user(row) for row in chunk.to_dict("records")]
            frame = pd.DataFrame(
                {"primary_id": [one["primary_id"] for one in mapped], "document": [json.dumps(one) for one in mapped]}
            )
            frame.to_sql("staging", connection, if_exists="append" if number else "replace", index=False)
            rows += len(frame)
        connection.execute(text(MERGE))
        connection.execute(text("DROP TABLE staging"))
    engine.dispose()
    return {"counts": {"rows": rows}}


def users(url: str) -> dict[str, Any]:
    """Give the documents by primary id."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT primary_id, document FROM alma_users")).all()
    engine.dispose()
    return {primary_id: json.loads(document) for primary_id, document in rows}
