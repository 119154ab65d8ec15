"""Fixtures of the library's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from affiliated import made_both
from helpers import House, open_house


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    """A house on an empty store, on SQLite and on PostgreSQL; a test that wants another one makes its own."""
    with open_house(store_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def both(house: House) -> House:
    """Give a house in which a student is an employee, too."""
    return made_both(house)
