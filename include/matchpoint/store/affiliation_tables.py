"""The table of facets: of a person whom several profiles load, what each of them last said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from matchpoint.store.tables import Json, Time, metadata

facets = Table(
    "facets",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("profile", Text, primary_key=True),
    Column("rank", Integer, nullable=False, comment="place in the profile's table of precedence, 0 first"),
    Column("document", Json, nullable=False, comment="what the profile last said of the person"),
    Column("primary_key", Text, comment="the primary id that the profile gives, case-folded"),
    Column("user_group", Text, comment="the user group that the profile gives"),
    Column("ends", Text, comment="last day of the role, YYYY-MM-DD"),
    Column("active", Boolean, nullable=False, comment="whether the role lasted when the user was put together"),
    Column("row_hash", BigInteger, comment="hash of the raw row under its mapping; null: to be met again"),
    Column("user_hash", BigInteger, comment="hash of the mapped user; null: to be met again"),
    Column("run_id", Text, comment="the run that last changed what the facet says"),
    Column("at", Time, nullable=False),
    Index("ix_facets_profile", "profile", "primary_key"),
)
"""People of one profile alone have none. Who has facets has no entry in the row ledger: the facets' hashes serve."""
