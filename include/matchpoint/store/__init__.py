"""The user store: Alma users with their identifiers and history, the ledgers, the runs."""

from matchpoint.store import affiliation_tables
from matchpoint.store.engine import exclusive, open_store, refresh_statistics, writing
from matchpoint.store.upgrades import upgrade

__all__ = ["affiliation_tables", "exclusive", "open_store", "refresh_statistics", "upgrade", "writing"]
