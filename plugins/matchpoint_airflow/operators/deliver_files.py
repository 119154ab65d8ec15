"""Deliver by file: a load for Alma's SIS job, and what the job answered. Each task may be cleared and run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.operators.deliver import DeliveryOperator, planned
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from matchpoint.deliver.answers import Answer
    from matchpoint.deliver.job import Job
    from matchpoint.profile.destinations import AlmaSftp


LOOKS_EVERY = 60.0
"""Seconds between two looks at Alma's job."""


class FileDoor:
    """What the tasks of a delivery by file have in common.

    :param profile: code of the integration profile.
    """

    template_fields: Sequence[str] = ("profile",)
    ui_color = "#e8f8f0"
    profile: str

    def destination(self) -> AlmaSftp:
        """Give the destination as the profile has it now."""
        to = profile_of(self.profile).destinations
        if to is None or to.alma_sftp is None:
            raise AirflowFailException(f"profile {self.profile}: found no destinations.alma_sftp; expected one")
        return to.alma_sftp

    def job(self, run: Run) -> Job:
        """Give the job of the run's load."""
        from matchpoint.deliver.job import Job

        job = Job.find(run.folder)
        if job is None:
            raise AirflowFailException("found no load that was sent in this run; clear the task upload_files first")
        return job

    def started_job(self, run: Run) -> Job:
        """Give the job of the run's load, with the instance that took it."""
        job = self.job(run)
        if not job.instance:
            raise AirflowFailException("found no run of Alma's job for the load; clear the task start_job first")
        return job


class FileDoorOperator(FileDoor, DeliveryOperator):
    """A task of a delivery by file."""


