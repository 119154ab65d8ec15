"""The tables of the user store, the same on SQLite and PostgreSQL.

A user is one document in Alma's JSON form with all its segments and their ownership, beside the few columns that
matching and applying need. All its identifiers stand once more in ``identifiers``, whose key is unique in the
whole institution, over primary and additional ones, upper and lower case alike.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    and_,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Time = DateTime(timezone=True)

users = Table(
    "users",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("primary_id", Text, nullable=False),
    Column("account_type", Text, nullable=False, comment="INTERNAL or EXTERNAL"),
    Column("external_id", Text, comment="code of the integration profile that owns the user"),
    Column("version", Integer, nullable=False, comment="grows by one with every change"),
    Column("document", Json, nullable=False, comment="the whole user in Alma's JSON form"),
    Column("protected", Json, nullable=False, comment="special fields edited by hand, with the SIS's value"),
    Column("source_version", Integer, comment="the user's version right after the SIS's row was last applied"),
    Column("changed_at", Time, nullable=False),
    Column("changed_by_run", Text),
    Column(
        "delivered_version", Integer, nullable=False, server_default="0", comment="the version that Alma has; 0: none"
    ),
)
Index(
    "ix_users_edited",
    users.c.id,
    postgresql_where=users.c.source_version != users.c.version,
    sqlite_where=users.c.source_version != users.c.version,
)
_IS_DUE = and_(users.c.external_id.is_not(None), users.c.delivered_version != users.c.version)
Index("ix_users_due", users.c.external_id, users.c.id, postgresql_where=_IS_DUE, sqlite_where=_IS_DUE)
"""The outbox: whom Alma does not have as they are (decision 19). Every change puts its user in, by its version."""

row_ledger = Table(
    "row_ledger",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("profile", Text, nullable=False),
    Column("row_hash", BigInteger, comment="hash of the raw row under its mapping"),
    Column("user_hash", BigInteger, nullable=False, comment="hash of the mapped user"),
)

identifiers = Table(
    "identifiers",
    metadata,
    Column("value_key", Text, primary_key=True, comment="the value, case-folded"),
    Column("id_type", Text, nullable=False, comment="primary_id or Alma's identifier type"),
    Column("value", Text, nullable=False),
    Column("user_id", BigInteger, ForeignKey("users.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False, comment="argon2id"),
    Column("must_change", Boolean, nullable=False, comment="at the next sign-in"),
    Column("changed_at", Time, nullable=False),
)

code_tables = Table(
    "code_tables",
    metadata,
    Column("name", Text, primary_key=True, comment="Alma's name of the table, such as UserGroups"),
    Column("scope", Text, primary_key=True, comment="record type that the code is for; empty for all"),
    Column("code", Text, primary_key=True),
    Column("description", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("is_default", Boolean, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False, comment="the last number given out"),
)

history = Table(
    "history",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "version",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="the user's version after the change",
    ),
    Column("outcome", Text, nullable=False, comment="created, updated or deleted"),
    Column("actor", Text, nullable=False, comment="who did it: a profile and mode, or a person"),
    Column("run_id", Text),
    Column("extract", Text, comment="SHA-256 of the extract"),
    Column("row", Integer, comment="row number in the extract"),
    Column("before", Json, comment="the changed fields as they were; null for a new user"),
    Column("after", Json, comment="the changed fields as they are; null for a user made by a run"),
    Column("at", Time, nullable=False),
    Column("source_hash", BigInteger, comment="hash of the mapped user"),
    Column(
        "rule", Text, comment="by which rule; null for a user made by a run: then the mode, the actor's first word"
    ),
    Index("ix_history_run_row", "run_id", "extract", "row"),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("as_of", Text, nullable=False),
    Column("plan_sha256", Text, nullable=False),
    Column("planned_at", Time, nullable=False, comment="when the run first met its extracts"),
    Column("applied_at", Time),
    Column("receipt", Json),
)

plan_rows = Table(
    "plan_rows",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False, comment="place in the run"),
    Column("extract", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("user_id", BigInteger),
    Column("code", Text),
    Column("field", Text),
    Column("changes", Json, comment="per changed field the value before and after"),
)

file_ledger = Table(
    "file_ledger",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("name", Text, nullable=False, comment="path on the SFTP server"),
    Column("modified", BigInteger, nullable=False, comment="modification time, seconds since 1970"),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("applied_at", Time, nullable=False),
    UniqueConstraint("profile", "mode", "name", "modified", "sha256"),
)
