"""The faults that other tests inject are what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import faults_of_alma
import httpx
import pytest
from faults_of_alma import KINDS, Faulty
from ready_stores import make_store
from served import Served, serving

from matchpoint.store import open_store

_STATUS = {"limit": 429, "gateway": 502, "broken": 500, "page": 200, "garbled": 200}


@pytest.fixture(scope="module")
def around() -> list[Faulty]:
    return []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, around: list[Faulty]) -> Iterator[Served]:
    url = f"sqlite:///{tmp_path_factory.mktemp('alma')}/alma.db"
    make_store(url)

    def faulty(app: Any) -> Faulty:
        around.append(Faulty(app, 1, 0.0))
        return around[0]

    with serving(open_store(url), around=faulty) as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_what_it_says(
    kind: str, served: Served, around: list[Faulty], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a request whose answer is lost or garbled everything is done, of every other one nothing."""
    headers = {"Authorization": f"apikey {served.key}", "Accept": "application/json"}
    user = {"record_type": {"value": "PUBLIC"}, "primary_id": f"fault{kind}", "last_name": "X"}
    [faulty] = around
    monkeypatch.setattr(faults_of_alma, "KINDS", (kind,))
    monkeypatch.setattr(faulty, "share", 1.0)
    if kind in _STATUS:
        assert httpx.post(f"{served.root}/users", json=user, headers=headers).status_code == _STATUS[kind]
    else:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            httpx.post(f"{served.root}/users", json=user, headers=headers)
    assert faulty.done[kind] == 1
    monkeypatch.setattr(faulty, "share", 0.0)
    found = httpx.get(f"{served.root}/users/fault{kind}", headers=headers).status_code
    assert found == (200 if kind in {"lost", "garbled"} else 400)
