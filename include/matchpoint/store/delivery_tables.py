"""The tables of deliveries to Alma: each delivery with its counts, and the dead letters.

Who is due stands with the users themselves: whose ``delivered_version`` is not their ``version`` (decision 19).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from matchpoint.store.tables import Json, Time, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("profile", Text, nullable=False),
    Column("door", Text, nullable=False, comment="api or sftp"),
    Column("started_at", Time, nullable=False),
    Column("ended_at", Time, comment="null while it goes on, or was broken off"),
    Column("counts", Json, comment="people by what became of them, and requests"),
    Index("ix_deliveries_profile", "profile", "started_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("profile", Text, nullable=False, index=True),
    Column("version", Integer, nullable=False, comment="the user's version that Alma did not take"),
    Column("code", Text, nullable=False, comment="Alma's error code, or one of ours"),
    Column("message", Text, nullable=False, comment="why, without a person's data"),
    Column("attempts", Integer, nullable=False),
    Column("first_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("run_id", Text, nullable=False, comment="the delivery that tried it last"),
    Column("retry", Boolean, nullable=False, comment="whether the next delivery tries the same version again"),
)
