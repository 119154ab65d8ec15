"""Alma's API as its clients see it: over a socket, by two clients that others made, and by its own OpenAPI page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import almapiwrapper.users
import httpx
import niquests
import pytest
import schemathesis
from almapiwrapper.record import JsonData, Record
from almapy import AlmaClient, AlmapyError
from helpers import XML_PEOPLE, make_profile
from hypothesis import HealthCheck, given, settings
from ready_stores import make_store
from served import Served, serving

from matchpoint.alma.code_tables import Code
from matchpoint.store import open_store
from matchpoint.store.code_tables import save_code_tables
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.jobs import add_jobs


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("alma")
    url = f"sqlite:///{home}/alma.db"
    make_store(url)
    engine = open_store(url)
    (home / "files" / "in").mkdir(parents=True)
    desk = JobDesk(engine, [make_profile(XML_PEOPLE)], home / "runs", home / "files")
    save_code_tables(engine, [Code("UserGroups", "UNDERGRAD", "Undergraduates"), Code("UserGroups", "STAFF")])
    with serving(engine, around=lambda app: add_jobs(app, desk)) as one:
        yield one


def person(number: int, **more: Any) -> dict[str, Any]:
    """Make an EXTERNAL user of Alma."""
    return {
        "record_type": {"value": "PUBLIC"},
        "primary_id": f"p/{number}",
        "first_name": "Ada",
        "last_name": f"Byron{number}",
        "account_type": {"value": "EXTERNAL"},
        "external_id": "people",
        "user_group": {"value": "UNDERGRAD"},
        "contact_info": {
            "email": [
                {"email_address": f"p{number}@example.edu", "email_type": [{"value": "work"}], "preferred": True}
            ]
        },
        "user_identifier": [{"id_type": {"value": "BARCODE"}, "value": f"card{number}"}],
        **more,
    }


def test_almapy_creates_reads_lists_and_updates(served: Served) -> None:
    async def talk() -> None:
        async with niquests.AsyncSession(base_url=served.root, disable_http2=True, disable_http3=True) as session:
            client = AlmaClient(served.key, client=session, rate_limit=1_000)
            made = await client.users.create_user(person(1))
            assert (made.primary_id, made.status.value) == ("p/1", "ACTIVE")
            assert made.user_identifier[0].segment_type == "External"
            assert (await client.users.get_user("CARD1")).last_name == "Byron1"
            changed = await client.users.update_user("p/1", {**made, "last_name": "King"})
            assert (changed.last_name, changed.full_name) == ("King", "Ada King")
            page = await client.users.get_users(q="last_name~king", limit=5)
            assert (page.total_record_count, page.user[0].primary_id) == (1, "p/1")
            table = await client.config.code_tables.get_code_table("UserGroups")
            assert [row.code for row in table.row] == ["STAFF", "UNDERGRAD"]
            for wrong, code in (
                (client.users.get_user("nobody"), "401861"),
                (client.users.create_user({}), "401664"),
            ):
                with pytest.raises(AlmapyError) as refused:
                    await wrong
                assert refused.value.code == code

    asyncio.run(talk())


def test_almapiwrapper_creates_reads_updates_and_deletes(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = [{"Area": "Users", "Permissions": one, "Env": "P"} for one in ("R", "RW")]
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"HERE": [{"API_Key": served.key, "Supported_APIs": may}]}))
    monkeypatch.setenv("alma_api_keys", str(keys))
    monkeypatch.setattr(Record, "api_base_url", served.root)
    monkeypatch.setattr(almapiwrapper.users.User, "api_base_url", f"{served.root}/users")
    new = almapiwrapper.users.NewUser("HERE", "P", JsonData(person(2, primary_id="p2", password="")))
    made = new.create()
    assert not made.error, made.error_msg
    user = almapiwrapper.users.User("p2", "HERE", "P")
    assert user.data["last_name"] == "Byron2"
    user.data["last_name"] = "Lovelace"
    assert not user.update().error
    assert almapiwrapper.users.User("p2", "HERE", "P").data["last_name"] == "Lovelace"
    user.delete()
    gone = almapiwrapper.users.User("p2", "HERE", "P")
    assert gone.data is None
    assert gone.error


def test_nothing_on_the_openapi_page_breaks_the_server(served: Served) -> None:
    statuses = set()
    for found in schemathesis.openapi.from_url(f"{served.root}/openapi.json").get_all_operations():

        @given(case=found.ok().as_strategy())
        @settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=HealthCheck)
        def each(case: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"apikey {served.key}"}
            case.headers["Accept"] = "application/json"
            response = case.call(timeout=10)
            assert response.status_code < 500
            case.operation.validate_response(response)
            statuses.add(response.status_code)

        each()
    assert {200, 400} <= statuses


def test_xml_is_what_who_does_not_say_gets(served: Served) -> None:
    headers = {"Authorization": f"apikey {served.key}", "Content-Type": "application/xml"}
    body = (
        "<user><record_type>PUBLIC</record_type><primary_id>x1</primary_id><last_name>Ex</last_name>"
        "<account_type>INTERNAL</account_type></user>"
    )
    made = httpx.post(f"{served.root}/users", content=body, headers=headers)
    assert (made.status_code, made.headers["content-type"]) == (200, "application/xml")
    assert "<primary_id>x1</primary_id>" in made.text
    listed = httpx.get(f"{served.root}/users", params={"q": "last_name~ex", "apikey": served.read_key})
    assert '<users total_record_count="1">' in listed.text
    wrong = httpx.post(f"{served.root}/users", content="<user", headers=headers)
    assert (wrong.status_code, "<errorCode>401676</errorCode>" in wrong.text) == (400, True)
