"""A store per institution: runs side by side across stores, one at a time within a store."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest
from bench import consortium
from bench.consortium_extracts import Day, write_extract
from gate import closed_gate
from waiting import wait_for

from matchpoint.profile import load_profile
from matchpoint.run_folder import RunFolder
from matchpoint.store import exclusive, open_store, upgrade

SIZE = 120


@pytest.fixture(params=["sqlite", "postgresql"])
def institutions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[consortium.Institution]]:
    """Three institutions with a store each."""
    server = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    with consortium.stores(request.param, 3, tmp_path, server) as urls:
        yield [consortium.Institution(one, SIZE, url, tmp_path / f"{one:02}") for one, url in enumerate(urls)]


def test_every_store_ends_with_its_own_people(institutions: list[consortium.Institution]) -> None:
    result = consortium.run_all(institutions, at_once=3)
    assert [one["total"]["created"] for one in result["import"]["jobs"]] == [SIZE] * 3
    assert {one["total"]["updated"] for one in result["synchronize"]["jobs"]} == {2}
    assert f"| import | 3 | {3 * SIZE} |" in consortium.table([{"database": "any", **result}])


def test_an_end_state_that_is_not_as_it_should_be_is_told(institutions: list[consortium.Institution]) -> None:
    one = institutions[0]
    consortium.job(one, "import")
    with pytest.raises(AssertionError, match="institution 0: found"):
        consortium.check(one)  # day 2 is missing


def test_a_held_store_holds_up_its_own_institution_and_no_other(institutions: list[consortium.Institution]) -> None:
    held, free = institutions[:2]
    engine = open_store(held.store)
    upgrade(engine)
    with pool(2) as workers:
        with exclusive(engine):
            waiting = workers.submit(consortium.job, held, "import")
            done: Future[consortium.Job] = workers.submit(consortium.job, free, "import")
            assert done.result(120).total["created"] == SIZE
            assert not waiting.done()
        assert waiting.result(120).total["created"] == SIZE
    engine.dispose()


def test_two_runs_against_one_store_wait_for_one_another(postgresql_url: str, tmp_path: Path) -> None:
    """The same people by two profiles at once: one creates them, the other waits, and then finds them taken."""
    day = Day(1, 0, SIZE)
    with consortium.stores("postgresql", 1, tmp_path, postgresql_url) as [store], pool(2) as workers:
        upgrade(open_store(store))
        with closed_gate(store, "s0000000007") as gate:
            runs = [workers.submit(load, tmp_path / code, code, store, day) for code in ("first", "second")]
            wait_for("a run at the gate", gate.waiting)
            wait_for("the other before the store", gate.at_the_store)
            assert not any(run.done() for run in runs)
            assert len(gate.holds_the_store()) == 1
        totals = [run.result(120) for run in runs]
        assert sorted(total["created"] for total in totals) == [0, SIZE]
        assert sorted(total["conflict"] for total in totals) == [0, SIZE]
        consortium_of_one = open_store(store)
        with consortium_of_one.connect() as connection:
            names = [name for (name,) in connection.exec_driver_sql("SELECT primary_id FROM users")]
            made = connection.exec_driver_sql("SELECT count(*) FROM history").scalar()
        consortium_of_one.dispose()
    assert len(names) == len(set(names)) == made == SIZE


def load(folder: Path, code: str, store: str, day: Day) -> dict[str, int]:
    """Import a day by a profile of another code."""
    profile = load_profile(consortium.PROFILE).model_copy(update={"code": code})
    run_folder = RunFolder(folder)
    write_extract(run_folder.path("fetched"), day)
    return consortium.run(run_folder, profile, store, "import", day)


def pool(size: int) -> ProcessPoolExecutor:
    """Give processes that begin with nothing of this one."""
    return ProcessPoolExecutor(size, mp_context=multiprocessing.get_context("spawn"))
