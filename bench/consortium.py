"""A consortium: many institutions, a user store each, all loaded at the same time on one machine.

``python -m bench.consortium --institutions 20 --users 50000`` (with ``PYTHONPATH=include:.``) makes the extracts of
every institution, imports day 1 and synchronizes day 2 for all of them side by side, in a process each and as many
at once as the machine has processors, on SQLite (a file each) and on PostgreSQL (a database each); checks what every
store holds at the end, and prints users per second and peak memory as a table and as JSON.

Times are of the library: from the extract in the run folder to the receipt, without Airflow and without the transfer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, make_url, select, text
from tests.servers import postgresql

from bench.consortium_extracts import FILE, PROFILE, Day, write_extract
from bench.forks import peak_mib
from matchpoint.apply_plan import apply_plan
from matchpoint.fetch import keep
from matchpoint.make_plan import make_plan
from matchpoint.make_receipt import make_receipt
from matchpoint.profile import Mode, Profile, load_profile
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store, upgrade
from matchpoint.store.row_ledger import known_to
from matchpoint.store.tables import history, identifiers, users
from matchpoint.transform import transform_extract

NOW = datetime(2026, 9, 1, 5, tzinfo=UTC)
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Institution:
    """One institution: its number, the size of its extract, its store, and the folder of its runs."""

    number: int
    size: int
    store: str
    folder: Path


@dataclass(frozen=True)
class Job:
    """What one run of one institution cost."""

    institution: int
    mode: str
    users: int
    seconds: float
    peak_mib: int
    total: dict[str, int]


def run(folder: RunFolder, profile: Profile, store: str, mode: Mode, day: Day) -> dict[str, int]:
    """Go the way of a run with one extract that lies in the run folder as it was fetched; gives its counts."""
    engine = open_store(store)
    run_id = f"{profile.code}/{mode}/{day.number}"
    copy = folder.root / "fetched"
    folder.write_manifest(keep(folder, copy, f"in/{FILE}", day.number, 0, profile=profile))
    known = known_to(engine, profile.code, mode, run_id)
    for extract in folder.extracts:
        transform_extract(folder, extract, profile, date(2026, 9, 1), known=known)
    how: dict[str, Any] = {"mode": mode, "run_id": run_id, "as_of": "2026-09-01", "dry_run": False}
    make_plan(folder, engine, profile, now=NOW, **how)
    apply_plan(folder, engine, now=NOW)
    total = make_receipt(folder, profile, now=NOW).total
    engine.dispose()
    return total


def job(institution: Institution, mode: Mode) -> Job:
    """Run one mode for one institution, in a process that does nothing else, and measure it."""
    profile = load_profile(PROFILE).model_copy(update={"store": f"store_{institution.number:02}"})
    day = Day(1 if mode == "import" else 2, institution.number, institution.size)
    folder = RunFolder(institution.folder / mode)
    write_extract(folder.path("fetched"), day)
    upgrade(open_store(institution.store))
    begun = time.perf_counter()
    total = run(folder, profile, institution.store, mode, day)
    seconds = time.perf_counter() - begun
    if total != day.total:
        raise AssertionError(f"institution {institution.number}, {mode}: found {total}; expected {day.total}")
    return Job(institution.number, mode, total["processed"], seconds, peak_mib(), total)


def check(institution: Institution) -> None:
    """Compare what the store holds after both days with what the extracts say, user by user."""
    wanted = Day(2, institution.number, institution.size).end_state()
    engine = open_store(institution.store)
    with engine.connect() as connection:
        found = {
            row.primary_id: (row.version, row.document["last_name"], row.document["external_id"])
            for row in connection.execute(select(users.c.primary_id, users.c.version, users.c.document))
        }
        changes = connection.scalar(select(func.count()).select_from(history))
        names = connection.scalar(select(func.count()).select_from(identifiers))
    engine.dispose()
    wrong = {who for who in wanted.keys() | found.keys() if wanted.get(who) != found.get(who)}
    if wrong or changes != sum(version for version, _, _ in wanted.values()) or names != 3 * len(wanted):
        raise AssertionError(
            f"institution {institution.number}: found {len(wrong)} users, {changes} changes, {names} identifiers "
            f"otherwise than expected; expected {len(wanted)} users"
        )


def run_all(institutions: Sequence[Institution], at_once: int) -> dict[str, Any]:
    """Import, then synchronize, for all institutions side by side; gives what it cost, checked."""
    result: dict[str, Any] = {"institutions": len(institutions), "at_once": at_once}
    spawn = multiprocessing.get_context("spawn")  # no job begins with the memory of another
    modes: tuple[Mode, ...] = ("import", "synchronize")
    for mode in modes:
        begun = time.perf_counter()
        with ProcessPoolExecutor(at_once, mp_context=spawn, max_tasks_per_child=1) as pool:
            jobs = list(pool.map(job, institutions, [mode] * len(institutions)))
        result[mode] = _summary(jobs, time.perf_counter() - begun)
    for institution in institutions:
        check(institution)
    return result


def _summary(jobs: Sequence[Job], wall: float) -> dict[str, Any]:
    people = sum(one.users for one in jobs)
    return {
        "users": people,
        "wall_seconds": round(wall, 2),
        "users_per_second": round(people / wall),
        "slowest_seconds": round(max(one.seconds for one in jobs), 2),
        "peak_mib_of_a_process": round(max(one.peak_mib for one in jobs)),
        "jobs": [asdict(one) for one in jobs],
    }


@contextmanager
def stores(database: str, number: int, folder: Path, server: str | None) -> Iterator[list[str]]:
    """Give a store for each institution: files, or databases on a server, made for this and dropped at the end."""
    if database == "sqlite":
        yield [f"sqlite:///{folder}/store_{one:02}.db" for one in range(number)]
        return
    if server is None:
        with postgresql(folder / "postgresql") as url, stores(database, number, folder, url) as urls:
            yield urls
        return
    names = [f"consortium_{os.getpid()}_{one:02}" for one in range(number)]
    _each(server, "CREATE DATABASE {}", names)
    try:
        yield [make_url(server).set(database=name).render_as_string(hide_password=False) for name in names]
    finally:
        _each(server, "DROP DATABASE {} WITH (FORCE)", names)


def _each(server: str, statement: str, names: Sequence[str]) -> None:
    engine = open_store(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in names:
            connection.execute(text(statement.format(name)))
    engine.dispose()


def measure(database: str, number: int, size: int, at_once: int, server: str | None) -> dict[str, Any]:
    """Run the whole case on one kind of database."""
    with tempfile.TemporaryDirectory(prefix="consortium-") as name:
        folder = Path(name)
        with stores(database, number, folder, server) as urls:
            institutions = [Institution(one, size, url, folder / f"{one:02}") for one, url in enumerate(urls)]
            return {"database": database, **run_all(institutions, at_once)}


def table(results: Sequence[dict[str, Any]]) -> str:
    """Give the results as a table in Markdown."""
    lines = [
        "| database | mode | institutions | users | seconds | users/s | slowest institution, s | peak of a process |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in results:
        for mode in ("import", "synchronize"):
            got = one[mode]
            cells = [
                one["database"],
                mode,
                one["institutions"],
                f"{got['users']:,}",
                f"{got['wall_seconds']:.1f}",
                f"{got['users_per_second']:,}",
                f"{got['slowest_seconds']:.1f}",
                f"{got['peak_mib_of_a_process']} MiB",
            ]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="bench.consortium", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--institutions", type=int, default=20)
    parser.add_argument("--users", type=int, default=50_000, help="in the extract of each institution")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="institutions side by side")
    parser.add_argument("--database", choices=DATABASES, action="append", help="default: both")
    parser.add_argument("--server", help="SQLAlchemy URL of a PostgreSQL server; default: one of its own, fsync off")
    parser.add_argument("--json", type=Path, help="also write the results here")
    options = parser.parse_args(arguments)
    results = [
        measure(database, options.institutions, options.users, options.at_once, options.server)
        for database in options.database or DATABASES
    ]
    sys.stdout.write(f"{table(results)}\n\nEvery store holds what its extracts say.\n")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    else:
        sys.stdout.write(f"{json.dumps(results)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