class FileDoorSensor(FileDoor, Guarded, BaseSensorOperator):
    """A task that waits for Alma, at most the destination's ``wait_minutes``, without a worker in between.

    :param poke_interval: seconds between two looks, ``LOOKS_EVERY`` unless given.
    """

    def __init__(self, *, profile: str, poke_interval: float | None = None, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", poke_interval=poke_interval or LOOKS_EVERY, **kwargs)
        self.profile = profile

    def execute(self, context: Context) -> Any:
        """Look, and look again later."""
        self.timeout = self.destination().wait_minutes * 60
        return super().execute(context)


class AlmaWriteFilesOperator(FileDoorOperator):
    """Writes who is due into zips in the run folder. Skips itself where the delivery goes by the other door."""

    def execute(self, context: Context) -> dict[str, int]:
        """Write, and give how many people are in how many zips, and how many Alma's schema refused."""
        from matchpoint.deliver.answers import note_counts
        from matchpoint.deliver.files import Delivery, write_load
        from matchpoint.store import writing

        run, profile, to = Run.of(context), profile_of(self.profile), self.destination()
        choice = planned(run, "sftp")
        hook = UserStoreHook(profile.store)
        hook.upgrade()
        store, now = hook.get_conn(), utcnow()
        delivery = Delivery(run.id, profile.code, run.due, now)
        load = write_load(run.folder, store, to, delivery, choice.most)
        with writing(store).begin() as connection:
            note_counts(connection, {}, profile=profile.code, run_id=run.id, now=now)
        self.log.info("%d people in %d zips; %d refused", load.people, len(load.zips), load.refused)
        return {"people": load.people, "zips": len(load.zips), "refused": load.refused}


class AlmaUploadFilesOperator(FileDoorOperator):
    """Sends the zips to the folder that Alma's SIS job reads. Skips itself, and all behind it, without any."""

    def execute(self, context: Context) -> int:
        """Send, and give how many zips were sent."""
        from matchpoint.deliver.files import Load, overtaken
        from matchpoint_airflow.doors.files import upload
        from matchpoint_airflow.hooks.sis import sis_server

        run, to = Run.of(context), self.destination()
        load = Load.read(run.folder)
        if not load.zips:
            raise AirflowSkipException("nobody is in the load")
        newer = overtaken(UserStoreHook(profile_of(self.profile).store).get_conn(), run.folder)
        if newer:
            raise AirflowFailException(
                f"of {newer} people Alma has a newer version than this load; expected none. Nothing was sent. Clear "
                "the task write_files, too: it writes who is due now."
            )
        self._note_job(run, to, load.zips[0].name)
        with sis_server(to.connection, to.folder) as server:
            sent, withdrawn = upload(server, run.folder, load, self.profile)
        if withdrawn:
            self.log.warning("%d files of an earlier delivery, which Alma had not taken, are withdrawn", withdrawn)
        return sent

    def _note_job(self, run: Run, to: AlmaSftp, load: str) -> None:
        """Note, before anything is there to be taken, which instances of the job have ended by then."""
        from matchpoint.deliver.job import Job, has_ended, job_of_load
        from matchpoint_airflow.doors.jobs import ask, instances_of, jobs_of_profile

        noted = Job.find(run.folder)
        if noted and noted.load == load:
            return
        jobs = ask(to.alma, lambda alma: jobs_of_profile(alma, to.profile_id))
        job_id = job_of_load(jobs)
        if job_id is None:
            raise AirflowFailException(
                f"connection {to.alma}: found {len(jobs)} jobs of profile_id {to.profile_id!r}; expected one whose "
                "name has SYNCHRONIZE. Take the number of the integration profile in Alma, and make it active there."
            )
        instances = ask(to.alma, lambda alma: instances_of(alma, job_id))
        Job(job_id, load, [str(one["id"]) for one in instances if has_ended(one)]).write(run.folder)


class AlmaStartJobOperator(FileDoorSensor):
    """Has Alma run its SIS job on the load, or finds the run that Alma's own schedule started on it.

    When Alma says that it is not now, it is asked again later.
    """

    def poke(self, context: Context) -> bool:
        """Look at job and files, and do the next step; tell whether the instance is known."""
        from matchpoint.deliver.files import Load
        from matchpoint.deliver.job import next_step
        from matchpoint_airflow.doors.files import is_waiting
        from matchpoint_airflow.doors.jobs import ask, instances_of
        from matchpoint_airflow.doors.jobs import run as run_job
        from matchpoint_airflow.hooks.sis import sis_server

        run, to = Run.of(context), self.destination()
        job, load = self.job(run), Load.read(run.folder)
        if job.instance:
            return True
        instances = ask(to.alma, lambda alma: instances_of(alma, job.id))
        with sis_server(to.connection, to.folder) as server:
            step, instance = next_step(job, instances, is_waiting=is_waiting(server, load))
        if step == "ask":
            instance = ask(to.alma, lambda alma: run_job(alma, job.id))
        if instance:
            job.taken_by(instance).write(run.folder)
            self.log.info("instance %s of Alma's job %s has the load", instance, job.id)
        return bool(instance)


class AlmaJobSensor(FileDoorSensor):
    """Waits for the end of Alma's job."""

    def poke(self, context: Context) -> bool:
        """Tell whether it has ended."""
        from matchpoint.deliver.job import has_ended, status_of
        from matchpoint_airflow.doors.jobs import ask, instance_of

        job = self.started_job(Run.of(context))
        instance = ask(self.destination().alma, lambda alma: instance_of(alma, job.id, job.instance))
        self.log.info("instance %s: %s", job.instance, status_of(instance))
        return has_ended(instance)


class AlmaTakeAnswersOperator(FileDoorOperator):
    """Takes what Alma's job answered: who is delivered, and who is a dead letter, and why.

    Fails where the job failed, or does not account for everybody who was sent: then nobody is noted as delivered
    whom Alma may not have, and all others are due still.
    """

    def execute(self, context: Context) -> dict[str, int]:
        """Take the answers, and give people by what became of them."""
        from matchpoint.deliver.answers import take_answer
        from matchpoint.deliver.job import has_failed, status_of
        from matchpoint_airflow.doors.jobs import ask, instance_of, keep_events

        run, profile, to = Run.of(context), profile_of(self.profile), self.destination()
        job = self.started_job(run)
        instance = ask(to.alma, lambda alma: instance_of(alma, job.id, job.instance))
        if has_failed(instance):
            raise AirflowFailException(
                f"instance {job.instance} of Alma's job {job.id} failed ({status_of(instance)}); expected it to load "
                "its files. Nobody is delivered, all are due still. See the job in Alma: one file that it cannot "
                "read, whoever put it there, fails them all. Then start a new run of this DAG."
            )
        ask(to.alma, lambda alma: keep_events(alma, job.id, job.instance, run.folder))
        store = UserStoreHook(profile.store).get_conn()
        answer = take_answer(store, run.folder, instance, profile=profile.code, run_id=run.id, now=utcnow())
        return self._told(answer)

    def _told(self, answer: Answer) -> dict[str, int]:
        if answer.unknown:
            self.log.warning("these events fit nobody surely: numbers %s", ", ".join(map(str, answer.unknown[:50])))
        if answer.doubt:
            raise AirflowFailException(
                f"{answer.doubt}. {answer.found} people are dead letters; nobody is noted as delivered, all others "
                "are due still and are sent again."
            )
        self.log.info("%s", answer.counts)
        return answer.counts
