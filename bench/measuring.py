"""Measuring: every case by every contestant, each in a process of its own, taking turns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.child import MODULES
from bench.databases import Database
from bench.end_state import differences, documents, store_state
from bench.job import CASES, EXTRACTS, Job
from matchpoint.run_folder import sha256

PEERS = ("SQLAlchemy ORM", "SQLAlchemy Core", "pandas", "dlt")
PEER_CASES = ("import", "day2")
YARDSTICK = "csv.reader"
SLOW = 30.0
"""A peer that takes more seconds than this is measured once."""


@dataclass
class Measured:
    """The runs of one contestant at one case."""

    rows: int
    case: str
    database: str
    contestant: str
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median."""
        return median(run["seconds"] for run in self.runs)

    @property
    def peak_mib(self) -> int:
        """The highest."""
        return int(max(run["peak_mib"] for run in self.runs))

    @property
    def written(self) -> int | None:
        """The users that were created or updated, where the contestant tells."""
        counts = self.runs[-1]["counts"]
        return counts["created"] + counts.get("updated", 0) if "created" in counts else None


@dataclass(frozen=True)
class Bench:
    """The extracts of one size, and how often each job is done."""

    rows: int
    extracts: dict[str, Path]
    folder: Path
    rounds: int
    contestants: tuple[str, ...]
    check: bool

    def cases(self, database: Database, cases: list[str]) -> Iterator[Measured]:
        """Measure cases on one database, an import first: all but Alma's XML need what it leaves."""
        first = ["import"] if set(cases) - {"xml"} else []
        for case in [*first, *(one for one in cases if one != "import")]:
            yield from self._case(database, case)
        for contestant in self.contestants:
            database.drop(_base(contestant))

    def _case(self, database: Database, case: str) -> Iterator[Measured]:
        who = [one for one in (YARDSTICK, *self.contestants) if one not in PEERS or case in PEER_CASES]
        found = {one: Measured(self.rows, case, database.name, one) for one in who}
        left: dict[str, Any] = {}
        for number in range(self.rounds):
            for contestant in who if number % 2 else who[::-1]:
                if number and _is_slow(found[contestant]):
                    continue
                run, url = self._run(database, case, contestant)
                found[contestant].runs.append(run)
                if self.check and not number and contestant != YARDSTICK and case != "xml":
                    left[contestant] = self._state(contestant, url)
                if case != "import":
                    database.drop(_work(contestant))
        if case == "import":
            self._keep(database, [one for one in who if one != YARDSTICK])
        _all_equal(case, database.name, left)
        yield from found.values()

    def _run(self, database: Database, case: str, contestant: str) -> tuple[dict[str, Any], str]:
        work, url = _work(contestant), ""
        if contestant != YARDSTICK and case == "import":
            url = database.new(work)
            prepare = getattr(module_of(contestant), "prepare", None)
            if prepare:
                prepare(url)
        elif contestant != YARDSTICK and case != "xml":
            url = database.copy(_base(contestant), work)
        scratch = self.folder / "scratch"
        scratch.mkdir()
        extract = self.extracts["day1" if contestant == YARDSTICK and case == "xml" else EXTRACTS[case]]
        job = Job(contestant, case, url, str(extract), sha256(extract), str(scratch), CASES.index(case))
        try:
            return in_a_process(job), url
        finally:
            shutil.rmtree(scratch)

    def _keep(self, database: Database, contestants: list[str]) -> None:
        """Keep what the last imports left: the next cases begin with it."""
        for contestant in contestants:
            database.rest(_work(contestant))
            database.copy(_work(contestant), _base(contestant))
            database.drop(_work(contestant))

    def _state(self, contestant: str, url: str) -> tuple[Any, Any]:
        whole = None if contestant in PEERS else store_state(url)
        return documents(contestant, url), whole


def _is_slow(one: Measured) -> bool:
    """Tell whether a peer takes too long to be measured more than once."""
    return one.contestant in PEERS and one.seconds > SLOW


def module_of(contestant: str) -> Any:
    """Import a contestant's module."""
    return __import__(MODULES[contestant], fromlist=["run"])


def in_a_process(job: Job) -> dict[str, Any]:
    """Do a job in a process of its own."""
    command = [sys.executable, "-m", "bench.child"]
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job.contestant}, {job.case}: ended with {done.returncode}\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _all_equal(case: str, database: str, left: dict[str, tuple[Any, Any]]) -> None:
    """Raise when two contestants did not end in the same."""
    if not left:
        return
    first, (people, store) = next(iter(left.items()))
    for contestant, (others, whole) in left.items():
        told = differences(people, others)
        if store and whole:
            told += differences(store, whole)
        if told:
            raise AssertionError(f"{case} on {database}: {first} and {contestant} differ: {'; '.join(told)}")


def _work(contestant: str) -> str:
    return f"work_{contestant.lower().replace(' ', '_').replace('.', '_')}"


def _base(contestant: str) -> str:
    return _work(contestant).replace("work", "base")
