"""Properties of undo: true of any runs, in any order, whatever was changed in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from alma_model import Row
from helpers import House, open_house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_against_model import PROFILES, clear
from test_properties import feeds, load, loads
from test_undo import BIG, state, undo

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import IDENTIFIERS
from matchpoint.alma.law import changes
from matchpoint.errors import AccountError, PlanError
from matchpoint.undo.apply import apply_undo
from matchpoint.undo.plan import Undoing, plan_undo_run
from matchpoint.undo.rows import read_rows

PROPERTY = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, PROFILES["people"]) as opened:
        yield opened


def back(house: House, run_id: str, name: str) -> None:
    with suppress(PlanError):  # the run changed nobody
        undo(house, run_id, name)


@given(loads, feeds)
@PROPERTY
def test_a_run_undone_is_as_if_it_had_not_been_and_back_again(house: House, some: Any, feed: list[Row]) -> None:
    clear(house)
    for number, (mode, profile, rows) in enumerate(some):
        load(house, f"run{number}", mode, profile, rows)
    before = state(house)
    load(house, "last", "synchronize", "people", feed)
    after = state(house)
    back(house, "last", "undo")
    assert state(house) == before
    back(house, "undo", "redo")
    assert state(house) == after


@given(loads)
@PROPERTY
def test_all_runs_undone_backwards_leave_nobody(house: House, some: Any) -> None:
    clear(house)
    states = []
    for number, (mode, profile, rows) in enumerate(some):
        states.append(state(house))
        load(house, f"run{number}", mode, profile, rows)
    for number in reversed(range(len(some))):
        back(house, f"run{number}", f"undo{number}")
        assert state(house) == states[number]
    assert house.users() == {}


edits = st.lists(
    st.tuples(
        st.sampled_from(["s1", "s2", "s3", "s4"]),
        st.sampled_from(["last_name", "user_group", "pref_first_name", "identifier", "delete", "convert"]),
        st.sampled_from(["Ito", "Diaz", "c1", "c9"]),
    ),
    max_size=4,
)


def edit(house: House, who: str, what: str, value: str) -> None:
    act = Act("librarian", house.now())
    with suppress(AccountError):
        if what == "identifier":
            part = {"id_type": {"value": "OTHER"}, "value": value}
            one.add_segment(house.engine, who, IDENTIFIERS, part, act)
        elif what == "delete":
            one.delete(house.engine, who, act)
        elif what == "convert":
            one.convert(house.engine, who, "INTERNAL", act)
        else:
            coded = {"value": value} if what == "user_group" else value
            one.edit(house.engine, who, {what: coded}, act)


@given(feeds, feeds, edits, feeds)
@PROPERTY
def test_an_undo_never_overwrites_what_came_later(
    house: House, first: list[Row], second: list[Row], by_hand: Any, third: list[Row]
) -> None:
    clear(house)
    load(house, "first", "synchronize", "people", first)
    load(house, "second", "synchronize", "people", second)
    for who, what, value in by_hand:
        edit(house, who, what, value)
    load(house, "third", "synchronize", "people", third)
    before = state(house)
    with suppress(PlanError):
        plan_undo_run(house.folder("undo"), house.engine, "second", Undoing("undo", house.now()))
        assert apply_undo(house.folder("undo"), house.engine, Act("undoer", house.now()), limit=BIG) == {}
        _check(house, before, {row.user_id: row.deed for row in read_rows(house.folder("undo"))})


def _check(house: House, before: dict[str, Any], deeds: dict[int, str]) -> None:
    """Hold every user against what the history says that others than the second run changed after it."""
    now = state(house)
    later: dict[int, set[str]] = {}
    versions = {row["user_id"]: row["version"] for row in house.rows("history") if row["run_id"] == "second"}
    for row in house.rows("history"):
        if row["version"] > versions.get(row["user_id"], 10**9) and row["run_id"] != "undo":
            later.setdefault(row["user_id"], set()).update(row["after"] or (), [row["outcome"]])
    for user_id, old in before["documents"].items():
        if user_id not in now["documents"]:
            assert deeds[user_id] == "delete"
            assert user_id not in later
            continue
        changed = changes(old, now["documents"][user_id])
        assert not changed.keys() & later.get(user_id, set())
        assert changed.keys() == set() or user_id in versions
    assert now["documents"].keys() <= before["documents"].keys()
    assert sorted(value for value, *_ in house.identifiers().items()) == sorted(_held(now))


def _held(found: dict[str, Any]) -> list[str]:
    return [
        value.casefold()
        for user in found["documents"].values()
        for value in (user["primary_id"], *(part["value"] for part in user.get("user_identifier", [])))
    ]
