"""Matchpoint, driven as its Airflow operators drive it: fetch, transform, plan, apply, receipt."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import Engine

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
    """Do the job; tells the counts of the receipt and the seconds of each stage."""
    if job.case == "xml":
        return {"counts": {"users": write_and_read(job)}}
    stages: dict[str, float] = {}
    profile = bench_profile()
    engine = open_store(job.url)
    mode: Mode = "import" if job.case == "import" else "synchronize"
    counts = drive(job, profile, engine, mode, stages)
    engine.dispose()
    return {"counts": counts, "stages": stages}


def drive(
    job: Job, profile: Profile, engine: Engine, mode: Mode, stages: dict[str, float], *, fast: bool = True
) -> dict[str, int]:
    """Go through the stages of a run, each timed; ``fast`` off is the slow reference path."""
    folder = RunFolder(Path(job.folder, "run"))
    with _timed(stages, "fetch"):
        copy = folder.path("fetched", job.path.name)
        folder.write_manifest(keep(folder, copy, f"/banner/{job.path.name}", 1_700_000_000, 0, profile=profile))
        copy.unlink()
    with _timed(stages, "transform"):
        tables, known = load_code_tables(engine), known_to(engine, profile.code, mode, job.run_id)
        for extract in folder.extracts:
            transform_extract(folder, extract, profile, AS_OF, tables, known=known, fast=fast)
    with _timed(stages, "plan"):
        how: dict[str, Any] = {"run_id": job.run_id, "as_of": AS_OF.isoformat(), "dry_run": False}
        make_plan(folder, engine, profile, mode=mode, now=job.now, **how)
    with _timed(stages, "apply"):
        apply_plan(folder, engine, now=job.now)
    with _timed(stages, "receipt"):
        receipt = make_receipt(folder, profile, now=job.now)
    return receipt.total


def write_and_read(job: Job) -> int:
    """Write users as Alma's XML and read them back; gives how many were read."""
    with job.path.open("rb") as source, Path(job.folder, "users.xml").open("wb+") as file:
        write_users(file, map(orjson.loads, source))
        file.seek(0)
        return sum(1 for _ in read_users(file, "users.xml"))


@contextmanager
def _timed(stages: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stages[name] = time.perf_counter() - start
