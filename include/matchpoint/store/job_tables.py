"""The tables of the Alma double's jobs and webhooks: runs of jobs, their events, who is told, what is to be told."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from matchpoint.store.tables import Json, Time, metadata

job_instances = Table(
    "job_instances",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("job_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("submitted_by", Text, nullable=False, comment="API or System"),
    Column("submitted_at", Time, nullable=False),
    Column("started_at", Time),
    Column("ended_at", Time, comment="null while it goes on"),
    Column("status", Text, nullable=False),
    Column("status_at", Time, nullable=False),
    Column("counters", Json, nullable=False, comment="users by what became of them"),
    Column("alerts", Json, nullable=False, comment="what is wrong with files as a whole"),
    Column("run_id", Text, comment="the run that it made, the same for the same files"),
    Index("ix_job_instances_job_id", "job_id", "submitted_at"),
    Index("ix_job_instances_status", "status"),
)

job_events = Table(
    "job_events",
    metadata,
    Column(
        "instance_id",
        BigInteger,
        ForeignKey("job_instances.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("at", Time, nullable=False),
    Column("message", Text, nullable=False, comment="in Alma's words, with the person's data that those have"),
    Column("parameters", Json, nullable=False, comment="file, row and identifiers of the entry, [name, value] each"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("url", Text, primary_key=True),
    Column("secret", Text, nullable=False, comment="what the posts are signed with"),
    Column("events", Json, nullable=False, comment="JOB_END, USER or both"),
    Column("format", Text, nullable=False, comment="json or xml"),
)

webhook_posts = Table(
    "webhook_posts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("url", Text, ForeignKey("webhooks.url", ondelete="CASCADE"), nullable=False),
    Column("body", LargeBinary, nullable=False, comment="as it is signed and posted"),
    Column("tries", Integer, nullable=False, comment="that failed"),
    Column("due_at", Time, nullable=False, index=True),
)
