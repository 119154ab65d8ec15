"""The API door against an Alma on a socket: who is created, updated, refused, and that nobody is made twice."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from alma_double import ACT, Double, alma_double
from alma_ends import differences
from helpers import PEOPLE, START, House, open_house, person
from killing import kill_in_the_middle

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import User
from matchpoint.alma.law import new_user
from matchpoint.deliver.outbox import count_due, letters_of
from matchpoint.deliver.progress import Progress, people_due
from matchpoint.deliver.receipt import DeliveryReceipt, begin, end
from matchpoint.store import writing
from matchpoint_airflow.doors import rest
from matchpoint_airflow.doors.rest import RestDoor, ask_left
from matchpoint_airflow.hooks.alma import AlmaHook


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


@pytest.fixture
def alma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    with alma_double(tmp_path, ["people", "others"]) as running:
        monkeypatch.setenv("AIRFLOW_CONN_ALMA", running.connection())
        yield running


_SCRIPT = """
import asyncio, sys
sys.path.insert(0, {plugins!r})
from datetime import UTC, datetime
from pathlib import Path
from matchpoint.deliver.progress import Progress, people_due
from matchpoint.deliver.receipt import begin
from matchpoint.profile import load_profile
from matchpoint.store import open_store, writing
from matchpoint_airflow.doors import rest
from matchpoint_airflow.hooks.alma import AlmaHook

rest.NOTE_EVERY = 50

def clock():
    return datetime(2026, 9, 1, 6, tzinfo=UTC)

async def bring(profile, store):
    async with AlmaHook("alma").alma(rate=400, patience=0.002) as alma:
        people = people_due(store, "people", 10_000)
        await rest.RestDoor(alma, profile, 0).bring_all(people, Progress(store, "people", "deliver/1"), clock)

store = open_store(sys.argv[2])
with writing(store).begin() as connection:
    begin(connection, run_id="deliver/1", profile="people", door="api", now=clock())
