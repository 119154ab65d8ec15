"""dlt: a resource with a primary key and the write disposition merge; telemetry off, nothing leaves the machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}

import dlt
from sqlalchemy import create_engine, text

from bench.job import Job
from bench.peers.mapping import batches

DATASETS = {"sqlite": "main", "postgresql": "bench"}
STRATEGIES = {"sqlite": "delete-insert", "postgresql": "upsert"}
"""What dlt has of merges for each: ``upsert``, where it can."""


def run(job: Job) -> dict[str, Any]:
    """Load an extract."""
    rows = 0
    database = "sqlite" if job.sqlite else "postgresql"

    @dlt.resource(
        name="alma_users",
        primary_key="primary_id",
        write_disposition={"disposition": "merge", "strategy": STRATEGIES[database]},
        columns={"document": {"data_type": "json"}},
    )
    def alma_users() -> Iterator[list[dict[str, Any]]]:
        nonlocal rows
        for batch in batches(job.path):
            rows += len(batch)
            yield [{"primary_id": user["primary_id"], "document": user} for user in batch]

    if job.sqlite:  # without primary keys it reads the whole table for every row
        destination: Any = dlt.destinations.sqlalchemy(job.url, create_primary_keys=True)
    else:
        destination = dlt.destinations.postgres(job.libpq)
    where = {"pipelines_dir": f"{job.folder}/dlt", "dataset_name": DATASETS[database]}
    pipeline = dlt.pipeline("bench", destination=destination, **where)
    pipeline.run(alma_users())
    return {"counts": {"rows": rows}}


def users(url: str) -> dict[str, Any]:
    """Give the documents by primary id."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT primary_id, document FROM {DATASETS[engine.dialect.name]}.alma_users")
        ).all()
    engine.dispose()
    return {one: json.loads(document) if isinstance(document, str) else document for one, document in rows}
