"""The user store: Alma users with their identifiers and history, the ledgers, the runs."""

# So that the metadata knows all tables, whoever asks for it.
from matchpoint.store import (  # noqa: F401
    affiliation_tables,
    api_tables,
    code_review_tables,
    delivery_tables,
    feed_tables,
    guard_tables,
    identity_tables,
    job_tables,
    leavers_tables,
    notice_tables,
    reconcile_tables,
)
from matchpoint.store.engine import exclusive, open_store, refresh_statistics, writing
from matchpoint.store.upgrades import upgrade

__all__ = ["exclusive", "open_store", "refresh_statistics", "upgrade", "writing"]
