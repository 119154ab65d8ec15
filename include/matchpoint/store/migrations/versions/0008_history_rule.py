"""The history says by which rule each change was made."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_COMMENT = "by which rule; null for a user made by a run: then the mode, the actor's first word"


def upgrade() -> None:
    """Go to this revision. What is in the history already has no rule; no row is written anew."""
    op.add_column("history", sa.Column("rule", sa.Text(), nullable=True, comment=_COMMENT))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("history") as history:
        history.drop_column("rule")
