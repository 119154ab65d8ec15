"""The tables about codes that a mapping uses and Alma lacks: the review list, and who got a default meanwhile."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text

from matchpoint.store.tables import Time, metadata

missing_codes = Table(
    "missing_codes",
    metadata,
    Column("profile", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("table_name", Text, nullable=False, comment="Alma's code table that lacks it"),
    Column("people", Integer, nullable=False, comment="who have the profile's default instead"),
    Column("since", Time, nullable=False),
)

stand_ins = Table(
    "stand_ins",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("field", Text, primary_key=True),
    Column("profile", Text, nullable=False, index=True),
    Column("code", Text, nullable=False, comment="what the user would have, did Alma know it"),
)
