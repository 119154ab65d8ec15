"""The temporary tables in which a feed is matched."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

temporary = MetaData()
staged = Table(
    "staged",
    temporary,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("extract", Text, nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("source_hash", Text, nullable=False),
    prefixes=["TEMPORARY"],
)
"""One row per row of the feed."""
staged_identifiers = Table(
    "staged_identifiers",
    temporary,
    Column("position", BigInteger, nullable=False, index=True),
    Column("id_type", Text, nullable=False),
    Column("value_key", Text, nullable=False, index=True),
    prefixes=["TEMPORARY"],
)
"""The identifiers of each, case-folded."""
settled = Table(
    "settled",
    temporary,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("outcome", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False, index=True),
    prefixes=["TEMPORARY"],
)
"""Rows that need no further look, with what became of them."""

held_before = Table(
    "held_before",
    temporary,
    Column("value_key", Text, nullable=False, index=True),
    Column("id_type", Text, nullable=False),
    Column("user_id", BigInteger, nullable=False, index=True),
    prefixes=["TEMPORARY"],
)
"""Identifiers that this very run has replaced: a repeated run decides by them."""
