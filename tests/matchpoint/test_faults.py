"""Whatever breaks, and wherever: run again, all ends as if nothing had been. Nobody is lost, nobody is doubled."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import servers
from faults import STAGES, Job, Victims
from helpers import START, House, csv_text, open_house, person
from sqlalchemy import inspect, make_url, select

from matchpoint.store import open_store
from matchpoint.store.tables import runs

POINTS = int(os.environ.get("KILLS", "7"))
"""Kills in each stage that works on the store, and in the others on SQLite: KILLS=20 make test for more."""
DAY1 = {"people.csv": csv_text(person(n) for n in range(30))}
DAY2 = {
    "a.csv": csv_text(
        [
            *(person(n) for n in range(10)),  # unchanged
            *(person(n, LAST=f"Married{n}", CARD=f"New{n}") for n in range(10, 25)),
            *(person(n) for n in range(100, 115)),  # new
            person(200, LAST=""),  # rejected
            person(201, CARD="New10"),  # the card of another row
            person(26, CARD="Card27"),  # hits two users
        ]
    ),
    "b.csv": csv_text([person(n, NOTE="=1+1") for n in range(110, 125)]),  # five of them twice in the feed
}
APART = {"changed_at", "at", "planned_at", "applied_at", "judged_at", "receipt", "plan_sha256", "position"}
"""Columns that tell when, or that count rows which a repeated run does not pass over."""
OF_RECEIPT = {"started_at", "finished_at", "plan_sha256"}


def end_of(house: House, run_id: str) -> dict[str, Any]:
    """Give all that a run leaves behind, but for times."""
    with house.engine.connect() as connection:
        told = connection.scalar(select(runs.c.receipt).where(runs.c.run_id == run_id))
    receipt = {key: value for key, value in told.items() if key not in OF_RECEIPT}
    store = {
        name: [{key: value for key, value in row.items() if key not in APART} for row in rows]
        for name, rows in house.everything().items()
    }
    rejections = sorted(house.folder(run_id).root.glob("rejections/*"))
    return {"store": store, "receipt": receipt, "rejections": [(one.name, one.read_bytes()) for one in rejections]}


@dataclass
class Stage:
    """A store with some people in it, copies of it, and a process to run and kill runs in."""

    root: Path
    base: str
    victims: Victims

    def copy(self) -> Job:
        """Make a job on a copy of the store as it was, in a folder of its own."""
        root = self.root / uuid.uuid4().hex
        root.mkdir()
        url = make_url(self.base)
        if url.drivername == "sqlite":
            shutil.copy(str(url.database), root / "store.sqlite")
            store = f"sqlite:///{root / 'store.sqlite'}"
        else:
            store = servers.create_database(self.base, root.name, template=str(url.database))
        return Job(store, str(root), "day2", DAY2, minute=60)

    def end(self, job: Job) -> dict[str, Any]:
        engine = open_store(job.store)
        try:
            return end_of(House(Path(job.root), engine), job.run_id)
        finally:
            engine.dispose()
            if not self.on_sqlite:
                servers.drop_database(self.base_cluster, Path(job.root).name)

    def undisturbed(self, **changes: Any) -> tuple[dict[str, int], dict[str, Any]]:
        """Run a job in peace; gives the calls of each stage, and the end."""
        job = replace(self.copy(), counts=True, **changes)
        code, calls = self.victims.run(job)
        assert code == 0
        return calls, self.end(job)

    @property
    def on_sqlite(self) -> bool:
        return self.base.startswith("sqlite")

    @property
    def base_cluster(self) -> str:
        return make_url(self.base).set(database="postgres").render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    one = Victims()
    yield one
    one.close()


@pytest.fixture
def stage(store_url: str, tmp_path: Path, victims: Victims) -> Stage:
    with open_house(store_url, tmp_path) as house:
        house.run("day1", DAY1)
    return Stage(tmp_path, store_url, victims)


def test_killed_anywhere_in_any_stage_a_run_ends_as_if_it_had_not_been(stage: Stage) -> None:
    calls, undisturbed = stage.undisturbed()
    assert len(undisturbed["store"]["users"]) == 30 + 25
    chance = random.Random(20260901)
    points = []
    for name in STAGES if stage.on_sqlite else ("apply",):  # the others hardly ask the store
        assert calls[name] > POINTS
        points += [(name, point) for point in chance.sample(range(1, calls[name] + 1), POINTS)]

    def die(one: Victims, where: tuple[str, int]) -> None:
        job = stage.copy()
        assert one.run(replace(job, die=where))[0] == -signal.SIGKILL, where
        # Airflow runs the task again, or somebody clears the whole run; the clock has gone on.
        again = replace(job, first=where[0] if where[1] % 2 else "keep", minute=61)
        assert one.run(again)[0] == 0, where
        assert stage.end(job) == undisturbed, where

    crowd = [stage.victims, Victims()]
    try:
        with ThreadPoolExecutor(len(crowd)) as pool:
            shares = [
                pool.submit(lambda i, o: [die(o, one) for one in points[i::2]], *pair) for pair in enumerate(crowd)
            ]
            for share in shares:
                share.result()
    finally:
        crowd[1].close()


def test_killed_in_a_first_load_that_leaves_indexes_out(store_url: str, tmp_path: Path, victims: Victims) -> None:
    with open_house(store_url, tmp_path) as house:
        indexes = index_names(house)
    stage = Stage(tmp_path, store_url, victims)
    first = {"files": DAY1, "mode": "import", "many": 10}
    calls, undisturbed = stage.undisturbed(**first)
    for point in random.Random(7).sample(range(1, calls["apply"] + 1), 10 if stage.on_sqlite else 4):
        job = replace(stage.copy(), **first)
        assert victims.run(replace(job, die=("apply", point)))[0] == -signal.SIGKILL
        assert victims.run(replace(job, minute=61))[0] == 0, point
        with opened(job) as house:
            assert index_names(house) == indexes, point
        assert stage.end(job) == undisturbed, point


def index_names(house: House) -> set[str | None]:
    seen = inspect(house.engine)
    return {one["name"] for table in ("users", "identifiers", "history") for one in seen.get_indexes(table)}


def test_two_runs_at_once_do_not_meet(stage: Stage) -> None:
    """Two processes, one store: the same deliveries in two runs, and other people in a third."""
    job, other = stage.copy(), Victims()
    third = {"c.csv": csv_text(person(n) for n in range(300, 340))}
    jobs = [job, replace(job, run_id="again"), replace(job, run_id="third", files=third)]
    crowd = [stage.victims, other, Victims()]
    try:
        with ThreadPoolExecutor(len(jobs)) as pool:
            assert [code for code, _ in pool.map(lambda one, j: one.run(j), crowd, jobs)] == [0, 0, 0]
        with opened(job) as house:
            by_run = {row["run_id"]: row["receipt"] for row in house.rows("runs")}
            receipts = [by_run[one.run_id]["total"] for one in jobs]
            assert all(one["processed"] == sum(one.values()) - one["processed"] for one in receipts)
            users, history = house.users(), house.rows("history")
            assert len(users) == 30 + 25 + 40
            assert sum(user["version"] for user in users.values()) == len(history)
            assert {user["version"] for user in users.values()} == {1, 2}  # updated by one of the two, once
            assert sum(one["created"] for one in receipts) == 25 + 40
            assert sum(one["updated"] for one in receipts) == 15
        # ... and each, run once more, tells what it told.
        before = stage.end(job) if stage.on_sqlite else None
        if before:
            assert stage.victims.run(replace(job, minute=70))[0] == 0
            assert stage.end(job)["store"]["users"] == before["store"]["users"]
    finally:
        for one in crowd[1:]:
            one.close()


@pytest.mark.parametrize("back", [1, 59])
def test_a_clock_that_is_set_back_between_runs_and_between_stages(stage: Stage, back: int) -> None:
    """Minutes 1 to 3 were the first run's; this one is planned, killed and applied at times before that."""
    _, undisturbed = stage.undisturbed()
    job = replace(stage.copy(), minute=-back)
    assert stage.victims.run(replace(job, die=("apply", 700)))[0] == -signal.SIGKILL
    assert stage.victims.run(replace(job, minute=-back - 30))[0] == 0
    with opened(job) as house:
        times = {(row["user_id"], row["version"]): row["at"] for row in house.rows("history")}
        assert all(times[user, 1] < times[user, 2] for user, version in times if version == 2)
    assert stage.end(job) == undisturbed


