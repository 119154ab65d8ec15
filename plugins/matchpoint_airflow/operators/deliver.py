"""Deliver: what changed in the user store goes to Alma, by the door that suits it, and is reported."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.sdk.timezone import utcnow

from matchpoint.profile import Profile
from matchpoint_airflow.hooks.user_store import UserStoreHook
from matchpoint_airflow.links import ReportLink
from matchpoint_airflow.operators.guarded import Guarded
from matchpoint_airflow.run import Run, profile_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

    from matchpoint.deliver.governor import Choice, Door
    from matchpoint.profile.destinations import AlmaApi, Destinations

MOST_LISTED = 100_000
"""Dead letters that a report lists, the newest of them."""
PLAN = "delivery.json"
"""The plan of a delivery in its run folder, as :class:`matchpoint.deliver.governor.Choice` has it."""


class DeliveryOperator(Guarded, BaseOperator):
    """An operator of the delivery of one profile.

    :param profile: code of the integration profile.
    """

    template_fields: Sequence[str] = ("profile",)
    ui_color = "#e8f8f0"

    def __init__(self, *, profile: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.profile = profile

    def opened(self) -> tuple[Profile, Destinations, Engine]:
        """Give the profile as it is now, its destinations, and its store at the newest migration."""
        profile = profile_of(self.profile)
        if profile.destinations is None:
            raise AirflowFailException(f"profile {profile.code}: found no destinations; nothing was delivered")
        hook = UserStoreHook(profile.store)
        hook.upgrade()
        return profile, profile.destinations, hook.get_conn()


def planned(run: Run, door: Door) -> Choice:
    """Give the plan of a delivery to the first task behind a door; skips it, and all behind it, at the other door."""
    from matchpoint.deliver.governor import Choice

    choice = Choice(**run.folder.read_json(PLAN))
    if choice.door != door:
        raise AirflowSkipException(f"this delivery goes by the door {choice.door}")
    return choice


class AlmaPlanDeliveryOperator(DeliveryOperator):
    """Chooses the door and how many people go now, and says how long it will take. Skips all when nobody is due."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, and give the plan."""
        from matchpoint.deliver.governor import choose
        from matchpoint.deliver.outbox import count_due
        from matchpoint.deliver.receipt import begin
        from matchpoint.store import writing
        from matchpoint_airflow.doors.rest import ways_to_find_new

        run, (profile, to, store) = Run.of(context), self.opened()
        with store.connect() as connection:
            due = count_due(connection, profile.code)
        if not due.people:
            raise AirflowSkipException("nobody is due: Alma has everybody as the store has them, or as dead letters")
        left = _left_today(to.alma_api) if to.alma_api else None
        choice = choose(due, to, left_today=left, ways_to_find_new=ways_to_find_new(profile))
        run.folder.write_json(PLAN, asdict(choice))
        with writing(store).begin() as connection:
            begin(connection, run_id=run.id, profile=profile.code, door=choice.door, now=utcnow())
        self.log.info("%s", choice.words)
        return asdict(choice)


def _left_today(to: AlmaApi) -> int | None:
    """Ask Alma how many requests are left today; 0 when it says that there are none."""
    from matchpoint_airflow.doors.rest import ask_left
    from matchpoint_airflow.hooks.alma import AlmaHook

    return asyncio.run(ask_left(AlmaHook(to.connection)))


class AlmaDeliverByApiOperator(DeliveryOperator):
    """Brings people to Alma by its REST API. May be killed and repeated at any time."""

    def execute(self, context: Context) -> bool:
        """Deliver, and tell whether Alma's requests of today were enough."""
        from matchpoint.deliver.progress import Progress, people_due
        from matchpoint_airflow.doors.rest import RestDoor
        from matchpoint_airflow.hooks.alma import AlmaHook

        run, (profile, to, store) = Run.of(context), self.opened()
        choice = planned(run, "api")
        if to.alma_api is None:
            raise AirflowFailException(
                f"profile {profile.code}: found no alma_api; clear the task plan_delivery, too"
            )
        api = to.alma_api

        async def deliver() -> bool:
            async with AlmaHook(api.connection).alma(rate=api.rate) as alma:
                door = RestDoor(alma, profile, api.reserve)
                people = people_due(store, profile.code, choice.most)
                await door.bring_all(people, Progress(store, profile.code, run.id), utcnow)
            return door.is_enough

        is_enough = asyncio.run(deliver())
        if is_enough:
            self.log.warning("no requests are left for us today; who is not delivered goes with the next delivery")
        return not is_enough


class AlmaDeliveryReportOperator(DeliveryOperator):
    """Writes receipt and report of a delivery into the run folder, and the receipt into the store."""

    operator_extra_links = (ReportLink(),)

    def execute(self, context: Context) -> dict[str, Any]:
        """Report, and give the receipt."""
        from matchpoint.deliver.outbox import count_due, letters_of
        from matchpoint.deliver.receipt import end
        from matchpoint.report.delivery import delivery_job
        from matchpoint.report.job import write_job_report
        from matchpoint.store import writing

        run, (profile, _, store) = Run.of(context), self.opened()
        words = run.folder.read_json(PLAN)["words"]
        with writing(store).begin() as connection:
            left = count_due(connection, profile.code).people
            receipt = end(connection, run.id, left=left, now=utcnow())
            letters = letters_of(connection, profile.code, most=MOST_LISTED)
        run.folder.write_json("receipt.json", receipt.as_dict())
        job = delivery_job(receipt, letters, words=words, profile_name=profile.name, as_of=run.as_of(profile))
        write_job_report(run.folder, job)
        self.log.info("%s", job.sentence)
        return receipt.as_dict()
