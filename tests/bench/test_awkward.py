"""The fast way ends where the slow one does, with everything in the extract that a SIS does wrong."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from bench.awkward import write_awkward
from bench.end_state import differences, store_state
from bench.job import Job
from bench.matchpoint_run import prepare, ready, stages
from bench.profiles import bench_profile
from sqlalchemy import Engine, delete

from matchpoint.profile import Profile
from matchpoint.run_folder import RunFolder, sha256
from matchpoint.store import open_store, writing
from matchpoint.store.tables import row_ledger


def edited_profile() -> Profile:
    """Give the profile with an edited mapping that changes no user."""
    profile = bench_profile()
    crosswalks = {**profile.crosswalks, "groups": {**profile.crosswalks["groups"], "NEVER": "UNDERGRAD"}}
    return profile.model_copy(update={"crosswalks": crosswalks})


STEPS: tuple[tuple[str, Literal["import", "synchronize"], Profile], ...] = (
    ("day1", "import", bench_profile()),
    ("day2", "synchronize", bench_profile()),
    ("day2", "synchronize", bench_profile()),
    ("reformatted", "synchronize", bench_profile()),
    ("reformatted", "synchronize", edited_profile()),
    ("day1", "synchronize", bench_profile()),
    ("day2", "synchronize", edited_profile()),
)
"""Extract, mode and profile of one run after the other, in one store."""


@dataclass(frozen=True)
class Way:
    """One way through the library, with a store of its own."""

    url: str
    folder: Path
    fast: bool

    def run(self, day: int, extract: Path, mode: Any, profile: Profile, engine: Engine) -> dict[str, Any]:
        """Do one run; the slow way forgets before it what the ledger knows."""
        if not self.fast:
            with writing(engine).begin() as connection:
                connection.execute(delete(row_ledger))
        home = self.folder / str(day)
        job = Job("matchpoint", extract.stem, self.url, str(extract), sha256(extract), str(home), day)
        *others, receipt = stages(ready(job), profile, mode, fast=self.fast).values()
        for stage in others:
            stage()
        counts = receipt()
        folder = RunFolder(home / "run")
        rejections = sorted(folder.root.glob("rejections/*"))
        return {"counts": counts, "rejections": {one.name: one.read_bytes() for one in rejections}}

    def runs(self, extracts: dict[str, Path]) -> Iterator[dict[str, Any]]:
        """Do one run after the other; tells after each what came of it, people included."""
        prepare(self.url)
        engine = open_store(self.url)
        for day, (name, mode, profile) in enumerate(STEPS):
            yield {**self.run(day, extracts[name], mode, profile, engine), "people": people(self.url)}
        engine.dispose()


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_awkward(tmp_path_factory.mktemp("awkward"))


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory, extracts: dict[str, Path]) -> list[Path]:
    """What comes of each run the slow way, in a file each: all of it at once would fill the memory."""
    folder = tmp_path_factory.mktemp("slow")
    files = [folder / f"{day}.pickle" for day in range(len(STEPS))]
    runs = Way(f"sqlite:///{folder / 'store.sqlite'}", folder, fast=False).runs(extracts)
    for file, result in zip(files, runs, strict=True):
        file.write_bytes(pickle.dumps(result))
    return files


def people(url: str) -> dict[str, Any]:
    """Give what a store holds of people; the ledger of the slow way knows no raw rows."""
    state = store_state(url)
    return {name: state[name] for name in ("users", "identifiers", "history")}


def test_the_fast_way_ends_where_the_slow_one_does(
    store_url: str, tmp_path: Path, extracts: dict[str, Path], slow: list[Path]
) -> None:
    fast = Way(store_url, tmp_path, fast=True).runs(extracts)
    for day, (found, file) in enumerate(zip(fast, slow, strict=True)):
        expected = pickle.loads(file.read_bytes())
        step = f"run {day}, {STEPS[day][1]} {STEPS[day][0]}"
        assert found["counts"] == expected["counts"], step
        assert found["rejections"] == expected["rejections"], step
        assert differences(expected["people"], found["people"]) == [], step
    assert found["counts"]["rejected"] > 100