def test_a_clock_that_was_wrong_for_one_run_does_not_stay_so(stage: Stage) -> None:
    job = replace(stage.copy(), minute=60 * 24 * 365)
    assert stage.victims.run(job)[0] == 0
    later = replace(job, run_id="later", minute=100, files={"a.csv": csv_text([person(1, LAST="Changed")])})
    assert stage.victims.run(later)[0] == 0
    with opened(job) as house:
        assert house.users()["s1"]["changed_at"].replace(tzinfo=UTC) == START + timedelta(minutes=100)
    stage.end(job)


# The disk of a PostgreSQL server is its own; how its failing is survived shows when it is restarted.
on_own_disk = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@on_own_disk
@pytest.mark.parametrize("room", [300, 8_000, 30_000])
def test_a_disk_that_is_full_in_any_stage(stage: Stage, room: int) -> None:
    """First as a limit on how big any file may grow, which needs no rights."""
    _, undisturbed = stage.undisturbed()
    job = stage.copy()
    assert stage.victims.run(replace(job, room=room))[0] == 1
    assert stage.victims.run(replace(job, minute=61))[0] == 0
    assert stage.end(job) == undisturbed


@on_own_disk
def test_a_real_disk_that_is_full(stage: Stage) -> None:
    _, undisturbed = stage.undisturbed()
    job = stage.copy()
    with tmpfs(Path(job.root), kilobytes=420):
        shutil.copy(str(make_url(stage.base).database), Path(job.root) / "store.sqlite")
        filler = Path(job.root) / "filler"
        free = shutil.disk_usage(job.root).free
        filler.write_bytes(bytes(max(free - 60_000, 0)))
        assert stage.victims.run(job)[0] == 1
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,size=16m", job.root], check=True)
        assert stage.victims.run(replace(job, minute=61))[0] == 0
        assert stage.end(job) == undisturbed