asyncio.run(bring(load_profile(Path({profile!r})), store))
"""


def test_a_delivery_that_is_killed_goes_on_and_sends_nobody_twice(house: House, alma: Double, tmp_path: Path) -> None:
    house.run("import", [person(number) for number in range(150)])
    profile = tmp_path / "people.yaml"
    profile.write_text(PEOPLE)
    plugins = Path(rest.__file__).parents[2]
    script = _SCRIPT.format(plugins=str(plugins), profile=str(profile))
    kill_in_the_middle(house, "deliver", script, lambda _: len(alma.users()), 110)
    assert len(alma.users()) < 150
    at_alma = set(alma.users())
    receipt = deliver(house)
    assert (differences(house.engine, alma.engine, "people"), len(alma.users())) == ([], 150)
    assert receipt.due == 150
    assert 0 < receipt.unchanged <= 50 + 10, "those not noted were only looked at"
    posts = [request for request in alma.asked if request[0] == "POST"]
    assert len(posts) <= 150 + 10, "nobody was sent twice, but who was on the way when it was killed"
    assert at_alma <= set(alma.users())


def deliver(house: House, run_id: str = "deliver/1", *, reserve: int = 0) -> DeliveryReceipt:
    """Deliver who is due, and give the receipt."""

    async def bring() -> None:
        async with AlmaHook("alma").alma(rate=5_000, patience=0.002) as alma:
            door = RestDoor(alma, house.profile, reserve)
            progress = Progress(house.engine, house.profile.code, run_id)
            await door.bring_all(people_due(house.engine, house.profile.code, 10_000), progress, house.now)

    with writing(house.engine).begin() as connection:
        begin(connection, run_id=run_id, profile=house.profile.code, door="api", now=house.now())
    asyncio.run(bring())
    with writing(house.engine).begin() as connection:
        left = count_due(connection, house.profile.code).people
        return end(connection, run_id, left=left, now=house.now())


def counts(receipt: DeliveryReceipt) -> dict[str, int]:
    words = ("created", "updated", "unchanged", "kept_out", "dead", "left")
    return {word: number for word in words if (number := receipt.as_dict()[word])}


ROLE = {"role_type": {"value": "200"}, "status": {"value": "ACTIVE"}}


def somebody(primary_id: str, id_type: str, value: str) -> User:
    """Make another user, with an identifier."""
    user = {"primary_id": primary_id, "last_name": "Else"}
    user |= {"user_identifier": [{"id_type": {"value": id_type}, "value": value}]}
    return new_user(user, profile_code="others", record_type="PUBLIC")


def letters(house: House) -> dict[str, str]:
    with house.engine.connect() as connection:
        return {letter["primary_id"]: letter["code"] for letter in letters_of(connection, "people")}


def test_new_changed_and_unchanged_people(house: House, alma: Double) -> None:
    house.run("import", [person(number) for number in range(5)])
    first = deliver(house)
    assert (counts(first), differences(house.engine, alma.engine, "people")) == ({"created": 5}, [])
    assert first.requests == 15, "by primary id, by barcode, and the POST"

    house.run("second", [person(0, LAST="New"), *map(person, range(1, 5))])
    one.edit(house.engine, "s1", {"first_name": "Back"}, Act("desk", START + timedelta(days=2)))
    one.edit(house.engine, "s1", {"first_name": "Firstname1"}, Act("desk", START + timedelta(days=2)))
    one.add_role(alma.engine, "s0", ROLE, ACT)
    second = deliver(house, "deliver/2")
    assert (counts(second), second.requests) == ({"updated": 1, "unchanged": 1}, 3)
    assert differences(house.engine, alma.engine, "people") == []
    assert alma.users()["s0"]["user_role"] == [ROLE]
    assert counts(deliver(house, "deliver/3")) == {}


def test_a_person_with_a_new_primary_id_stays_one(house: House, alma: Double) -> None:
    house.run("import", [person(1), person(2)])
    alma.has(copy.deepcopy(house.users()["s2"]["document"]) | {"primary_id": "old2"})  # known by the barcode only
    assert counts(deliver(house)) == {"created": 1, "updated": 1}
    house.run("second", [person(7, CARD="Card1"), person(2)])  # ... matched by the barcode
    assert counts(deliver(house, "deliver/2")) == {"updated": 1}
    assert sorted(alma.users()) == ["s2", "s7"]
    assert differences(house.engine, alma.engine, "people") == []


def test_some_are_left_alone_and_say_why(house: House, alma: Double) -> None:
    house.run("import", [person(number) for number in range(6)])
    documents = {
        who: copy.deepcopy(user["document"]) | {"last_name": "At Alma"} for who, user in house.users().items()
    }
    alma.has({**documents["s0"], "account_type": {"value": "INTERNAL"}, "external_id": ""})
    alma.has(documents["s1"] | {"external_id": "others"})
    alma.has(documents["s2"] | {"user_note": [{"note_type": {"value": "OTHER"}, "note_text": "NOSYNC"}]})
    alma.has(somebody("else3", "OTHER_ID_1", "s3"))
    alma.has(somebody("else4", "INST_ID", "net4"))
    before = alma.users()
    receipt = deliver(house)
    assert counts(receipt) == {"created": 1, "kept_out": 1, "dead": 4}
    assert letters(house) == {"s0": "internal", "s1": "401858", "s2": "nosync", "s3": "taken", "s4": "401851"}
    assert {who: user for who, user in alma.users().items() if who != "s5"} == before
    assert counts(deliver(house, "deliver/2")) == {}, "they wait"


def test_a_field_that_staff_edited_is_overridden_only_where_they_edited_it_here(house: House, alma: Double) -> None:
    house.run("import", [person(1), person(2)])
    deliver(house)
    for who in ("s1", "s2"):
        alma.edit(who, user_group={"value": "STAFF"})
    house.run("second", [person(1, GROUP="GR"), person(2)])
    one.edit(house.engine, "s2", {"user_group": {"value": "GUEST"}}, Act("desk", START + timedelta(days=2)))
    assert counts(deliver(house, "deliver/2")) == {"unchanged": 1, "updated": 1}
    assert [alma.users()[who]["user_group"]["value"] for who in ("s1", "s2")] == ["STAFF", "GUEST"]


def test_with_five_in_a_hundred_answers_wrong_or_lost_both_ends_are_equal_and_nobody_is_twice(
    house: House, alma: Double
) -> None:
    people = [person(number) for number in range(80)]
    house.run("import", people)
    alma.app.share = 0.05
    receipt = deliver(house)
    assert (receipt.created + receipt.left, receipt.dead) == (80, 0)
    house.run("second", [person(number, LAST="New") for number in range(80)])
    for night in range(2):
        receipt = deliver(house, f"deliver/{night + 2}")
    assert (receipt.dead, receipt.left, differences(house.engine, alma.engine, "people")) == (0, 0, [])
    assert len(alma.users()) == 80


def test_the_reserve_and_the_days_limit_end_it_cleanly_and_the_next_night_goes_on(house: House, alma: Double) -> None:
    house.run("import", [person(number) for number in range(60)])
    alma.allow(100)
    receipt = deliver(house, reserve=40)
    assert 20 <= receipt.created <= 30
    assert (receipt.left, receipt.dead) == (60 - receipt.created, 0)
    assert len(alma.asked) <= 60 + 30, "those who were at it came to an end"
    alma.allow(len(alma.asked) + 30)
    assert 0 < deliver(house, "deliver/2").created <= 10, "refused in the middle"
    assert asyncio.run(ask_left(AlmaHook("alma"))) == 0
    alma.allow(10**6)
    deliver(house, "deliver/3")
    assert differences(house.engine, alma.engine, "people") == []


@pytest.mark.parametrize("trouble", ["key", "silence"])
def test_trouble_with_the_connection_fails_whole_and_makes_no_dead_letters(
    house: House, alma: Double, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    house.run("import", [person(number) for number in range(40)])
    if trouble == "key":
        monkeypatch.setenv("AIRFLOW_CONN_ALMA", alma.connection("another key"))
        with pytest.raises(AirflowFailException, match=r"UNAUTHORIZED.*API key"):
            deliver(house)
    else:
        monkeypatch.setattr(rest, "MOST_FAILED", 12)
        alma.app.share = 1.0
        with pytest.raises(ConnectionError, match="12 requests in a row"):
            deliver(house)
    assert letters(house) == {}


def test_nothing_of_a_person_is_logged(house: House, alma: Double, caplog: Any) -> None:
    house.run("import", [person(number) for number in range(30)])
    alma.has(somebody("else1", "INST_ID", "net1"))
    alma.app.share = 0.1
    with caplog.at_level("WARNING"):
        deliver(house)
    assert caplog.records, "something is"
    told = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for secret in ("Lastname", "/users/s", "Card1"):
        assert secret not in told
