"""The Alma double's webhooks: challenge, signature, what is told, and when it is tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers import START, XML_PEOPLE, House, make_profile, open_house, xml_text, xml_user, zip_of
from lxml import etree
from receivers import Hook, web_server

from matchpoint.accounts.one import edit
from matchpoint.accounts.store import Act
from matchpoint.almaws import instances
from matchpoint.almaws.jobs import jobs_of
from matchpoint.almaws.webhooks import Webhook, queue_job_end
from matchpoint.errors import AccountError
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.webhooks import WebhookTimer, register, run_due

PROFILE = make_profile(XML_PEOPLE)
SECRET = "s3cret"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def on(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, PROFILE) as house:
        yield house


@pytest.fixture
def any_house(store_url: str, tmp_path: Path) -> Iterator[House]:
    """Give a house on SQLite, and one on PostgreSQL."""
    with open_house(store_url, tmp_path, PROFILE) as house:
        yield house


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with web_server() as hook:
        yield hook


def load(house: House, clock: Clock, *users: str) -> None:
    """Run the synchronize job on a zip of users, telling its end."""
    files = house.root / "alma" / "in"
    files.mkdir(parents=True, exist_ok=True)
    (files / f"{clock.now:%H%M%S}.zip").write_bytes(zip_of({"users.xml": xml_text(*users)}))
    job = next(one for one in jobs_of([PROFILE]).values() if one.mode == "synchronize")
    tell = partial(_tell, house, clock)
    desk = JobDesk(house.engine, [PROFILE], house.root / "runs", house.root / "alma", clock=clock, on_end=tell)
    desk.run(job, instances.submit(house.engine, job, by="API", now=clock.now))


def _tell(house: House, clock: Clock, instance: int) -> None:
    queue_job_end(house.engine, instance, clock.now)


def told(receiver: Hook) -> list[Any]:
    return [(one["event"]["value"], one.get("user", {}).get("primary_id")) for one in receiver.payloads()]


def test_an_address_that_does_not_give_the_challenge_back_is_not_registered(house: House, receiver: Hook) -> None:
    receiver.challenged = lambda text: f"not {text}"
    with pytest.raises(AccountError, match="expected 200 and"):
        register(house.engine, Webhook(receiver.url, SECRET))
    assert house.rows("webhooks") == []
    receiver.challenged = str
    register(house.engine, Webhook(receiver.url, SECRET))
    assert [one["url"] for one in house.rows("webhooks")] == [receiver.url]


def test_the_end_of_a_job_and_its_users_are_posted_with_almas_signature(
    house: House, receiver: Hook, clock: Clock
) -> None:
    register(house.engine, Webhook(receiver.url, SECRET))
    load(house, clock, xml_user(1), xml_user(2))
    run_due(house.engine, clock)
    assert told(receiver) == [("JOB_END", None), ("USER_CREATED", "s1"), ("USER_CREATED", "s2")]
    end = receiver.payloads()[0]
    assert (end["action"], end["job_instance"]["status"]["value"]) == ("JOB_END", instances.SUCCESS)
    for _, headers, body in receiver.posts:
        expected = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        assert headers["X-Exl-Signature"] == expected
    run_due(house.engine, clock)
    assert len(receiver.posts) == 3


def test_changes_by_the_staff_are_told_and_those_by_api_are_not(
    any_house: House, receiver: Hook, clock: Clock
) -> None:
    house = any_house
    load(house, clock, xml_user(1), xml_user(2))
    register(house.engine, Webhook(receiver.url, SECRET))
    load(house, clock, xml_user(1))
    run_due(house.engine, clock)
    clock.on(minutes=5)
    edit(house.engine, "s1", {"user_title": {"value": "DR"}}, Act("desk", clock.now))
    edit(house.engine, "s2", {"user_title": {"value": "DR"}}, Act("API writer", clock.now))
    clock.on(minutes=5)
    run_due(house.engine, clock)
    run_due(house.engine, clock)
    assert told(receiver) == [("JOB_END", None), ("USER_UPDATED", "s1")]


def test_a_fault_of_the_receiver_is_tried_again_after_1_3_and_6_hours_and_a_refusal_is_not(
    house: House, receiver: Hook, clock: Clock
) -> None:
    register(house.engine, Webhook(receiver.url, SECRET, events=("JOB_END",)))
    load(house, clock, xml_user(1))
    receiver.answers = [503]
    for minutes, posts in ((0, 1), (59, 1), (1, 2), (600, 2)):  # 503, too early, taken an hour after, done with
        clock.on(minutes=minutes)
        run_due(house.engine, clock)
        assert len(receiver.posts) == posts
    load(house, clock, xml_user(2))
    receiver.answers = [500] * 4
    for hours, posts in ((0, 3), (1, 4), (3, 5), (6, 6), (24, 6)):
        clock.on(hours=hours)
        run_due(house.engine, clock)
        assert len(receiver.posts) == posts
    load(house, clock, xml_user(3))
    receiver.answers = [404]
    run_due(house.engine, clock)
    clock.on(hours=24)
    run_due(house.engine, clock)
    assert len(receiver.posts) == 7
    assert house.rows("webhook_posts") == []


def test_the_timer_posts_in_xml_and_waits_for_an_address_that_is_gone(
    house: House, receiver: Hook, clock: Clock
) -> None:
    with web_server() as gone:
        register(house.engine, Webhook(gone.url, SECRET, events=("JOB_END",)))
    register(house.engine, Webhook(receiver.url, SECRET, events=("JOB_END",), format="xml"))
    load(house, clock, xml_user(1))
    timer = WebhookTimer(house.engine, clock, every=0.01)
    timer.start()
    for _ in range(500):
        if receiver.posts:
            break
        timer.join(0.01)
    timer.stopped.set()
    timer.join()
    body = etree.fromstring(receiver.posts[0][2])
    assert (body.tag, body.findtext("action")) == ("webhook", "JOB_END")
    assert [(one["url"], one["tries"]) for one in house.rows("webhook_posts")] == [(gone.url, 1)]
