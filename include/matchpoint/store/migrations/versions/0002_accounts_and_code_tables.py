"""Passwords, code tables, and the SIS's value beside each protected field."""

from collections.abc import Callable, Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_USERS = sa.table("users", sa.column("id", sa.BigInteger()), sa.column("protected", JSON))


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "code_tables",
        sa.Column("name", sa.Text(), nullable=False, comment="Alma's name of the table, such as UserGroups"),
        sa.Column("scope", sa.Text(), nullable=False, comment="record type that the code is for; empty for all"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", "scope", "code", name=op.f("pk_code_tables")),
    )
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False, comment="argon2id"),
        sa.Column("must_change", sa.Boolean(), nullable=False, comment="at the next sign-in"),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passwords_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passwords")),
    )
    _change_protected("[]", "{}", dict.fromkeys)
    _comment("users", "protected", "special fields edited by hand, with the SIS's value")
    _comment("history", "outcome", "created, updated or deleted")


def downgrade() -> None:
    """Go back to the revision before."""
    _comment("history", "outcome", "created or updated")
    _comment("users", "protected", "special fields that were edited by hand")
    _change_protected("{}", "[]", list)
    op.drop_table("passwords")
    op.drop_table("code_tables")


def _change_protected(empty: str, instead: str, change: Callable[[Iterable[str]], object]) -> None:
    """Write the protected fields in another form: most users have none."""
    connection = op.get_bind()
    as_text = sa.cast(_USERS.c.protected, sa.Text())
    some = connection.execute(sa.select(_USERS).where(as_text != empty)).all()
    connection.execute(_USERS.update().where(as_text == empty).values(protected=sa.text(f"'{instead}'")))
    for user_id, protected in some:
        connection.execute(_USERS.update().where(_USERS.c.id == user_id).values(protected=change(protected)))


def _comment(table: str, column: str, text: str) -> None:
    """Say anew what a column holds; SQLite keeps no comments."""
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(table, column, comment=text)
