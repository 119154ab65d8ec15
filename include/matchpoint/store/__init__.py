"""The user store: Alma users with their identifiers and history, the ledgers, the runs."""

from matchpoint.store import notice_tables  # noqa: F401 (its tables are then known to the metadata)
from matchpoint.store.engine import exclusive, open_store, refresh_statistics, writing
from matchpoint.store.upgrades import upgrade

__all__ = ["exclusive", "open_store", "refresh_statistics", "upgrade", "writing"]
