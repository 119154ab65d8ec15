"""What POST and PUT make of a user, and who may call: Alma's rules for its API, each with its code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers import START, House, open_house, person
from served import Served, serving
from sqlalchemy import select

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.code_tables import Code
from matchpoint.alma.fields import IDENTIFIERS, NOTES
from matchpoint.almaws.keys import list_keys, make_key, revoke_key
from matchpoint.store.code_tables import save_code_tables
from matchpoint.store.tables import history

User = dict[str, Any]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A store with one user of a SIS, served."""
    with open_house(f"sqlite:///{tmp_path}/store.db", tmp_path) as house, serving_one(house) as opened:
        yield opened


@contextmanager
def serving_one(house: House) -> Iterator[Served]:
    house.run("import", [person(1)])
    save_code_tables(
        house.engine,
        [
            Code("UserGroups", "UNDERGRAD"),
            Code("UserEmailTypes", "work"),
            Code("UserEmailTypes", "shop", scope="CONTACT"),
        ],
    )
    with serving(house.engine) as opened:
        yield opened


def call(served: Served, method: str, path: str, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"apikey {served.key}", "Accept": "application/json", **more.pop("headers", {})}
    return httpx.request(method, served.root + path, headers=headers, **more)


def user(served: Served, primary_id: str = "s1") -> User:
    return dict(call(served, "GET", f"/users/{primary_id}").json())


def put(served: Served, changed: User, *, override: str = "") -> User:
    response = call(served, "PUT", "/users/s1", json=changed, params={"override": override} if override else {})
    assert response.status_code == 200, response.text
    return dict(response.json())


def code_of(response: httpx.Response) -> str:
    assert response.json()["errorsExist"] is True
    return str(response.json()["errorList"]["error"][0]["errorCode"])


def test_roles_stay_when_none_come_and_go_when_others_do(served: Served) -> None:
    patron, desk = ({"role_type": {"value": one}, "status": {"value": "ACTIVE"}} for one in ("200", "32"))
    assert put(served, {**user(served), "user_role": [patron]})["user_role"] == [patron]
    assert put(served, {**user(served), "user_role": []})["user_role"] == [patron]
    assert put(served, {**user(served), "user_role": [desk]})["user_role"] == [desk]


def test_incoming_segments_replace_those_that_are_there_the_internal_ones_too(served: Served) -> None:
    note = {"note_type": {"value": "OTHER"}, "note_text": "Ours", "user_viewable": False, "popup_note": False}
    act = Act("desk", START + timedelta(days=1))
    one.add_segment(served.engine, "s1", NOTES, dict(note), act)
    before = user(served)
    assert [part["segment_type"] for part in before["user_note"]] == ["Internal", "External"]
    kept = put(served, before)
    assert {name: kept[name] for name in before if name != "last_modified_date"} == before
    assert "user_note" not in put(served, {**before, "user_note": []})


@pytest.mark.parametrize(
    ("incoming", "override", "becomes"),
    [("", "", "DR"), ("PROF", "", "DR"), ("PROF", "user_title", "PROF"), ("", "user_title", None)],
)
def test_a_special_field_edited_by_hand_stays_unless_it_is_overridden(
    served: Served, incoming: str, override: str, becomes: str | None
) -> None:
    one.edit(served.engine, "s1", {"user_title": {"value": "DR"}}, Act("desk", START + timedelta(days=1)))
    after = put(served, {**user(served), "user_title": {"value": incoming}}, override=override)
    assert after.get("user_title", {}).get("value") == becomes
    assert put(served, {**user(served), "last_name": ""}).get("last_name") is None, "others are replaced by nothing"


def test_what_the_api_changed_is_in_the_history_and_overwritten_by_the_next_synchronize(house: House) -> None:
    with serving_one(house) as served:
        put(served, {**user(served), "last_name": "Of the API"})
        columns = (history.c.actor, history.c.rule, history.c.after)
        with house.engine.connect() as connection:
            last = connection.execute(select(*columns).order_by(history.c.version.desc()).limit(1)).one()
        assert (last.actor, last.rule, last.after) == ("API writer", "api", {"last_name": "Of the API"})
        house.run("synchronize", [person(1)])
        assert user(served)["last_name"] == "Lastname1"


NEW: User = {"record_type": {"value": "PUBLIC"}, "primary_id": "n1", "last_name": "New"}
INTERNAL = {"account_type": {"value": "INTERNAL"}}
EXTERNAL = {"account_type": {"value": "EXTERNAL"}, "external_id": "people"}
CARD = {"id_type": {"value": "BARCODE"}, "value": "twice"}


def with_email(kind: str) -> User:
    email = {"email_address": "a@example.edu", "email_type": [{"value": kind}]}
    return NEW | INTERNAL | {"contact_info": {"email": [email]}}


@pytest.mark.parametrize(
    ("code", "incoming"),
    [
        ("401664", {"last_name": "New"} | INTERNAL),
        ("401664", {"primary_id": "n1"} | INTERNAL),
        ("401851", NEW | INTERNAL | {"primary_id": "S1"}),
        ("401852", NEW | INTERNAL | {"user_group": {"value": "NOBODY"}}),
        ("401853", NEW | INTERNAL | {"external_id": "people"}),
        ("401854", NEW | {"account_type": {"value": "EXTERNAL"}}),
        ("401854", NEW | EXTERNAL | {"external_id": "unheard_of"}),
        ("401855", NEW | {"account_type": {"value": "INTEXTAUTH"}}),
        ("401857", NEW | {"account_type": {"value": "NEITHER"}}),
        ("401863", with_email("shop")),
        ("401864", with_email("unheard_of")),
        ("4018994", NEW | INTERNAL | {IDENTIFIERS.name: [CARD, CARD]}),
        ("500038", NEW | INTERNAL | {"password": "short"}),
        ("401676", {"primary_id": {"value": ["no", "text"]}, "user_note": "none"}),
    ],
)
def test_what_post_refuses(served: Served, code: str, incoming: User) -> None:
    refused = call(served, "POST", "/users", json=incoming)
    assert (refused.status_code, code_of(refused)) == (400, code)


