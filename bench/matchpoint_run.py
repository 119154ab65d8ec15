"""Matchpoint, driven as its Airflow operators drive it: fetch, transform, plan, apply, receipt."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import Engine

from bench.forks import in_a_fork
from bench.job import AS_OF, Job
from bench.profiles import bench_profile
from matchpoint.alma.xml_files import read_users, write_users
from matchpoint.apply_plan import apply_plan
from matchpoint.fetch import keep
from matchpoint.make_plan import make_plan
from matchpoint.make_receipt import make_receipt
from matchpoint.profile import Profile
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store, upgrade
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.row_ledger import known_to
from matchpoint.transform import transform_extract

Mode = Literal["import", "synchronize"]


def prepare(url: str) -> None:
    """Make the empty store at a URL."""
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()


def ready(job: Job) -> Job:
    """Lay the extract where a download would lie; its transfer is not in the time of the run."""
    if job.case != "xml":
        shutil.copyfile(job.path, RunFolder(Path(job.folder, "run")).path("fetched", job.path.name))
    return job


def run(job: Job) -> dict[str, Any]:
    """Do the job, each stage in a process of its own, as a task of Airflow is.

    Tells the counts of the receipt, the seconds of each stage, and the peak memory of the biggest one.
    """
    if job.case == "xml":
        return {"counts": {"users": write_and_read(job)}}
    done = {name: in_a_fork(stage) for name, stage in stages(job, bench_profile(), mode_of(job)).items()}
    return {
        "counts": done["receipt"].result,
        "stages": {name: one.seconds for name, one in done.items()},
        "peak_mib": max(one.peak_mib for one in done.values()),
    }


def mode_of(job: Job) -> Mode:
    """Give the mode in which a job runs the profile."""
    return "import" if job.case == "import" else "synchronize"


def stages(job: Job, profile: Profile, mode: Mode, *, fast: bool = True) -> dict[str, Callable[[], Any]]:
    """Give the stages of a run in order, the last of which gives the counts; ``fast`` off is the slow reference path.

    What one leaves for the next is in the run folder and in the store.
    """
    folder = RunFolder(Path(job.folder, "run"))

    def fetch() -> None:
        copy = folder.path("fetched", job.path.name)
        folder.write_manifest(keep(folder, copy, f"/banner/{job.path.name}", 1_700_000_000, 0, profile=profile))
        copy.unlink()

    def transform() -> None:
        with _opened(job) as engine:
            tables, known = load_code_tables(engine), known_to(engine, profile.code, mode, job.run_id)
            for extract in folder.extracts:
                transform_extract(folder, extract, profile, AS_OF, tables, known=known, fast=fast)

    def plan() -> None:
        how: dict[str, Any] = {"run_id": job.run_id, "as_of": AS_OF.isoformat(), "dry_run": False}
        with _opened(job) as engine:
            make_plan(folder, engine, profile, mode=mode, now=job.now, **how)

    def apply() -> None:
        with _opened(job) as engine:
            apply_plan(folder, engine, now=job.now)

    def receipt() -> dict[str, int]:
        return make_receipt(folder, profile, now=job.now).total

    return {one.__name__: one for one in (fetch, transform, plan, apply, receipt)}


@contextmanager
def _opened(job: Job) -> Iterator[Engine]:
    engine = open_store(job.url)
    yield engine
    engine.dispose()


def write_and_read(job: Job) -> int:
    """Write users as Alma's XML and read them back; gives how many were read."""
    with job.path.open("rb") as source, Path(job.folder, "users.xml").open("wb+") as file:
        write_users(file, map(orjson.loads, source))
        file.seek(0)
        return sum(1 for _ in read_users(file, "users.xml"))
