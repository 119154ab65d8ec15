"""The table of feeds: what each file of people, and each side file, was like when its run checked it.

A feed is good when its run was applied: that stands in ``runs`` alone, so the two can never disagree.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from matchpoint.store.tables import Json, Time, metadata

feeds = Table(
    "feeds",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("extract", Integer, primary_key=True, autoincrement=False, comment="number of the extract in the run"),
    Column("profile", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("rows", BigInteger, comment="number of rows, where the format tells"),
    Column("measured", Json, nullable=False, comment="what the file was like, without a person's data"),
    Column("noted_at", Time, nullable=False, comment="when the run first met it"),
    Index("ix_feeds_profile_mode_noted_at", "profile", "mode", "noted_at"),
)
