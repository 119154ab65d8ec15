"""Applying when files of the run are gone, when identifiers meet the library's own, and a profile mended back."""

from __future__ import annotations

import pytest
from helpers import House, csv_text, make_profile, person, reasons, total

from matchpoint.errors import PlanError


@pytest.mark.parametrize("name", ["plan.parquet", "plan.json"])
def test_a_plan_that_is_gone_is_told_and_writes_nothing(house: House, name: str) -> None:
    house.plan("run", {"people.csv": csv_text([person(1)])})
    house.folder("run").root.joinpath(name).unlink()
    before = house.people()
    with pytest.raises(PlanError, match="task match_users"):
        house.apply("run")
    assert house.people() == before


def test_an_extract_that_is_gone_makes_its_rows_conflicts(house: House) -> None:
    house.plan("run", {"people.csv": csv_text([person(1)])})
    folder = house.folder("run")
    copy = folder.root / folder.extracts[0].path
    kept = copy.read_bytes()
    copy.unlink()
    house.apply("run")
    copy.write_bytes(kept)
    assert reasons(house.receipt("run")) == {("conflict", "extract_changed", ""): 1}
    assert house.users() == {}


@pytest.mark.law("taken-within-user")
def test_a_primary_id_that_is_the_users_own_internal_identifier_is_rejected_in_the_plan(house: House) -> None:
    house.run("first", [person(1)])
    card = {"id_type": {"value": "OTHER_ID_1"}, "value": "Mine", "segment_type": "Internal"}
    kept = house.users()["s1"]["document"]["user_identifier"]
    house.edit("s1", user_identifier=[*kept, card])
    house.sql("INSERT INTO identifiers (value_key, id_type, value, user_id) VALUES ('mine', 'OTHER_ID_1', 'Mine', 1)")
    receipt = house.run("second", [person(1, ID="MINE")])
    assert receipt.total == total(rejected=1)
    assert [code for _, code, _ in reasons(receipt)] == ["two_identifiers"]
    third = house.run("third", [person(1, ID="MINE"), person(1, LAST="New")])
    assert third.total == total(rejected=1, updated=1), "the refused row claims nobody"


def test_a_profile_mended_and_mended_back_in_one_run_ends_as_the_profile_says(house: House) -> None:
    rows = [person(1, GROUP="UG")]
    group = {"UG": "STUDENT"}
    other = make_profile(crosswalks={"groups": group})
    house.run("run", rows)
    mended = house.with_profile(other)
    assert mended.run("run", rows).total == total(updated=1)
    back = mended.with_profile(house.profile)
    assert back.run("run", rows).total == total(updated=1)
    assert house.users()["s1"]["document"]["user_group"] == {"value": "UNDERGRAD"}
    assert back.run("run", rows).total == total(updated=1)
    assert house.users()["s1"]["version"] == 3
