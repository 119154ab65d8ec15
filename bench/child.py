"""One measured process: ``python -m bench.child`` does the job of its standard input and tells what it took."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from typing import Any

from bench.forks import peak_mib
from bench.job import Job

MODULES = {
    "csv.reader": "bench.reading",
    "limit": "bench.limit_run",
    "matchpoint": "bench.matchpoint_run",
    "SQLAlchemy ORM": "bench.peers.orm_merge",
    "SQLAlchemy Core": "bench.peers.core_upsert",
    "pandas": "bench.peers.pandas_merge",
    "dlt": "bench.peers.dlt_merge",
}
"""Where each contestant is. A module has ``run``, and ``prepare`` for an empty store of its kind."""


def measured(job: Job) -> dict[str, Any]:
    """Do a job. Neither the interpreter's start nor the imports are in its time."""
    module = importlib.import_module(MODULES[job.contestant])
    prepared = module.ready(job) if hasattr(module, "ready") else job
    start = time.perf_counter()
    told = module.run(prepared)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mib": peak_mib(), **told}


if __name__ == "__main__":
    logging.disable(logging.INFO)
    print(json.dumps(measured(Job(**json.load(sys.stdin)))))
