"""The keys of the API."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Time

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "api_keys",
        sa.Column("name", sa.Text(), nullable=False, comment="who uses it; stands in the history as API <name>"),
        sa.Column("hash", sa.Text(), nullable=False, comment="SHA-256 of the key"),
        sa.Column("scope", sa.Text(), nullable=False, comment="ro or rw"),
        sa.Column("per_second", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("revoked_at", Time),
        sa.Column("day", sa.Text(), nullable=False, comment="the day, in UTC, to which used belongs"),
        sa.Column("used", sa.Integer(), nullable=False, comment="requests of that day"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("api_keys")
