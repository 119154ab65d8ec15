"""Feeds: what each extract of a run was like, so that the next one can be compared."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "feeds",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column(
            "extract",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="number of the extract in the run",
        ),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True, comment="number of rows, where the format tells"),
        sa.Column("measured", JSON, nullable=False, comment="what the file was like, without a person's data"),
        sa.Column("noted_at", TIME, nullable=False, comment="when the run first met it"),
        sa.PrimaryKeyConstraint("run_id", "extract", name=op.f("pk_feeds")),
    )
    op.create_index("ix_feeds_profile_mode_noted_at", "feeds", ["profile", "mode", "noted_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("feeds")
