"""64-bit hashes of texts, as the databases keep whole numbers: with a sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xxhash

Hashes = np.ndarray[Any, np.dtype[np.int64]]
"""A column of hashes. That a new row of a million has the hash of another happens once in 40,000 years of nights."""


def hashes_of(texts: Iterable[bytes], seed: int = 0) -> Hashes:
    """Hash texts."""
    hashed = xxhash.xxh3_64_intdigest
    return np.array([hashed(text, seed) for text in texts], dtype=np.uint64).view(np.int64)
