"""Tables about what is said: notices that go out once, and the secrets of this store."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from matchpoint.store.tables import Time, metadata

notices = Table(
    "notices",
    metadata,
    Column("profile", Text, primary_key=True),
    Column("occasion", Text, primary_key=True),
    Column("day", Text, primary_key=True, comment="ISO date where the profile's clocks stand"),
    Column("channel", Text, primary_key=True, comment="email or webhook"),
    Column("sent_at", Time, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
