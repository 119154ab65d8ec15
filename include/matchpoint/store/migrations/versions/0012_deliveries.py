"""Deliveries to Alma: the version it has of each user, deliveries, dead letters."""

import sqlalchemy as sa
from alembic import op

from matchpoint.store.tables import Json, Time

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_IS_DUE = "external_id IS NOT NULL AND delivered_version != version"


def upgrade() -> None:
    """Go to this revision."""
    comment = "the version that Alma has; 0: none"
    op.add_column(
        "users", sa.Column("delivered_version", sa.Integer(), nullable=False, server_default="0", comment=comment)
    )
    where = sa.text(_IS_DUE)
    op.create_index("ix_users_due", "users", ["external_id", "id"], postgresql_where=where, sqlite_where=where)
    op.create_table(
        "deliveries",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False, comment="api or sftp"),
        sa.Column("started_at", Time, nullable=False),
        sa.Column("ended_at", Time, comment="null while it goes on, or was broken off"),
        sa.Column("counts", Json, comment="people by what became of them, and requests"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_profile", "deliveries", ["profile", "started_at"])
    op.create_table(
        "dead_letters",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the user's version that Alma did not take"),
        sa.Column("code", sa.Text(), nullable=False, comment="Alma's error code, or one of ours"),
        sa.Column("message", sa.Text(), nullable=False, comment="why, without a person's data"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", Time, nullable=False),
        sa.Column("last_at", Time, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False, comment="the delivery that tried it last"),
        sa.Column(
            "retry", sa.Boolean(), nullable=False, comment="whether the next delivery tries the same version again"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_dead_letters_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_profile"), "dead_letters", ["profile"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("dead_letters")
    op.drop_table("deliveries")
    op.drop_index("ix_users_due", "users")
    op.drop_column("users", "delivered_version")
