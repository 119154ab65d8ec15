"""The bare limit of each case, found by case and database."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.job import Job
from matchpoint.store import open_store, upgrade

SCRIPTS = {"import": "import", "day2": "synchronize", "again": "synchronize", "reformatted": "reformatted"}


def prepare(url: str) -> None:
    """Make the empty store at a URL: the same tables as Matchpoint's."""
    engine = open_store(url)
    upgrade(engine)
    engine.dispose()


def ready(job: Job) -> tuple[ModuleType, Job]:
    """Import the script of a case before the clock runs."""
    if job.case == "xml":
        return importlib.import_module("bench.limits.alma_xml"), job
    database = "sqlite" if job.sqlite else "postgresql"
    return importlib.import_module(f"bench.limits.{SCRIPTS[job.case]}_{database}"), job


def run(prepared: tuple[ModuleType, Job]) -> dict[str, Any]:
    """Do the job."""
    script, job = prepared
    if job.case == "xml":
        return {"counts": script.run(job.path, Path(job.folder, "users.xml"))}
    where = job.sqlite or job.libpq
    now = job.now.strftime("%Y-%m-%d %H:%M:%S.%f" if job.sqlite else "%Y-%m-%d %H:%M:%S%z")
    return {"counts": script.run(where, job.path, job.run_id, job.sha256, now)}
