"""What clients send that is not quite a user, and what they ask lists for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ready_stores import make_store
from served import NOW, Served, serving
from sqlalchemy import Engine

from matchpoint.accounts.store import Act
from matchpoint.almaws.search import Question, search
from matchpoint.almaws.users import Alma, add
from matchpoint.errors import AccountError
from matchpoint.store import open_store


def person(name: str, **more: Any) -> dict[str, Any]:
    """Make an EXTERNAL user of Alma."""
    email = {"email_address": f"{name}@example.edu", "email_type": [{"value": "work"}]}
    return {
        "record_type": {"value": "PUBLIC"},
        "primary_id": name,
        "last_name": "Öztürk",
        "account_type": {"value": "EXTERNAL"},
        "external_id": "people",
        "contact_info": {"email": [email]},
        **more,
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path_factory.mktemp('alma')}/alma.db"
    make_store(url)
    with serving(open_store(url)) as one:
        yield one


def ask(served: Served, method: str, path: str, **how: Any) -> httpx.Response:
    headers = {"Authorization": f"apikey {served.key}", "Accept": "application/json"}
    return httpx.request(method, f"{served.root}{path}", headers=headers, timeout=10, **how)


def code_of(answer: httpx.Response) -> Any:
    return answer.json()["errorList"]["error"][0]["errorCode"]


def test_null_is_nothing(served: Served) -> None:
    nothing = {"user_title": {"value": None}, "middle_name": None, "contact_info": {"email": None, "phone": []}}
    made = ask(served, "POST", "/users", json=person("null", **nothing)).json()
    assert not made.keys() & {"user_title", "middle_name", "contact_info"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], "401676"),
        ({"primary_id": "z\0"}, "401676"),
        ({"contact_info": []}, "401676"),
        ({"user_role": [{"status": {"value": "ACTIVE"}}]}, "401664"),
        ({"user_identifier": [{"value": "x"}]}, "401664"),
        ({"birth_date": "1.1.1990"}, "401658"),
    ],
)
def test_what_is_no_user_is_refused(served: Served, given: Any, code: str) -> None:
    answer = ask(served, "POST", "/users", json=person("wrong", **given) if given else given)
    assert (answer.status_code, code_of(answer)) == (400, code)


@pytest.mark.parametrize("wrong", [{"offset": 2**64}, {"limit": 101}, {"limit": "many"}, {"q": "shoe_size~44"}])
def test_what_a_list_cannot_be_asked_is_told(served: Served, wrong: dict[str, Any]) -> None:
    answer = ask(served, "GET", "/users", params=wrong)
    assert (answer.status_code, code_of(answer)) == (400, "401666")


@pytest.fixture
def engine(store_url: str) -> Engine:
    make_store(store_url)
    return open_store(store_url)


def test_words_are_looked_for_in_values_not_in_their_names(engine: Engine) -> None:
    add(Alma(engine, ["people"]), person("Ada"), Act("API tests", NOW))
    found = {
        q: search(engine, Question(q))[1]
        for q in ("email~ADA@example", "ALL~example.edu", "last_name~Öztürk", "ALL~öztürk", "primary_id~ada")
    }
    assert all(number == 1 for q, number in found.items() if q != "ALL~öztürk")
    assert [search(engine, Question(q))[1] for q in ("email~email_address", "email~work", "ALL~value")] == [0, 0, 0]
    days = [search(engine, Question(modified_from=day))[1] for day in (NOW.date(), NOW.date().replace(day=2))]
    assert days == [1, 0]
    with pytest.raises(AccountError, match="modify_date_from"):
        search(engine, Question("ALL~x", modified_from=NOW.date()))
    engine.dispose()
