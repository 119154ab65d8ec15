"""The table of the API's keys."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from matchpoint.store.tables import Time, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", Text, primary_key=True, comment="who uses it; stands in the history as API <name>"),
    Column("hash", Text, nullable=False, unique=True, comment="SHA-256 of the key"),
    Column("scope", Text, nullable=False, comment="ro or rw"),
    Column("per_second", Integer, nullable=False),
    Column("per_day", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("revoked_at", Time),
    Column("day", Text, nullable=False, comment="the day, in UTC, to which used belongs"),
    Column("used", Integer, nullable=False, comment="requests of that day"),
)
"""A key is 256 random bits, so nobody guesses it from a plain hash, and it is looked up by that in a moment."""
