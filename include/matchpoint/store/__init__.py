"""The user store: Alma users with their identifiers and history, the ledgers, the runs."""

from matchpoint.store import identity_tables  # registers its tables
from matchpoint.store.engine import exclusive, open_store, refresh_statistics, writing
from matchpoint.store.upgrades import upgrade

__all__ = ["exclusive", "identity_tables", "open_store", "refresh_statistics", "upgrade", "writing"]
