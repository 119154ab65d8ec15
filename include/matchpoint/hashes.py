"""64-bit hashes of texts, as the databases keep whole numbers: with a sign."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xxhash

Hashes = np.ndarray[Any, np.dtype[np.int64]]
"""A column of hashes. That a new row of a million has the hash of another happens once in 40,000 years of nights."""


def hash_of(text: str) -> int:
    """Hash one text, as :func:`hashes_of` does."""
    hashed = xxhash.xxh3_64_intdigest(text.encode())
    return hashed - 2**64 if hashed >= 2**63 else hashed


def hashes_of(texts: Iterable[bytes], seed: int = 0) -> Hashes:
    """Hash texts."""
    hashed = xxhash.xxh3_64_intdigest
    return np.array([hashed(text, seed) for text in texts], dtype=np.uint64).view(np.int64)
