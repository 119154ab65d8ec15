"""A step of a run in a process of its own, which is killed in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from helpers import House

import matchpoint


def kill_in_the_middle(house: House, run_id: str, script: str, done: Callable[[House], int], enough: int) -> int:
    """Run a script with the run's folder and the store's URL, and kill it when ``enough`` is done; give how much."""
    url = house.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", script, str(house.folder(run_id).root), url]
    include = str(Path(str(matchpoint.__file__)).parents[1])
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": include})
    try:
        deadline = time.monotonic() + 60
        while done(house) < enough:
            assert child.poll() is None, "the child ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        child.kill()
    assert child.wait() == -signal.SIGKILL
    return done(house)
