"""Reconcile: how far one came, and whom it met."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Json, Time

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "reconciles",
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="file or api"),
        sa.Column("place", sa.Integer(), nullable=False, comment="users of Alma read so far"),
        sa.Column("started_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("profile", name=op.f("pk_reconciles")),
    )
    op.create_table(
        "drift",
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column(
            "number", sa.Integer(), autoincrement=False, nullable=False, comment="place in the order of reading"
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment="what was found, such as same or differs"),
        sa.Column("primary_id", sa.Text(), nullable=False, comment="as Alma has it"),
        sa.Column("user_id", sa.BigInteger(), comment="the user of the store; null where there is none"),
        sa.Column("version", sa.Integer(), comment="the user's version that was compared"),
        sa.Column("fields", Json, nullable=False, comment="the fields that differ"),
        sa.PrimaryKeyConstraint("profile", "number", name=op.f("pk_drift")),
    )
    op.create_index("ix_drift_user", "drift", ["profile", "user_id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("drift")
    op.drop_table("reconciles")
