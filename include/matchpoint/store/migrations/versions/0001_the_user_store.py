"""The user store."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False, comment="the last number given out"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "file_ledger",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="path on the SFTP server"),
        sa.Column("modified", sa.BigInteger(), nullable=False, comment="modification time, seconds since 1970"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_ledger")),
        sa.UniqueConstraint("profile", "mode", "name", "modified", "sha256", name=op.f("uq_file_ledger_profile")),
    )
    op.create_table(
        "history",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "version",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="the user's version after the change",
        ),
        sa.Column("outcome", sa.Text(), nullable=False, comment="created or updated"),
        sa.Column("actor", sa.Text(), nullable=False, comment="who did it: a profile and mode, or a person"),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("extract", sa.Text(), nullable=True, comment="SHA-256 of the extract"),
        sa.Column("row", sa.Integer(), nullable=True, comment="row number in the extract"),
        sa.Column("source_hash", sa.Text(), nullable=True),
        sa.Column("before", JSON, nullable=True, comment="the changed fields as they were; null for a new user"),
        sa.Column("after", JSON, nullable=False, comment="the changed fields as they are; the whole new user"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "version", name=op.f("pk_history")),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index("ix_history_run_row", ["run_id", "extract", "row"], unique=False)

    op.create_table(
        "plan_rows",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False, comment="place in the run"),
        sa.Column("extract", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("changes", JSON, nullable=True, comment="per changed field the value before and after"),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_plan_rows")),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("plan_sha256", sa.Text(), nullable=False),
        sa.Column(
            "planned_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the run first met its extracts",
        ),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", JSON, nullable=True),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("primary_id", sa.Text(), nullable=False),
        sa.Column("account_type", sa.Text(), nullable=False, comment="INTERNAL or EXTERNAL"),
        sa.Column(
            "external_id",
            sa.Text(),
            nullable=True,
            comment="code of the integration profile that owns the user",
        ),
        sa.Column("version", sa.Integer(), nullable=False, comment="grows by one with every change"),
        sa.Column("document", JSON, nullable=False, comment="the whole user in Alma's JSON form"),
        sa.Column("protected", JSON, nullable=False, comment="special fields that were edited by hand"),
        sa.Column("source_hash", sa.Text(), nullable=True, comment="hash of the mapped row that was last applied"),
        sa.Column("source_version", sa.Integer(), nullable=True, comment="the user's version right after that"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by_run", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_table(
        "identifiers",
        sa.Column("value_key", sa.Text(), nullable=False, comment="the value, case-folded"),
        sa.Column("id_type", sa.Text(), nullable=False, comment="primary_id or Alma's identifier type"),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identifiers_user_id")),
        sa.PrimaryKeyConstraint("value_key", name=op.f("pk_identifiers")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("identifiers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identifiers_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("identifiers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identifiers_user_id"))

    op.drop_table("identifiers")
    op.drop_table("users")
    op.drop_table("runs")
    op.drop_table("plan_rows")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index("ix_history_run_row")

    op.drop_table("history")
    op.drop_table("file_ledger")
    op.drop_table("counters")
