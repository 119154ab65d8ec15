"""Taking a stream in bounded pieces."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
_END = object()


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Give the items in lists of at most ``size``."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Give items while the next one is made in a thread, beside what is done with this one."""
    rest = iter(items)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, rest, _END)
        while (item := coming.result()) is not _END:
            coming = pool.submit(next, rest, _END)
            yield item  # type: ignore[misc]


@contextmanager
def without_gc() -> Iterator[None]:
    """Leave the cycle collector off for a block that makes millions of objects and no cycles.

    It would look at all of them again and again, for a third of the time. Also a decorator.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
