"""Where the Alma double's jobs run: each in a thread of the server. One server has a store for itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import cast

from sqlalchemy import Engine

from matchpoint.almaws import instances
from matchpoint.almaws.events import keep_events
from matchpoint.almaws.folder import Folder, LocalFolder
from matchpoint.almaws.jobs import Job, jobs_of
from matchpoint.almaws.sis_job import Done, run_job
from matchpoint.profile import Profile
from matchpoint.run_folder import AnyPath, folder_of

log = logging.getLogger(__name__)


def utcnow() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


class JobDesk:
    """Starts the jobs of some profiles. ``runs`` is the place of their run folders.

    ``files`` is the folder on the local disk under which each action's ``path`` is; without it, that path is on the
    SFTP server of the profile's Airflow connection. ``on_end`` is called with the id of every instance that ended.
    Making a desk ends what a server that was stopped left running, and forgets instances older than a year.
    """

    def __init__(
        self,
        engine: Engine,
        profiles: Iterable[Profile],
        runs: AnyPath,
        files: Path | None = None,
        *,
        clock: Callable[[], datetime] = utcnow,
        on_end: Callable[[int], None] | None = None,
    ) -> None:
        self.engine, self.runs, self.files, self.clock = engine, runs, files, clock
        self.jobs = jobs_of(profiles)
        self.on_end = on_end
        instances.forget(engine, clock() - instances.KEPT)
        for instance in instances.break_off(engine, clock()):
            self._tell(instance)

    def submit(self, job: Job) -> int:
        """Start a job in a thread, and give the instance's id. Raises AccountError where Alma would refuse it."""
        instance = instances.submit(self.engine, job, by="API", now=self.clock())
        Thread(target=self.run, args=(job, instance), name=f"job {instance}", daemon=True).start()
        return instance

    def run(self, job: Job, instance: int) -> None:
        """Run an instance to its end, whatever that is."""
        instances.begin(self.engine, instance, self.clock())
        try:
            done = self._work(job, instance)
        except Exception as error:
            log.error("job %s, instance %s broke off: %s", job.id, instance, type(error).__name__)
            why = f"The job broke off ({type(error).__name__}). See the server, then run it again."
            done = Done(alerts=[why], failed=True)
        instances.end(self.engine, instance, done, self.clock())
        self._tell(instance)

    def _work(self, job: Job, instance: int) -> Done:
        with self._folder(job) as folder:
            done = run_job(job, self.engine, folder, self.runs, self.clock)
        if done.counts:
            keep_events(self.engine, instance, folder_of(self.runs, done.run_id), self.clock())
        return done

    def _folder(self, job: Job) -> AbstractContextManager[Folder]:
        if self.files:
            return nullcontext(cast("Folder", LocalFolder(self.files / job.path.strip("/"))))
        from matchpoint_airflow.hooks.sis import sis_server  # noqa: PLC0415 (Airflow is loaded only for its connections)

        return cast("AbstractContextManager[Folder]", sis_server(job.profile.connection, job.path))

    def _tell(self, instance: int) -> None:
        if self.on_end:
            self.on_end(instance)
