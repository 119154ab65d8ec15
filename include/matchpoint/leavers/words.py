"""What the steps of leavers are called where they are counted."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "absent": "absent",
        "expire": "expired",
        "deactivate": "deactivated",
        "purge_date": "purge_dated",
        "hand_over": "handed_over",
        "held": "held",
        "protected": "protected",
        "parked": "parked",
        "returned": "returned",
    }
)
"""What is counted of which steps."""
