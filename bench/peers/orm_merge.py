"""SQLAlchemy's ORM: ``Session.merge`` of every user, a batch to a transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, create_engine, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.job import Job
from bench.peers.mapping import batches


class Base(DeclarativeBase):
    """The tables of this peer."""


class AlmaUser(Base):
    """A user by primary id."""

    __tablename__ = "alma_users"
    primary_id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))


def prepare(url: str) -> None:
    """Make the table."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def run(job: Job) -> dict[str, Any]:
    """Load an extract. The users of a batch are fetched in one query, so that merge finds them in the session."""
    engine = create_engine(job.url)
    rows = 0
    for batch in batches(job.path):
        with Session(engine, autoflush=False) as session, session.begin():
            keys = [user["primary_id"] for user in batch]
            known = session.scalars(select(AlmaUser).where(AlmaUser.primary_id.in_(keys))).all()
            if known:
                for user in batch:
                    session.merge(AlmaUser(primary_id=user["primary_id"], document=user))
            else:
                session.add_all(AlmaUser(primary_id=user["primary_id"], document=user) for user in batch)
        rows += len(batch)
    engine.dispose()
    return {"counts": {"rows": rows}}


def users(url: str) -> dict[str, Any]:
    """Give the documents by primary id."""
    engine = create_engine(url)
    with Session(engine) as session:
        found = {one.primary_id: one.document for one in session.scalars(select(AlmaUser))}
    engine.dispose()
    return found
