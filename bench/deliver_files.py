"""How fast people come to Alma by file: ``python -m bench.deliver_files --people 20000``.

A store is delivered to an Alma double: zips, a real SFTP server, the double's SIS job by the Jobs API, its answers.
The double works in a thread of this process; the steps follow one upon another, so each has a processor for itself.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from tests.served import Served, serving
from tests.servers import openssh

from bench.deliver import load as loaded_store
from bench.profiles import bench_profile
from matchpoint.almaws.jobs import profile_number
from matchpoint.deliver.answers import take_answer
from matchpoint.deliver.files import Delivery, write_load
from matchpoint.deliver.job import has_ended, job_of_load
from matchpoint.profile import Profile
from matchpoint.profile.destinations import AlmaSftp
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store, upgrade
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.jobs import add_jobs
from matchpoint_airflow.doors.files import upload
from matchpoint_airflow.doors.jobs import ask, instance_of, jobs_of_profile, keep_events, run
from matchpoint_airflow.hooks.sis import sis_server

HEAD = """| people | write zips | upload | Alma's job | answers | in all | people a second |
|---:|---:|---:|---:|---:|---:|---:|"""
STEPS = ("write", "upload", "job", "answers")


def deliver_by_file(people: int) -> dict[str, Any]:
    """Deliver so many new people by file to a double; gives ``people``, seconds by step, and ``seconds`` in all."""
    with tempfile.TemporaryDirectory(prefix="matchpoint-deliver-files-") as home:
        return _measured(Path(home), people)


def _measured(home: Path, people: int) -> dict[str, Any]:
    profile, theirs = bench_profile(), _alma_profile()
    ours, alma = open_store(loaded_store(home, people, 0)), open_store(f"sqlite:///{home / 'alma.sqlite'}")
    upgrade(alma)
    to = AlmaSftp(connection="files", folder="alma/in", profile_id=profile_number(profile.code))
    folder, now = RunFolder(home / "delivery"), datetime.now(UTC)
    marks = [time.perf_counter()]
    with (
        openssh(home / "sshd") as server,
        _alma(alma, theirs, home, server.root / "alma") as double,
    ):
        (server.root / "alma" / "in").mkdir(parents=True)
        os.environ["AIRFLOW_CONN_FILES"] = server.connection()
        os.environ["AIRFLOW_CONN_ALMA"] = json.dumps(
            {"conn_type": "alma", "host": double.address, "password": double.key}
        )
        marks[0] = time.perf_counter()
        load = write_load(folder, ours, to, Delivery("bench", profile.code, now, now), to.most)
        marks.append(time.perf_counter())
        with sis_server("files", to.folder) as sftp:
            upload(sftp, folder, load, profile.code)
        marks.append(time.perf_counter())
        job, instance = _run(to)
        marks.append(time.perf_counter())
        ask("alma", lambda api: keep_events(api, job, instance["id"], folder))
        answer = take_answer(ours, folder, instance, profile=profile.code, run_id="bench", now=now)
        marks.append(time.perf_counter())
    if answer.doubt or answer.counts["created"] != people:
        raise RuntimeError(f"found {answer.counts}, {answer.doubt}; expected {people} created")
    seconds = {name: marks[at + 1] - marks[at] for at, name in enumerate(STEPS)}
    return {"people": people, **seconds, "seconds": marks[-1] - marks[0]}


def _alma(engine: Engine, profile: Profile, home: Path, files: Path) -> AbstractContextManager[Served]:
    """Serve the double's API, with the SIS jobs of a profile on a folder below ``files``."""
    desk = JobDesk(engine, [profile], home / "runs", files)
    return serving(engine, around=lambda app: add_jobs(app, desk))


def _run(to: AlmaSftp) -> tuple[str, dict[str, Any]]:
    job = job_of_load(ask("alma", lambda api: jobs_of_profile(api, to.profile_id))) or ""
    started = ask("alma", lambda api: run(api, job))
    while True:
        instance = ask("alma", lambda api: instance_of(api, job, started))
        if has_ended(instance):
            return job, instance
        time.sleep(0.1)


def _alma_profile() -> Profile:
    synchronize = {"path": "in", "match_points": ["primary_id"]}
    written = {"code": bench_profile().code, "name": "Bench", "sis_type": "Matchpoint", "connection": "files"}
    return Profile.model_validate(written | {"format": {"type": "alma_xml"}, "actions": {"synchronize": synchronize}})


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.deliver_files", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    people = parser.parse_args().people
    logging.disable(logging.WARNING)
    told = deliver_by_file(people)
    steps = " | ".join(f"{told[name]:.1f} s" for name in (*STEPS, "seconds"))
    print(HEAD, f"| {people:,} | {steps} | {people / told['seconds']:,.0f} |", sep="\n")


if __name__ == "__main__":
    main()
