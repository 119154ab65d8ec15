"""JSON in one form only: equal values are equal text, whoever writes them."""

from __future__ import annotations

from typing import Any

import orjson


def canonical(value: Any) -> str:
    """Write a value as JSON with sorted keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
