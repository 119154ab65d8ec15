"""SQLAlchemy Core: INSERT ... ON CONFLICT DO UPDATE of every row, a batch to a statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column, MetaData, Table, Text, create_engine, select
from sqlalchemy.dialects import postgresql, sqlite

from bench.job import Job
from bench.peers.mapping import batches

metadata = MetaData()
alma_users = Table(
    "alma_users",
    metadata,
    Column("primary_id", Text, primary_key=True),
    Column("document", JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
)


def prepare(url: str) -> None:
    """Make the table."""
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()


def run(job: Job) -> dict[str, Any]:
    """Load an extract."""
    engine = create_engine(job.url)
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    statement: Any = insert(alma_users)
    statement = statement.on_conflict_do_update(
        index_elements=["primary_id"], set_={"document": statement.excluded.document}
    )
    rows = 0
    for batch in batches(job.path):
        with engine.begin() as connection:
            connection.execute(statement, [{"primary_id": user["primary_id"], "document": user} for user in batch])
        rows += len(batch)
    engine.dispose()
    return {"counts": {"rows": rows}}


def users(url: str) -> dict[str, Any]:
    """Give the documents by primary id."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {primary_id: document for primary_id, document in connection.execute(select(alma_users))}
    engine.dispose()
    return found
