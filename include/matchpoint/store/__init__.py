"""The user store: Alma users with their identifiers and history, the ledgers, the runs."""

from matchpoint.store import feed_tables, guard_tables  # so that the metadata knows them, whoever asks for it
from matchpoint.store.engine import exclusive, open_store, refresh_statistics, writing
from matchpoint.store.upgrades import upgrade

__all__ = ["exclusive", "feed_tables", "guard_tables", "open_store", "refresh_statistics", "upgrade", "writing"]
