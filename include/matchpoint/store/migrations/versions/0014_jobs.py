"""The Alma double's jobs and webhooks: runs of jobs, their events, who is told, what is to be told."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Json, Time

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "job_instances",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False, comment="API or System"),
        sa.Column("submitted_at", Time, nullable=False),
        sa.Column("started_at", Time),
        sa.Column("ended_at", Time, comment="null while it goes on"),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_at", Time, nullable=False),
        sa.Column("counters", Json, nullable=False, comment="users by what became of them"),
        sa.Column("alerts", Json, nullable=False, comment="what is wrong with files as a whole"),
        sa.Column("run_id", sa.Text(), comment="the run that it made, the same for the same files"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_instances")),
    )
    op.create_index("ix_job_instances_job_id", "job_instances", ["job_id", "submitted_at"])
    op.create_index("ix_job_instances_status", "job_instances", ["status"])
    op.create_table(
        "job_events",
        sa.Column("instance_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="from 1"),
        sa.Column("at", Time, nullable=False),
        sa.Column(
            "message", sa.Text(), nullable=False, comment="in Alma's words, with the person's data that those have"
        ),
        sa.Column(
            "parameters", Json, nullable=False, comment="file, row and identifiers of the entry, [name, value] each"
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["job_instances.id"], name=op.f("fk_job_events_instance_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("instance_id", "number", name=op.f("pk_job_events")),
    )
    op.create_table(
        "webhooks",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False, comment="what the posts are signed with"),
        sa.Column("events", Json, nullable=False, comment="JOB_END, USER or both"),
        sa.Column("format", sa.Text(), nullable=False, comment="json or xml"),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_posts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="as it is signed and posted"),
        sa.Column("tries", sa.Integer(), nullable=False, comment="that failed"),
        sa.Column("due_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["url"], ["webhooks.url"], name=op.f("fk_webhook_posts_url"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_posts")),
    )
    op.create_index(op.f("ix_webhook_posts_due_at"), "webhook_posts", ["due_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("webhook_posts")
    op.drop_table("webhooks")
    op.drop_table("job_events")
    op.drop_table("job_instances")
