"""Reconcile: each kind of drift, the same from a file and by the API, what a repair mends, and going on."""

from __future__ import annotations

import asyncio
import copy
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from helpers import START, House, open_house, person, xml_text, xml_user, zip_of
from served import NOW, serving

from matchpoint.accounts import one
from matchpoint.accounts.store import Act, create
from matchpoint.alma.fields import User
from matchpoint.alma.xml_files import write_users, write_zip
from matchpoint.deliver.outbox import count_due, note_delivered
from matchpoint.errors import ExtractError
from matchpoint.read.user_export import read_export
from matchpoint.reconcile.run import Reconcile, Repaired
from matchpoint.store import open_store, upgrade, writing
from matchpoint_airflow.doors import listing
from matchpoint_airflow.hooks.alma import AlmaHook

PEOPLE = 8


@pytest.fixture
def light(tmp_path: Path) -> Iterator[House]:
    """Give a house on SQLite, for what PostgreSQL cannot see differently."""
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


def set_up(light: House) -> list[User]:
    """Load some people, and give them as an Alma has them that never was touched since."""
    light.run("import", [person(number) for number in range(1, PEOPLE + 1)])
    return [copy.deepcopy(row["document"]) for row in light.rows("users")]


def user_of(alma: list[User], primary_id: str) -> User:
    return next(user for user in alma if user["primary_id"] == primary_id)


def named(user: User) -> None:
    user["last_name"] = "Else"


def owned_by_another(user: User) -> None:
    user["external_id"] = "staff"


def made_internal(user: User) -> None:
    user["account_type"] = {"value": "INTERNAL"}
    del user["external_id"]


def kept_out(user: User) -> None:
    quiet = {"user_viewable": False, "popup_note": False}
    user.setdefault("user_note", []).append(
        {"note_type": {"value": "OTHER"}, "note_text": "NOSYNC: visiting", **quiet}
    )
    user["last_name"] = "Else"


def renamed(user: User) -> None:
    user["primary_id"] = "OTHER-ID"


def as_alma_writes_it(user: User) -> None:
    user["primary_id"] = user["primary_id"].upper()
    user["birth_date"] += "Z"
    user["user_group"]["desc"] = "Undergraduate"
    user["user_role"] = [{"role_type": {"value": "200"}, "scope": {"value": "01X"}, "status": {"value": "ACTIVE"}}]
    user["user_identifier"].reverse()


KINDS: list[tuple[Callable[[User], None], str, tuple[str, ...]]] = [
    (as_alma_writes_it, "same", ()),
    (named, "differs", ("last_name",)),
    (renamed, "differs", ("primary_id",)),
    (owned_by_another, "other_profile", ()),
    (made_internal, "internal", ()),
    (kept_out, "kept_out", ()),
]


def reconciled(light: House, alma: list[User]) -> tuple[Reconcile, dict[str, int]]:
    """Compare, and leave open what was found."""
    reconcile = Reconcile(light.engine, light.profile)
    reconcile.begin("file", START, go_on=False)
    for place in range(0, len(alma), 3):
        reconcile.take(alma[place : place + 3])
    return reconcile, {kind: number for kind, number in reconcile.close().items() if number}


@pytest.mark.parametrize(("change", "kind", "fields"), KINDS)
def test_a_user_is_found_as_what_it_is(
    light: House, change: Callable[[User], None], kind: str, fields: tuple[str, ...]
) -> None:
    alma = set_up(light)
    change(user_of(alma, "s2"))
    reconcile, counts = reconciled(light, alma)
    assert counts == ({"same": PEOPLE} if kind == "same" else {"same": PEOPLE - 1, kind: 1})
    listed = list(reconcile.listed())
    assert [(met.kind, met.fields) for met in listed] == ([] if kind == "same" else [(kind, fields)])


def drifted(light: House) -> list[User]:
    """Load people, and give an Alma with one of each kind of drift."""
    alma = set_up(light)
    named(user_of(alma, "s2"))
    kept_out(user_of(alma, "s3"))
    made_internal(user_of(alma, "s4"))
    alma.remove(user_of(alma, "s5"))
    only = copy.deepcopy(user_of(alma, "s1")) | {"primary_id": "only", "user_identifier": []}
    unknown = copy.deepcopy(only) | {"primary_id": "unknown", "external_id": "staff"}
    card = user_of(alma, "s6")["user_identifier"]
    user_of(alma, "s6")["user_identifier"] = []
    twin = copy.deepcopy(only) | {"primary_id": "twin", "user_identifier": card}
    return [*alma, only, unknown, twin]


DRIFT = {"same": 3, "differs": 1, "kept_out": 1, "internal": 1, "missing": 1, "only_in_alma": 1, "duplicate": 2}


