"""The tables that the limits fill: those of the user store."""

from __future__ import annotations

from matchpoint.store import open_store, upgrade


def prepare(url: str) -> None:
    """Make the empty store at a URL."""
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()
