"""The guard: judgements of plans with their answers, and quarantines of profiles."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Json, Time

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "judgements",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("judged_at", Time, nullable=False),
        sa.Column("counts", Json, nullable=False, comment="people per category, in all and by user group"),
        sa.Column("trips", Json, nullable=False, comment="the limits that were reached, in words"),
        sa.Column("parked", Json, nullable=False, comment="the categories that wait for an answer"),
        sa.Column("asks", sa.Boolean(), nullable=False, comment="whether a person was asked"),
        sa.Column("answer", sa.Text(), comment="null while it waits; else see matchpoint.guard.Answer"),
        sa.Column("answered_by", sa.Text()),
        sa.Column("answered_at", Time),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_judgements_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_judgements")),
    )
    op.create_index("ix_judgements_profile", "judgements", ["profile", "mode", "judged_at"])
    op.create_table(
        "quarantines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False, comment="the run that was too faulty"),
        sa.Column("since", Time, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("released_by", sa.Text()),
        sa.Column("released_at", Time),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantines")),
    )
    op.create_index(op.f("ix_quarantines_profile"), "quarantines", ["profile"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("quarantines")
    op.drop_table("judgements")
