"""Reconcile: how far one came, and whom it met; codes that Alma lacks, and who has a default instead."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Json, Time

revision = "0015"
down_revision = "0014"
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
    op.create_table(
        "missing_codes",
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False, comment="Alma's code table that lacks it"),
        sa.Column("people", sa.Integer(), nullable=False, comment="who have the profile's default instead"),
        sa.Column("since", Time, nullable=False),
        sa.PrimaryKeyConstraint("profile", "field", "code", name=op.f("pk_missing_codes")),
    )
    op.create_table(
        "stand_ins",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="what the user would have, did Alma know it"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_stand_ins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "field", name=op.f("pk_stand_ins")),
    )
    op.create_index(op.f("ix_stand_ins_profile"), "stand_ins", ["profile"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("stand_ins")
    op.drop_table("missing_codes")
    op.drop_table("drift")
    op.drop_table("reconciles")
