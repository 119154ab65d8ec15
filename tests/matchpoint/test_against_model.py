"""The store against a plain model of Alma: any sequence of loads, edits and conversions ends in the same state."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from alma_model import Alma, Row, wanted
from helpers import House, csv_text, make_profile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import IDENTIFIERS
from matchpoint.errors import AccountError

PROFILE = """
code: people
name: People
sis_type: Banner
connection: sis
format: {type: csv}
mapping:
  primary_id: {from: ID, required: true}
  last_name: {from: LAST, required: true}
  pref_first_name: PREF
  user_group: GROUP
  identifiers:
    - {id_type: BARCODE, value: CARD}
  emails:
    - {types: [work], preferred: true, email_address: EMAIL}
actions:
  import: {path: in}
  synchronize: {path: in, match_points: [primary_id, BARCODE]}
"""
COLUMNS = ["ID", "LAST", "PREF", "GROUP", "CARD", "EMAIL"]
PROFILES = {code: make_profile(PROFILE.replace("code: people", f"code: {code}")) for code in ("people", "staff")}

ids = st.sampled_from(["s1", "S1", "s2", "s3", "s4"])
cards = st.sampled_from(["", "c1", "C1", "c2", "c3", "s2"])
rows = st.fixed_dictionaries(
    {
        "ID": ids,
        "LAST": st.sampled_from(["Ito", "Ito", "Diaz", ""]),
        "PREF": st.sampled_from(["", "Kit"]),
        "GROUP": st.sampled_from(["", "UG", "GR"]),
        "CARD": cards,
        "EMAIL": st.sampled_from(["", "a@example.edu", "b@example.edu"]),
    }
)


def clear(house: House) -> None:
    """Empty the store."""
    for table in ("passwords", "identifiers", "users", "history", "counters", "runs", "plan_rows", "file_ledger"):
        house.sql(f"DELETE FROM {table}")


def stored(house: House) -> dict[str, Any]:
    """Give the store as the model gives its state."""
    state: dict[str, Any] = {}
    held = sorted((key, user_id) for key, (_, _, user_id) in house.identifiers().items())
    for primary_id, row in house.users().items():
        user = row["document"]
        values = {"last_name": user.get("last_name"), "pref_first_name": user.get("pref_first_name")}
        values["user_group"] = user.get("user_group", {}).get("value")
        numbers = user.get("user_identifier", [])
        emails = user.get("contact_info", {}).get("email", [])
        external = user["account_type"]["value"] == "EXTERNAL"
        assert row["external_id"] == user.get("external_id")
        assert external == (row["external_id"] is not None)
        assert sorted(key for key, user_id in held if user_id == row["id"]) == sorted(
            [primary_id.lower(), *(one["value"].lower() for one in numbers)]
        )
        state[primary_id] = {
            "profile": row["external_id"],
            "fields": {name: value for name, value in values.items() if value is not None},
            "identifiers": sorted((one["id_type"]["value"], one["value"], one["segment_type"]) for one in numbers),
            "emails": sorted(
                (one["email_address"], bool(one.get("preferred")), one["segment_type"]) for one in emails
            ),
            "protected": {
                name: value["value"] if isinstance(value, dict) else value for name, value in row["protected"].items()
            },
        }
    return state


class Sequences(RuleBasedStateMachine):
    """Does the same to the store and to the model."""

    house: House

    @initialize()
    def begin(self) -> None:
        self.model = Alma()
        self.runs = 0
        self.last: tuple[str, str, str, list[Row], Counter[str]] | None = None
        clear(self.house)

    @rule(
        mode=st.sampled_from(["import", "synchronize"]),
        profile=st.sampled_from(list(PROFILES)),
        feed=st.lists(rows, max_size=5, min_size=1),
    )
    def load(self, mode: str, profile: str, feed: list[Row]) -> None:
        self.runs += 1
        counts = self._run(f"run{self.runs}", mode, profile, feed)
        expected = self.model.load(mode, profile, feed)
        assert counts == expected
        self.last = (f"run{self.runs}", mode, profile, feed, counts)

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat_the_run(self) -> None:
        assert self.last
        assert self._run(*self.last[:4]) == self.last[4]

    @precondition(lambda self: self.last is not None)
    @rule()
    def synchronize_the_same_feed_anew(self) -> None:
        assert self.last
        _, _, profile, feed, _ = self.last
        self.load("synchronize", profile, feed)

    # --- the library ------------------------------------------------------------------------------

    def _anybody(self, data: st.DataObject) -> str:
        self.last = None  # a run repeated now would meet another store
        return data.draw(st.sampled_from([person.primary_id for person in self.model.people]))

    def _act(self) -> Act:
        return Act("librarian", self.house.now())

    @precondition(lambda self: self.model.people)
    @rule(data=st.data(), name=st.sampled_from(["user_group", "pref_first_name", "last_name"]))
    def edit_by_hand(self, data: st.DataObject, name: str) -> None:
        who, value = self._anybody(data), data.draw(st.sampled_from(["Ito", "By hand"]))
        coded = {"value": value} if name == "user_group" else value
        one.edit(self.house.engine, who, {name: coded}, self._act())
        self.model.edit(who, name, value)

    @precondition(lambda self: any(person.protected for person in self.model.people))
    @rule(data=st.data())
    def restore_to_the_sis(self, data: st.DataObject) -> None:
        protected = [(person.primary_id, name) for person in self.model.people for name in person.protected]
        who, name = data.draw(st.sampled_from(protected))
        self.last = None
        one.restore(self.house.engine, who, name, self._act())
        self.model.restore(who, name)

    @precondition(lambda self: self.model.people)
    @rule(data=st.data(), value=st.sampled_from(["c1", "C3", "s4", "locker"]))
    def add_an_identifier_of_our_own(self, data: st.DataObject, value: str) -> None:
        who = self._anybody(data)
        part = {"id_type": {"value": "OTHER_ID_1"}, "value": value}
        try:
            one.add_segment(self.house.engine, who, IDENTIFIERS, part, self._act())
            added = True
        except AccountError:
            added = False
        assert added == self.model.add_identifier(who, value)

    @precondition(lambda self: self.model.people)
    @rule(data=st.data(), to=st.sampled_from([None, "people", "staff"]))
    def convert(self, data: st.DataObject, to: str | None) -> None:
        who = self._anybody(data)
        try:
            one.convert(self.house.engine, who, "EXTERNAL" if to else "INTERNAL", self._act(), external_id=to)
        except AccountError as error:
            assert error.code == "401858"
            assert self.model.of(who).profile not in {None, to}
        else:
            self.model.convert(who, to)

    @precondition(lambda self: self.model.people)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        who = self._anybody(data)
        one.delete(self.house.engine, who, self._act())
        self.model.delete(who)

    def _run(self, run_id: str, mode: str, profile: str, feed: list[Row]) -> Counter[str]:
        house = self.house.with_profile(PROFILES[profile])
        receipt = house.run(run_id, {"people.csv": csv_text(feed, COLUMNS)}, mode)
        self.house.minutes = house.minutes
        counts = receipt.total
        assert counts.pop("processed") == sum(counts.values())
        return Counter({word: number for word, number in counts.items() if number})

    @invariant()
    def store_and_model_agree(self) -> None:
        if hasattr(self, "model"):
            assert stored(self.house) == self.model.state()


def test_store_and_model_agree_after_each_step(house: House) -> None:
    machine = type("Sequences", (Sequences,), {"house": house})
    examples = 18 if house.engine.dialect.name == "sqlite" else 6
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def uncontested(house: House, feed: list[Row]) -> list[Row]:
    """Take the rows that meet no other row at an identifier or a user: for those the order decides, by law."""
    owners = {key: f"user {user_id}" for key, (_, _, user_id) in house.identifiers().items()}
    about = [
        {value for _, value in wanted(row)} | {owners.get(value, value) for _, value in wanted(row)} for row in feed
    ]
    times = Counter(one for some in about for one in some)
    return [row for row, some in zip(feed, about, strict=True) if all(times[one] == 1 for one in some)]


@pytest.mark.law("order-of-rows")
@given(st.lists(rows, max_size=4), st.lists(rows, min_size=2, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_order_of_rows_does_not_change_the_end(
    house: House, before: list[Row], feed: list[Row], chance: random.Random
) -> None:
    ends = []
    people = house.with_profile(PROFILES["people"])
    for turn in range(2):
        clear(house)
        people.run("before", {"people.csv": csv_text([NOBODY, *before], COLUMNS)})
        order = uncontested(house, feed)
        if turn:
            chance.shuffle(order)
        receipt = people.run("run", {"people.csv": csv_text([NOBODY, *order], COLUMNS)})
        ends.append((stored(house), receipt.total))
    assert ends[0] == ends[1]


NOBODY = dict.fromkeys(COLUMNS, "")
"""A row that is rejected: an extract has at least one."""