def test_all_kinds_together_are_listed_and_only_two_are_repaired(house: House) -> None:
    alma = drifted(house)
    everybody = [(row["id"], row["version"]) for row in house.rows("users")]
    with writing(house.engine).begin() as connection:
        note_delivered(connection, everybody[:-1])
    before = house.users()
    reconcile, counts = reconciled(house, alma)
    assert counts == DRIFT
    assert house.users() == before, "a report writes nothing"
    assert {met.primary_id: met.kind for met in reconcile.listed() if met.kind != "same"} == {
        "s2": "differs",
        "s3": "kept_out",
        "s4": "internal",
        "s5": "missing",
        "s6": "duplicate",
        "twin": "duplicate",
        "only": "only_in_alma",
    }
    assert reconcile.repair() == Repaired(put_again=2, noted=1)
    due = {name for name, row in house.users().items() if row["delivered_version"] != row["version"]}
    assert due == {"s2", "s5"}
    assert {name: row["document"] for name, row in house.users().items()} == {
        name: row["document"] for name, row in before.items()
    }
    assert reconcile.repair() == Repaired(0, 0), "again it ends in the same"
    reconcile.forget()
    assert (house.rows("drift"), house.rows("reconciles")) == ([], [])


def test_before_going_live_only_the_drift_is_left_to_deliver_and_then_nothing(light: House) -> None:
    alma = set_up(light)
    named(user_of(alma, "s2"))
    with light.engine.connect() as connection:
        assert count_due(connection, "people").people == PEOPLE
    reconciled(light, alma)[0].repair()
    with light.engine.connect() as connection:
        assert count_due(connection, "people").people == 1
    delivered = [row["document"] for row in light.rows("users")]
    reconcile, counts = reconciled(light, delivered)
    assert (counts, reconcile.repair()) == ({"same": PEOPLE}, Repaired(0, 1))


def test_who_changes_after_it_was_compared_stays_due(house: House) -> None:
    alma = set_up(house)
    reconcile, _ = reconciled(house, alma)
    one.edit(house.engine, "s1", {"user_title": {"value": "DR"}}, Act("desk", START + timedelta(days=2)))
    assert reconcile.repair() == Repaired(put_again=0, noted=PEOPLE - 1)
    with house.engine.connect() as connection:
        assert count_due(connection, "people").people == 1


def test_what_staff_edited_in_alma_since_the_last_delivery_is_no_drift(light: House) -> None:
    alma = set_up(light)
    with writing(light.engine).begin() as connection:
        note_delivered(connection, [(row["id"], row["version"]) for row in light.rows("users")])
    user_of(alma, "s1")["user_title"] = {"value": "DR"}
    user_of(alma, "s2")["user_group"] = {"value": "STAFF"}
    assert reconciled(light, alma)[1] == {"same": PEOPLE}


# --- where Alma's users come from -----------------------------------------------------------------


def test_a_file_tells_the_same_plain_and_in_a_zip(light: House) -> None:
    alma = drifted(light)
    plain, packed = io.BytesIO(), io.BytesIO()
    write_users(plain, alma)
    assert write_zip(packed, alma, users_per_file=4) == [4, 4, 2]
    for file in (plain, packed):
        file.seek(0)
        assert reconciled(light, list(read_export(file, "export")))[1] == DRIFT


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut off", zip_of({"a.xml": xml_text(xml_user(1))[:-9]}), b"<html/>"]
)
def test_a_file_that_is_no_export_is_refused(content: bytes) -> None:
    with pytest.raises(ExtractError, match="export"):
        list(read_export(io.BytesIO(content), "export"))


def test_the_api_tells_the_same_and_goes_on_where_the_day_s_requests_ran_out(
    light: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = open_store(f"sqlite:///{tmp_path / 'alma.sqlite'}")
    upgrade(double)
    with writing(double).begin() as connection:
        for user in drifted(light):
            create(connection, user, Act("test", NOW))
    monkeypatch.setattr(listing, "PAGE", 2)
    monkeypatch.setattr(listing, "PAGES", 1)
    reconcile = Reconcile(light.engine, light.profile)
    with serving(double, per_day=10) as served:
        connection_of = {"conn_type": "alma", "host": served.address, "password": served.key}
        monkeypatch.setenv("AIRFLOW_CONN_ALMA", json.dumps(connection_of))

        def read(place: int, reserve: int) -> bool:
            async def reading() -> bool:
                async with AlmaHook("alma").alma(rate=1_000) as alma:
                    await alma.ask_remaining()
                    return await listing.read_all(alma, place, reconcile.take, reserve=reserve)

            return asyncio.run(reading())

        assert reconcile.begin("api", START, go_on=True) == 0
        assert not read(0, 6)
        assert 0 < reconcile.begin("api", START, go_on=True) < PEOPLE
        assert read(reconcile.begin("api", START, go_on=True), 0)
    counts = {kind: number for kind, number in reconcile.close().items() if number}
    assert counts == DRIFT
    double.dispose()
