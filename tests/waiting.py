"""Waiting for something to be so: as long as it takes on a slow machine, and not longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 300.0
"""Seconds that anything may take; a slow machine needs them, and a broken one is told what was waited for."""


def wait_for(what: str, ready: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Ask until there is an answer that is not empty, and give it."""
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.1)
    return answer
