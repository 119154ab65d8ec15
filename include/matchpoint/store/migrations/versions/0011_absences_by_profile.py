"""Who is in several profiles may be absent from the feed of each."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    _key("user_id", "profile", steps="expire, deactivate, purge_date or hand_over")


def downgrade() -> None:
    """Go back to the revision before, which has one absence of a user: that of the first profile stays."""
    op.execute(
        "DELETE FROM absences WHERE EXISTS (SELECT 1 FROM absences AS others"
        " WHERE others.user_id = absences.user_id AND others.profile < absences.profile)"
    )
    _key("user_id", steps="expire, deactivate or purge_date")


def _key(*columns: str, steps: str) -> None:
    with op.batch_alter_table("absences") as absences:
        absences.drop_constraint(op.f("pk_absences"), type_="primary")
        absences.create_primary_key(op.f("pk_absences"), list(columns))
        absences.alter_column("step", existing_type=sa.Text(), comment=f"the last step taken: {steps}")
