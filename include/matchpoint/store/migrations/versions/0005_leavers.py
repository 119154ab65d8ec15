"""Since when people are absent from their feed, and what they still owe the library."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "absences",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        _counted("feeds", "full feeds in a row without the person, as far as they count"),
        _text("first_absent", "as-of date of the first of them", nullable=False),
        _text("run_id", "the run that counted last", nullable=False),
        _text("step", "the last step taken: expire, deactivate or purge_date"),
        _text("step_run_id", "the run that took it"),
        sa.Column("before", JSON, nullable=True, comment="the fields that the steps have set, as they were"),
        _text("next_on", "as-of date from which on the next step is looked at", nullable=False),
        _text("held", "what holds the next step back: the person is on the clearance list"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_absences_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_profile"), "absences", ["profile"])
    op.create_table(
        "obligations",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        _counted("blocks"),
        _counted("loans"),
        _counted("requests"),
        _text("fines", "the open balance, a decimal number", nullable=False),
        _text("as_of", "the day for which it was told", nullable=False),
        _text("source", "who told it: a file, an interface", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_obligations_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_obligations")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("obligations")
    op.drop_index(op.f("ix_absences_profile"), "absences")
    op.drop_table("absences")


def _text(name: str, comment: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable, comment=comment)


def _counted(name: str, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, comment=comment)
