"""Facets: of a person whom several profiles load, what each of them last said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Go to this revision. Nobody is shared yet."""
    op.create_table(
        "facets",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column(
            "rank", sa.Integer(), nullable=False, comment="place in the profile's table of precedence, 0 first"
        ),
        sa.Column("document", JSON, nullable=False, comment="what the profile last said of the person"),
        sa.Column(
            "primary_key", sa.Text(), nullable=True, comment="the primary id that the profile gives, case-folded"
        ),
        sa.Column("user_group", sa.Text(), nullable=True, comment="the user group that the profile gives"),
        sa.Column("ends", sa.Text(), nullable=True, comment="last day of the role, YYYY-MM-DD"),
        sa.Column(
            "active", sa.Boolean(), nullable=False, comment="whether the role lasted when the user was put together"
        ),
        sa.Column(
            "row_hash",
            sa.BigInteger(),
            nullable=True,
            comment="hash of the raw row under its mapping; null: to be met again",
        ),
        sa.Column(
            "user_hash", sa.BigInteger(), nullable=True, comment="hash of the mapped user; null: to be met again"
        ),
        sa.Column("run_id", sa.Text(), nullable=True, comment="the run that last changed what the facet says"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_facets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "profile", name=op.f("pk_facets")),
    )
    op.create_index("ix_facets_profile", "facets", ["profile", "primary_key"])


def downgrade() -> None:
    """Go back to the revision before: the users stay as they are, of the profile that comes first."""
    op.drop_index("ix_facets_profile", "facets")
    op.drop_table("facets")
