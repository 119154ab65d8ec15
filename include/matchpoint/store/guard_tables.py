"""The tables of the guard: what was asked of a person and what the answer was, and which profiles are stopped."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from matchpoint.store.tables import Json, Time, metadata

judgements = Table(
    "judgements",
    metadata,
    Column("run_id", Text, ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("profile", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("as_of", Text, nullable=False),
    Column("judged_at", Time, nullable=False),
    Column("counts", Json, nullable=False, comment="people per category, in all and by user group"),
    Column("trips", Json, nullable=False, comment="the limits that were reached, in words"),
    Column("parked", Json, nullable=False, comment="the categories that wait for an answer"),
    Column("asks", Boolean, nullable=False, comment="whether a person was asked"),
    Column("answer", Text, comment="null while it waits; else see matchpoint.guard.Answer"),
    Column("answered_by", Text),
    Column("answered_at", Time),
    Index("ix_judgements_profile", "profile", "mode", "judged_at"),
)

quarantines = Table(
    "quarantines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("profile", Text, nullable=False, index=True),
    Column("run_id", Text, nullable=False, comment="the run that was too faulty"),
    Column("since", Time, nullable=False),
    Column("reason", Text, nullable=False),
    Column("released_by", Text),
    Column("released_at", Time),
)

ACCEPTED = ("Approve all", "Approve without the removals")
"""The answers by which a person accepts a feed, in the words of :class:`matchpoint.guard.verdict.Answer`."""
