"""One stage of a run in a process of its own, measured by itself."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stage:
    """What a stage gave, its seconds, and the highest memory of its process."""

    result: Any
    seconds: float
    peak_mib: int


def peak_mib() -> int:
    """Give the highest memory of this process; that of its parent, which a fork hands down, is not counted."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def in_a_fork(stage: Callable[[], Any]) -> Stage:
    """Run a stage in a fork of this process, which has imported all already. Raises RuntimeError when it fails."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_measured, args=(stage, there))
    process.start()
    there.close()
    try:
        result, seconds, peak = here.recv()
    except EOFError:
        raise RuntimeError(f"{stage.__name__}: failed; its process told why") from None
    process.join()
    return Stage(result, seconds, peak)


def _measured(stage: Callable[[], Any], there: Connection) -> None:
    start = time.perf_counter()
    result = stage()
    there.send((result, time.perf_counter() - start, peak_mib()))
