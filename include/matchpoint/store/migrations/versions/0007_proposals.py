"""Proposals to staff about one person under two identities, and the keys by which alike users are found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision. The keys are made when a profile first asks for them."""
    op.create_table(
        "proposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False, comment="the run that last made the proposal"),
        sa.Column("at", Time, nullable=False, comment="when that run made its plan"),
        sa.Column("kind", sa.Text(), nullable=False, comment="new_primary_id, new_identifier or name_and_birth_date"),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reasons", Json, nullable=False, comment="words, no values"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="of the row: conflict, rejected or created"),
        sa.Column("user_id", sa.BigInteger(), nullable=False, comment="the user who is known"),
        sa.Column("incoming", Json, nullable=False, comment="the user that the row would make"),
        sa.Column("incoming_key", sa.BigInteger(), nullable=False, comment="hash of the row's match point"),
        sa.Column(
            "match_point",
            sa.Text(),
            nullable=False,
            comment="primary_id or identifier type by which the row is known",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="open, accepted, declined or superseded"),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", Time, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("profile", "incoming_key", "user_id", name=op.f("uq_proposals_profile")),
    )
    op.create_index("ix_proposals_status", "proposals", ["status", "profile"])
    op.create_table(
        "identity_keys",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "key",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="hash of an email, or of a name and day",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identity_keys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_identity_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identity_keys_key", "identity_keys", ["key"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("identity_keys")
    op.drop_table("proposals")
    op.execute("DELETE FROM counters WHERE name = 'identity keys'")
