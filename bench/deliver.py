"""How fast people come to Alma: ``python -m bench.deliver --people 2000``.

Delivers a store to an Alma double in a process of its own, by the REST API with no limit on requests but what both
bear, and prints people a second, requests a person, and CPU seconds of both. What that means at Alma's own 25
requests a second is computed from the requests that were measured.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import logging
import os
import resource
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import generate, matchpoint_run
from bench.alma_double import Double, alma_double
from bench.job import Job
from bench.profiles import bench_profile
from matchpoint.deliver.outbox import count_due
from matchpoint.deliver.progress import Progress, people_due
from matchpoint.deliver.receipt import begin, end
from matchpoint.profile import Profile
from matchpoint.run_folder import sha256
from matchpoint.store import open_store, writing
from matchpoint_airflow.doors.rest import RestDoor
from matchpoint_airflow.hooks.alma import AlmaHook

ALMA_RATE = 25
"""Requests a second that Alma bears (reference 6.4)."""
STORE = "store.sqlite"


@dataclass(frozen=True)
class Row:
    """A measured delivery, with the CPU seconds of the delivering process, and those of the double: ``cpu_alma``."""

    door: str
    case: str
    people: int
    seconds: float
    requests: int
    cpu: float
    cpu_alma: float

    def __str__(self) -> str:
        """Give it as a row of a table."""
        rate, each = self.people / self.seconds, self.requests / self.people
        return (
            f"| {self.door} | {self.case} | {self.people:,} | {self.seconds:.1f} s | {rate:,.0f} | {each:.2f} | "
            f"{self.cpu:.1f} s | {self.cpu_alma:.1f} s |"
        )


HEAD = (
    "| door | people are | people | time | people a second | requests a person | CPU | CPU of the double |\n"
    "|---|---|---|---|---|---|---|---|"
)


def load(folder: Path, people: int, day: int) -> str:
    """Bring the store to a day: on each, everybody has another last name. Gives its URL."""
    extract, url = folder / f"day{day}.csv", f"sqlite:///{folder / STORE}"
    name = generate.COLUMNS.index("LAST_NAME")
    with extract.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(generate.COLUMNS)
        for row in generate.people(people):
            writer.writerow([*row[:name], f"{row[name]} {day}", *row[name + 1 :]])
    case = "day2" if day else "import"
    job = Job("matchpoint", case, url, str(extract), sha256(extract), str(folder / f"run{day}"), day)
    if not day:
        matchpoint_run.prepare(url)
    matchpoint_run.run(matchpoint_run.ready(job))
    return url


def deliver_by_api(profile: Profile, url: str, double: Double, case: str) -> Row:
    """Deliver who is due."""
    store, run_id = open_store(url), f"bench {case}"

    async def bring() -> None:
        async with AlmaHook("alma").alma(rate=10_000) as alma:
            people = people_due(store, profile.code, 10**9)
            await RestDoor(alma, profile, 0).bring_all(people, Progress(store, profile.code, run_id), _now)

    os.environ["AIRFLOW_CONN_ALMA"] = double.connection()
    with writing(store).begin() as connection:
        begin(connection, run_id=run_id, profile=profile.code, door="api", now=_now())
    start, cpu, cpu_alma = time.perf_counter(), time.process_time(), double.cpu_seconds()
    asyncio.run(bring())
    took, cpu, cpu_alma = time.perf_counter() - start, time.process_time() - cpu, double.cpu_seconds() - cpu_alma
    with writing(store).begin() as connection:
        left = count_due(connection, profile.code).people
        receipt = end(connection, run_id, left=left, now=_now())
    if receipt.dead or receipt.left:
        raise RuntimeError(f"{case}: {receipt.dead} dead letters and {receipt.left} left; expected none")
    return Row("API", case, receipt.due, took, receipt.requests, cpu, cpu_alma)


def _now() -> datetime:
    return datetime.now(UTC)


def told(new: Row, changed: Row) -> str:
    """Say what the measured requests mean at Alma's own rate."""
    some, everybody = (
        count * row.requests / row.people / ALMA_RATE / 60 for count, row in ((1_000, changed), (100_000, changed))
    )
    first = 100_000 * new.requests / new.people / ALMA_RATE / 60
    return (
        f"At {ALMA_RATE} requests a second: 1 % of 100,000 changed takes {some:.1f} minutes, a full push of all "
        f"100,000 takes {everybody / 60:.1f} hours, their first delivery {first / 60:.1f} hours."
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliver", description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    profile = bench_profile()
    with (
        tempfile.TemporaryDirectory(prefix="matchpoint-deliver-") as home,
        alma_double(Path(home), profile) as double,
    ):
        rows = []
        for day, case in enumerate(("new", "changed")):
            url = load(Path(home), options.people, day)
            rows.append(deliver_by_api(profile, url, double, case))
    print(HEAD, *rows, "", told(*rows), sep="\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"Peak memory of the delivering process: {peak} MiB.")
    if options.json:
        figures: list[dict[str, Any]] = [asdict(row) for row in rows]
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
