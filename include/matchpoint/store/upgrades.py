"""Bringing a user store to the newest migration."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from matchpoint.store import leavers_tables  # noqa: F401 (so that all tables are known)
from matchpoint.store.engine import exclusive, writing
from matchpoint.store.first_load import complete


def upgrade(engine: Engine) -> None:
    """Bring the store to the newest migration, with all its indexes; does nothing when it is there."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with exclusive(engine), writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    complete(engine)
