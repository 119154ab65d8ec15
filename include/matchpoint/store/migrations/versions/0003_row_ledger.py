"""The row ledger: which raw row and which mapped user each user was last made of."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision. The ledger begins empty: the next synchronize compares every user once."""
    op.create_table(
        "row_ledger",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.BigInteger(), nullable=True, comment="hash of the raw row under its mapping"),
        sa.Column("user_hash", sa.BigInteger(), nullable=False, comment="hash of the mapped user"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_row_ledger_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_row_ledger")),
    )
    with op.batch_alter_table("users") as users:
        users.drop_column("source_hash")
    edited = sa.text("source_version <> version")
    op.create_index("ix_users_edited", "users", ["id"], postgresql_where=edited, sqlite_where=edited)
    with op.batch_alter_table("history") as history:
        history.drop_column("source_hash")
        history.add_column(
            sa.Column("source_hash", sa.BigInteger(), nullable=True, comment="hash of the mapped user")
        )
        history.alter_column("after", existing_type=sa.JSON(), nullable=True)
    for table, column in (("users", "document"), ("history", "before"), ("history", "after")):
        _compress(table, column)
    _comment("history", "after", "the changed fields as they are; null for a user made by a run")
    _comment("users", "source_version", "the user's version right after the SIS's row was last applied")


def downgrade() -> None:
    """Go back to the revision before."""
    _comment("users", "source_version", "the user's version right after that")
    _comment("history", "after", "the changed fields as they are; the whole new user")
    made = sa.text(
        "UPDATE history SET after = (SELECT document FROM users WHERE users.id = history.user_id) WHERE after IS NULL"
    )
    op.execute(made)
    op.execute("UPDATE history SET after = '{}' WHERE after IS NULL")
    with op.batch_alter_table("history") as history:
        history.drop_column("source_hash")
        history.add_column(sa.Column("source_hash", sa.Text(), nullable=True))
        history.alter_column("after", existing_type=sa.JSON(), nullable=False)
    op.drop_index("ix_users_edited", "users")
    with op.batch_alter_table("users") as users:
        users.add_column(
            sa.Column("source_hash", sa.Text(), nullable=True, comment="hash of the mapped row that was last applied")
        )
    op.drop_table("row_ledger")


def _compress(table: str, column: str) -> None:
    """Let PostgreSQL compress documents by LZ4, in half the time, where it is new enough and was built with it."""
    if op.get_context().dialect.name == "postgresql":
        change = f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4"
        op.execute(f"DO $$ BEGIN EXECUTE '{change}'; EXCEPTION WHEN OTHERS THEN NULL; END $$")


def _comment(table: str, column: str, text: str) -> None:
    """Say anew what a column holds; SQLite keeps no comments."""
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(table, column, comment=text)
