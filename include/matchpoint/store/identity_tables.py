"""The tables of one person under two identities: proposals to staff, and the keys by which alike users are found."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from matchpoint.store.tables import Json, Time, metadata

proposals = Table(
    "proposals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("run_id", Text, nullable=False, comment="the run that last made the proposal"),
    Column("at", Time, nullable=False, comment="when that run made its plan"),
    Column("kind", Text, nullable=False, comment="new_primary_id, new_identifier or name_and_birth_date"),
    Column("confidence", Float, nullable=False),
    Column("reasons", Json, nullable=False, comment="words, no values"),
    Column("outcome", Text, nullable=False, comment="of the row: conflict, rejected or created"),
    Column("user_id", BigInteger, nullable=False, comment="the user who is known"),
    Column("incoming", Json, nullable=False, comment="the user that the row would make"),
    Column("incoming_key", BigInteger, nullable=False, comment="hash of the row's match point"),
    Column("match_point", Text, nullable=False, comment="primary_id or identifier type by which the row is known"),
    Column("status", Text, nullable=False, comment="open, accepted, declined or superseded"),
    Column("decided_by", Text),
    Column("decided_at", Time),
    UniqueConstraint("profile", "incoming_key", "user_id"),
    Index("ix_proposals_status", "status", "profile"),
)

identity_keys = Table(
    "identity_keys",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column(
        "key", BigInteger, primary_key=True, autoincrement=False, comment="hash of an email, or of a name and day"
    ),
    Index("ix_identity_keys_key", "key"),
    sqlite_with_rowid=False,
)
