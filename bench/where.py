"""Where Matchpoint's time goes: ``python -m bench.where day2 --rows 100000 --database postgresql --functions``.

Prints the seconds of each stage of one run, and with ``--functions`` the functions that took most, by the profiler
(which makes small functions look slower than they are).
"""

from __future__ import annotations

import argparse
import cProfile
import io
import logging
import pstats
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import matchpoint_run
from bench.databases import Database, databases
from bench.generate import write_all
from bench.job import CASES, EXTRACTS, Job
from bench.measuring import in_a_process
from bench.profiles import bench_profile
from matchpoint.run_folder import sha256


def main() -> None:
    """Run one case and print its stages."""
    parser = argparse.ArgumentParser(prog="python -m bench.where", description=__doc__)
    parser.add_argument("case", choices=[one for one in CASES if one != "xml"])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--functions", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="matchpoint-where-") as home:
        folder = Path(home)
        with databases(folder, [options.database]) as [database]:
            job = _prepared(folder, database, options.case, options.rows)
            told, functions = _profiled(job) if options.functions else (in_a_process(job), "")
    print(f"{options.case}, {options.rows:,} rows, {options.database}: {told['counts']}")
    whole = sum(told["stages"].values())
    for stage, seconds in told["stages"].items():
        print(f"  {stage:10} {seconds:7.2f} s {seconds / whole:6.0%}")
    print(f"  {'together':10} {whole:7.2f} s", f"{told.get('peak_mib', '')} MiB at most" if not functions else "")
    print(functions)


def _prepared(folder: Path, database: Database, case: str, rows: int) -> Job:
    """Bring a store to where the case begins, and give the job."""
    extracts = write_all(folder, rows)
    url = database.new("where")
    matchpoint_run.prepare(url)
    if case != "import":
        in_a_process(_job(folder, url, extracts, "import"))
        database.rest("where")
        shutil.rmtree(folder / "run")
    return _job(folder, url, extracts, case)


def _job(folder: Path, url: str, extracts: dict[str, Path], case: str) -> Job:
    extract = extracts[EXTRACTS[case]]
    return Job("matchpoint", case, url, str(extract), sha256(extract), str(folder), CASES.index(case))


def _profiled(job: Job) -> tuple[dict[str, Any], str]:
    ready, mode = matchpoint_run.ready(job), matchpoint_run.mode_of(job)
    told: dict[str, Any] = {"stages": {}}
    with cProfile.Profile() as profiler:
        for name, stage in matchpoint_run.stages(ready, bench_profile(), mode).items():
            start = time.perf_counter()
            told["counts"] = stage()
            told["stages"][name] = time.perf_counter() - start
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).strip_dirs().sort_stats("tottime").print_stats(30)
    return told, out.getvalue()


if __name__ == "__main__":
    main()
