"""One run at a time applies to a store, and a killed one holds nobody up."""

from __future__ import annotations

import subprocess
import sys
import threading

from matchpoint.store import exclusive, open_store

HOLD = """
import sys, time
from matchpoint.store import exclusive, open_store
with exclusive(open_store(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_store_is_held_by_one_process_until_it_ends_even_by_sigkill(store_url: str) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, store_url], stdout=subprocess.PIPE, text=True)
    entered = threading.Event()

    def enter() -> None:
        with exclusive(open_store(store_url)):
            entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        waiting.start()
        assert not entered.wait(1)
    finally:
        holder.kill()
        holder.wait()
    assert entered.wait(10)
    waiting.join(10)