@contextmanager
def tmpfs(folder: Path, kilobytes: int) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def opened(job: Job) -> Iterator[House]:
    engine = open_store(job.store)
    try:
        yield House(Path(job.root), engine)
    finally:
        engine.dispose()


def test_postgresql_is_restarted_in_the_middle_of_applying(tmp_path: Path, victims: Victims) -> None:
    """A killed back end makes PostgreSQL throw everybody out, recover from its log and start anew."""
    if servers.missing("postgres"):
        pytest.skip(str(servers.missing("postgres")))
    with servers.postgresql(tmp_path / "own") as cluster:
        base = servers.create_database(cluster, "base")
        with open_house(base, tmp_path) as house:
            house.run("day1", DAY1)
        stage = Stage(tmp_path, base, victims)
        more = {"files": {"people.csv": csv_text(person(n, NOTE="New") for n in range(600))}, "batch": 5}
        _, undisturbed = stage.undisturbed(**more)
        job = replace(stage.copy(), **more)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(victims.run, job)
            kill_a_back_end(job, written=100)
            assert running.result()[0] == 1
        wait_for(lambda: servers.answers(job.store))
        with opened(job) as house:
            assert 30 < len(house.users()) < 600
        assert victims.run(replace(job, first="apply", minute=61))[0] == 0
        assert stage.end(job) == undisturbed


def kill_a_back_end(job: Job, written: int) -> None:
    """Wait until a run has written so many users, and kill the process of the database that serves it."""
    with psycopg.connect(servers.libpq(job.store), autocommit=True) as connection:
        wait_for(lambda: connection.execute("SELECT count(*) FROM users").fetchone()[0] > written)  # type: ignore[index]
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
        assert row
        os.kill(row[0], signal.SIGKILL)


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
