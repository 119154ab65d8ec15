"""A worker that is killed in the middle of apply_plan loses nothing and doubles nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from extracts import extract, student
from harness import START, Matchpoint
from sqlalchemy import create_engine, text

ROWS = 3_000
CHILD = """
import sys
from datetime import datetime
import matchpoint.apply_plan
from airflow.dag_processing.dagbag import DagBag
matchpoint.apply_plan.BATCH_ROWS = 50
due = datetime.fromisoformat(sys.argv[1])
DagBag().dags["sis_import__students"].test(run_after=due, logical_date=due)
"""


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_sigkill_in_apply_plan_then_the_run_again(matchpoint: Matchpoint) -> None:
    (matchpoint.remote / "students_1.csv").write_text(extract([student(number) for number in range(ROWS)]))
    due = START.replace(day=START.day + 1)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, due.isoformat()], start_new_session=True, stdout=subprocess.DEVNULL
    )
    written = wait_for_the_middle(matchpoint.store_url, child)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert 0 < written < ROWS
    half = len(matchpoint.store()["users"])
    assert 0 < half < ROWS

    again = matchpoint.run("sis_import__students", 1)
    receipt = matchpoint.receipt(again)["total"]
    assert (receipt["processed"], receipt["created"]) == (ROWS, ROWS)
    store = matchpoint.store()
    assert len(store["users"]) == len(store["history"]) == ROWS
    assert len(store["identifiers"]) == len(set(store["identifiers"])) == 3 * ROWS
    assert [Path(path).name for path in matchpoint.remote.iterdir()] == ["students_1.csv.handled"]


def wait_for_the_middle(url: str, child: subprocess.Popen[bytes]) -> int:
    """Wait until some of the rows are in, and give how many."""
    engine = create_engine(url)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with engine.connect() as connection:
                written = connection.scalar(text("SELECT count(*) FROM history")) or 0
        except Exception:  # the tables are not there yet
            written = 0
        if written:
            engine.dispose()
            return int(written)
        time.sleep(0.01)
    raise AssertionError("the run ended before it could be killed")