@pytest.mark.parametrize(
    ("code", "method", "path", "body"),
    [
        ("401861", "GET", "/users/nobody", None),
        ("401890", "GET", "/users/s1?user_id_type=BARCODE", None),
        ("401861", "PUT", "/users/nobody", NEW | INTERNAL),
        ("401858", "PUT", "/users/s1", NEW | EXTERNAL | {"external_id": "students"}),
        ("401859", "PUT", "/users/s1", NEW | INTERNAL),
        ("401866", "POST", "/users/s1?op=auth&password=guess", None),
        ("401666", "GET", "/users?q=shoe_size~44", None),
        ("401666", "GET", "/users?limit=101", None),
        ("401666", "GET", "/users?limit=many", None),
        ("402119", "GET", "/conf/code-tables/None", None),
    ],
)
def test_what_other_calls_refuse(served: Served, code: str, method: str, path: str, body: User | None) -> None:
    refused = call(served, method, path, **({} if body is None else {"json": body}))
    assert (refused.status_code, code_of(refused)) == (400, code)


def test_an_internal_user_becomes_external_signs_in_before_that_and_is_deleted(served: Served) -> None:
    made = call(served, "POST", "/users", json=NEW | INTERNAL | {"password": "grey-heron-7-lamps"})
    assert (made.status_code, made.json()["password"]) == (200, "")
    assert call(served, "POST", "/users/n1?op=auth", headers={"Exl-User-Pw": "grey-heron-7-lamps"}).status_code == 204
    external = call(served, "PUT", "/users/n1", json={**made.json(), **EXTERNAL})
    assert external.json()["external_id"] == "people"
    assert call(served, "DELETE", "/users/n1").status_code == 204
    assert code_of(call(served, "GET", "/users/n1")) == "401861"


def test_lists_are_searched_ordered_and_paged(house: House) -> None:
    with serving_one(house) as served:
        check_lists(served)


def check_lists(served: Served) -> None:
    for number, name in enumerate(("Zuse", "Abel", "Zermelo")):
        call(served, "POST", "/users", json=NEW | INTERNAL | {"primary_id": f"z{number}", "last_name": name})

    def listed(**asked: Any) -> tuple[list[str], int]:
        told = call(served, "GET", "/users", params=asked).json()
        return [one["last_name"] for one in told["user"]], told["total_record_count"]

    assert listed() == (["Abel", "Lastname1", "Zermelo", "Zuse"], 4)
    assert listed(limit=1, offset=2) == (["Zermelo"], 4)
    assert listed(q="last_name~Z", order_by="primary_id") == (["Zuse", "Zermelo"], 2)
    assert listed(q="email~mail1@example") == (["Lastname1"], 1)
    assert listed(q="identifiers~card1") == (["Lastname1"], 1)
    assert listed(q="ALL~net1") == (["Lastname1"], 1)
    assert call(served, "GET", "/users", params={"q": "ALL~card1", "expand": "full"}).json()["user"] == [user(served)]
    assert "user_note" not in call(served, "GET", "/users/s1?view=brief").json()


def test_keys_are_made_limited_and_revoked(tmp_path: Path) -> None:
    times = [START]

    def clock() -> datetime:
        return times[-1]

    url = f"sqlite:///{tmp_path}/store.db"
    with open_house(url, tmp_path) as house, serving(house.engine, clock=clock, per_second=2, per_day=4) as served:
        assert httpx.get(f"{served.root}/users").status_code == 401
        assert call(served, "GET", "/users", headers={"Authorization": "apikey guessed"}).status_code == 401
        reader = {"Authorization": f"apikey {served.read_key}"}
        assert call(served, "GET", "/users", headers=reader).status_code == 200
        assert code_of(call(served, "POST", "/users", headers=reader, json=NEW | INTERNAL)) == "UNAUTHORIZED"
        left = [call(served, "GET", "/users").headers["X-Exl-Api-Remaining"] for _ in range(2)]
        assert left == ["3", "2"]
        refused = call(served, "GET", "/users")
        assert (refused.status_code, code_of(refused)) == (429, "PER_SECOND_THRESHOLD")
        for seconds in (1, 2):
            times.append(START + timedelta(seconds=seconds))
            assert call(served, "GET", "/users").status_code == 200
        refused = call(served, "GET", "/users")
        assert (refused.status_code, code_of(refused)) == (429, "DAILY_THRESHOLD")
        assert refused.headers["X-Exl-Api-Remaining"] == "0"
        times.append(START + timedelta(days=1))
        assert call(served, "GET", "/users").headers["X-Exl-Api-Remaining"] == "3"
        revoke_key(house.engine, "writer", clock())
        assert call(served, "GET", "/users").status_code == 401
        assert served.key not in str(list_keys(house.engine))


def test_the_count_of_a_day_outlives_the_server(house: House) -> None:
    from matchpoint.almaws.keys import Limits, find_key

    key = find_key(house.engine, make_key(house.engine, "another", "ro", START, per_day=10))
    first = Limits(house.engine)
    assert [first.take(key, START) for _ in range(3)] == [9, 8, 7]
    first.flush()
    assert Limits(house.engine).take(key, START) == 6
    assert Limits(house.engine).take(key, START + timedelta(days=1)) == 9
