"""How many, as text."""

from __future__ import annotations


def number(value: int) -> str:
    """Give 1204 as "1,204"."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """Give 1 and "row" as "1 row", 1204 and "row" as "1,204 rows"."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"
