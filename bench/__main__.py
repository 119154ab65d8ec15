"""The benchmark: ``make bench`` for 100,000 people, ``make bench N=1000000`` for the whole table.

``N`` is the number of people, ``ONLY`` names what to run (cases, databases, contestants, in any mix), ``ROUNDS`` how
often each is measured, ``CHECK=1`` compares what all leave behind, once, and measures nothing worth a look.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.airflow_start import seconds_a_task
from bench.child import MODULES
from bench.databases import databases
from bench.generate import write_all
from bench.job import CASES
from bench.limits.straight import write_documents
from bench.measuring import PEERS, SLOW, YARDSTICK, Bench, Measured
from bench.plot import draw
from bench.table import lines, verdicts

RESULTS = Path(__file__).with_name("results")
PEERS_UP_TO = 100_000
"""Peers are measured up to this size: the slowest would take an hour for a million."""
DATABASES = ["sqlite", "postgresql"]


def main() -> int:
    """Run what was asked for, print the table, leave figures and plot in ``bench/results``."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the PostgreSQL server goes, too
    measured: list[Measured] = []
    for one in _measure(options):
        measured.append(one)
        if not options.check:
            _save(options.rows, measured)  # what was measured is kept, whatever comes
        print(f"{one.rows:>9,} {one.case:11} {one.database:10} {one.contestant:15} {one.seconds:8.2f} s", flush=True)
    if options.check:
        print("All contestants ended in the same users.")
        return 0
    print("", *lines(measured), "", sep="\n")
    print(
        f"Peers keep less (see bench/peers). They are measured up to {PEERS_UP_TO:,} rows, and only once when they "
        f"take over {SLOW:.0f} s."
    )
    airflow = None if options.only else seconds_a_task()
    if airflow is not None:
        print(f"Airflow's own part is not in these figures: {airflow:.2f} s for an empty task in dag.test.")
    _save(options.rows, measured, airflow)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=[], help="cases, databases and contestants, in any mix")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    known = {*CASES, *DATABASES, *MODULES, "peers"}
    for word in options.only:
        if word not in known:
            parser.error(f"found {word!r}; accepted are {', '.join(sorted(known))}")
    return options


def _measure(options: argparse.Namespace) -> Iterator[Measured]:
    sizes = sorted({options.rows, min(options.rows, PEERS_UP_TO)})
    only = [name for word in options.only for name in (PEERS if word == "peers" else [word])]
    cases = [one for one in CASES if one in only] or list(CASES)
    rivals = [one for one in MODULES if one != YARDSTICK]
    contestants = [one for one in rivals if one in only] or rivals
    names = [one for one in DATABASES if one in only] or DATABASES
    with tempfile.TemporaryDirectory(prefix="matchpoint-bench-") as home:
        folder = Path(home)
        with databases(folder, names) as found:
            for rows in sizes:
                who = tuple(one for one in contestants if one not in PEERS or rows <= PEERS_UP_TO)
                place = folder / str(rows)
                place.mkdir()
                extracts = write_all(place, rows)
                extracts["users"] = write_documents(extracts["day1"], place / "users.jsonl")
                bench = Bench(rows, extracts, folder, 1 if options.check else options.rounds, who, options.check)
                for number, database in enumerate(found):
                    # Alma's XML knows no database: once is enough.
                    yield from bench.cases(database, [one for one in cases if one != "xml" or not number])


def _save(rows: int, measured: list[Measured], airflow: float | None = None) -> None:
    RESULTS.mkdir(exist_ok=True)
    machine = {"machine": platform.machine(), "system": platform.system(), "python": platform.python_version()}
    reached = {" ".join(map(str, (*key, what))): good for (key, what), good in verdicts(measured).items()}
    found = {
        "machine": machine,
        "measured": [asdict(one) for one in measured],
        "reached": reached,
        "airflow_seconds_a_task": airflow,
    }
    RESULTS.joinpath(f"bench-{rows}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    RESULTS.joinpath(f"bench-{rows}.md").write_text("\n".join(lines(measured)) + "\n", encoding="utf-8")
    draw(measured, RESULTS / f"bench-{rows}.svg")


if __name__ == "__main__":
    sys.exit(main())
