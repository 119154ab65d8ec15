"""A whole run of the library in a process of its own, which is killed at one of its calls.

As a program it forks once for each job it reads, a line of JSON each, and answers with a line: how the fork ended, 0
or minus the signal, and how many calls into Matchpoint each stage made. It uses no library before it forks.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from helpers import AS_OF, START, House, make_profile

from matchpoint import apply_plan as applying
from matchpoint.apply_plan import apply_plan
from matchpoint.guard.judge import guard_plan
from matchpoint.make_plan import make_plan
from matchpoint.store import first_load, open_store
from matchpoint.store.ledger import note_receipt
from matchpoint.store.row_ledger import known_to
from matchpoint.transform import transform_extract

STAGES = ("keep", "transform", "plan", "judge", "apply", "receipt")
INCLUDE = Path(applying.__file__).parents[1]


@dataclass
class Job:
    """One run: its store (URL), its folder, its files (name to text), the stage to begin with, and where it dies.

    ``batch`` are the rows of a transaction, ``many`` the new users from which on a first load leaves indexes out,
    ``minute`` is what the clock shows, ``room`` how many bytes a file may grow to, ``counts`` asks for the number
    of calls, and ``die`` names a stage with the number of the call at which the process kills itself.
    """

    store: str
    root: str
    run_id: str
    files: dict[str, str]
    mode: Any = "synchronize"
    batch: int = 5
    many: int = 10_000
    minute: int = 0
    first: str = "keep"
    room: int | None = None
    counts: bool = False
    die: tuple[str, int] | None = None


class Run:
    """The stages of a job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        profile = make_profile(guard={"create": {"share": None}, "first_load": "go"})  # nothing waits
        self.house = House(Path(job.root), open_store(job.store), profile, minutes=job.minute)
        self.now = START + timedelta(minutes=job.minute)
        self.folder = self.house.folder(job.run_id)

    def keep(self) -> None:
        self.house.fetch(self.job.run_id, self.job.files)

    def transform(self) -> None:
        job, profile = self.job, self.house.profile
        known = known_to(self.house.engine, profile.code, job.mode, job.run_id)
        for extract in self.folder.extracts:
            if not extract.join:
                transform_extract(self.folder, extract, profile, AS_OF, known=known)

    def plan(self) -> None:
        how = {"mode": self.job.mode, "run_id": self.job.run_id, "as_of": AS_OF.isoformat(), "dry_run": False}
        make_plan(self.folder, self.house.engine, self.house.profile, now=self.now, **how)

    def judge(self) -> None:
        guard_plan(self.folder, self.house.engine, self.house.profile, now=self.now)

    def apply(self) -> None:
        applying.BATCH_ROWS, first_load.MANY = self.job.batch, self.job.many
        apply_plan(self.folder, self.house.engine, now=self.now)

    def receipt(self) -> None:
        receipt = self.house.receipt(self.job.run_id)
        note_receipt(self.house.engine, self.job.run_id, receipt.as_dict())

    def all(self, before: Callable[[str], None] = lambda stage: None) -> None:
        for stage in STAGES[STAGES.index(self.job.first) :]:
            before(stage)
            getattr(self, stage)()
        before("")
        self.house.engine.dispose()


class Reaper:
    """Counts the calls into Matchpoint's own code, per stage, and kills the process at one of them."""

    def __init__(self, die: tuple[str, int] | None) -> None:
        self.die = die
        self.stage = ""
        self.calls = dict.fromkeys(STAGES, 0)

    def enter(self, stage: str) -> None:
        self.stage = stage
        sys.setprofile(self._meet if stage else None)

    def _meet(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(str(INCLUDE)):
            return
        self.calls[self.stage] += 1
        if self.die and (self.stage, self.calls[self.stage]) == tuple(self.die):
            os.kill(os.getpid(), signal.SIGKILL)


def run(job: Job) -> dict[str, int]:
    """Run a job; gives the number of calls in each stage."""
    if job.room is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.room, job.room))
    reaper = Reaper(job.die)
    if job.counts or job.die:
        Run(job).all(reaper.enter)
    else:
        Run(job).all()
    return reaper.calls


def run_forked(job: Job) -> tuple[int, dict[str, int]]:
    """Run a job in a fork of this process; gives how that ended, and the calls counted."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(read)
            os.write(write, json.dumps(run(job)).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), json.loads(told or b"{}")


class Victims:
    """A process that runs jobs in forks of its own, so that each starts at once and dies alone."""

    def __init__(self) -> None:
        path = [str(INCLUDE), *(str(one) for one in Path(__file__).parents[:2])]
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        )

    def run(self, job: Job) -> tuple[int, dict[str, int]]:
        """Run a job; gives how its process ended, 0 or minus the signal, and its calls by stage."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asdict(job)) + "\n")
        self.process.stdin.flush()
        code, calls = json.loads(self.process.stdout.readline())
        return code, calls

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run_forked(Job(**json.loads(line)))) + "\n")
        sys.stdout.flush()
