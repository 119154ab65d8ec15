"""The tables of a reconcile that goes on: how far it came, and whom it met. They are empty when it is over."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from matchpoint.store.tables import Json, Time, metadata

reconciles = Table(
    "reconciles",
    metadata,
    Column("profile", Text, primary_key=True),
    Column("source", Text, nullable=False, comment="file or api"),
    Column("place", Integer, nullable=False, comment="users of Alma read so far"),
    Column("started_at", Time, nullable=False),
)

drift = Table(
    "drift",
    metadata,
    Column("profile", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="place in the order of reading"),
    Column("kind", Text, nullable=False, comment="what was found, such as same or differs"),
    Column("primary_id", Text, nullable=False, comment="as Alma has it"),
    Column("user_id", BigInteger, comment="the user of the store; null where there is none"),
    Column("version", Integer, comment="the user's version that was compared"),
    Column("fields", Json, nullable=False, comment="the fields that differ"),
    Index("ix_drift_user", "profile", "user_id"),
)
