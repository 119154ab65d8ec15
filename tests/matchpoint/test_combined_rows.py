"""Several rows of one feed about one person: one user of all, where the profile says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from affiliated import affiliated, document, employee, feed, people, run, student, values
from helpers import AS_OF, House, person, reasons, total

from matchpoint.check_profile import check_profile

COMBINING = affiliated("campus", affiliation={"order": ["campus/STAFF", "staff", "campus"], "combine_rows": True})
TOLD = {("skipped", "combined", ""): 1}


@pytest.mark.law("first-in-feed")
def test_unless_the_profile_says_so_the_first_row_is_loaded_and_the_other_rejected(house: House) -> None:
    receipt = run(house, affiliated("students"), "first", student(1), employee(1))
    assert reasons(receipt) == {("rejected", "taken_in_feed", "primary_id"): 1}
    assert document(house)["expiry_date"] == "2027-06-30"


@pytest.mark.law("combined-rows")
@pytest.mark.parametrize("turned", [False, True])
def test_two_rows_become_one_user_by_the_table_whatever_their_order(house: House, turned: bool) -> None:
    rows = [student(1), employee(1)]
    receipt = run(house, COMBINING, "first", *(rows[::-1] if turned else rows), student(2))
    assert receipt.total == total(created=2, skipped=1)
    assert reasons(receipt) == TOLD
    user = document(house)
    assert (user["user_group"]["value"], user["first_name"], user["expiry_date"]) == (
        "STAFF",
        "Employed",
        "2027-06-30",
    )
    assert values(user, "user_identifier", "value") == ["Badge1", "Card1", "net1"]
    assert (user["external_id"], user["record_type"]) == ("campus", {"value": "PUBLIC"})
    assert house.identifiers().keys() >= {"s1", "badge1", "card1", "net1"}


def test_the_same_feed_again_changes_nothing(house: House) -> None:
    rows = [student(1), student(2), employee(1)]
    run(house, COMBINING, "first", *rows)
    before = people(house)
    for run_id in ("second", "third"):
        assert run(house, COMBINING, run_id, *rows).total == total(unchanged=2, skipped=1)
    assert people(house) == before


def test_a_row_that_is_gone_takes_its_facet_along_though_the_other_did_not_change(house: House) -> None:
    run(house, COMBINING, "first", student(1), employee(1))
    assert run(house, COMBINING, "second", student(1)).total == total(updated=1)
    user = document(house)
    assert (user["user_group"]["value"], values(user, "user_identifier", "value")) == ("UNDERGRAD", ["Card1", "net1"])
    assert run(house, COMBINING, "third", student(1)).total == total(unchanged=1)
    assert house.folder("third").read_json("users/000.json")["known"] == 1


def test_a_second_row_joins_a_user_who_was_made_of_one(house: House) -> None:
    run(house, COMBINING, "first", student(1), student(2))
    assert run(house, COMBINING, "second", student(1), student(2), employee(1)).total == total(
        updated=1, unchanged=1, skipped=1
    )
    assert document(house)["user_group"]["value"] == "STAFF"


def test_an_ended_role_of_two_in_one_feed_no_longer_counts(house: House) -> None:
    rows = [student(1), employee(1)]
    run(house, COMBINING, "first", *rows)
    assert run(house.on("2027-01-01"), COMBINING, "second", *rows).total == total(updated=1, skipped=1)
    assert document(house)["user_group"]["value"] == "UNDERGRAD"


@pytest.mark.law("combined-rows")
def test_two_people_with_one_card_are_told_apart(house: House) -> None:
    receipt = run(house, COMBINING, "first", student(1), student(2, CARD="Card1"))
    assert reasons(receipt) == {("rejected", "taken_in_feed", "user_identifier"): 1}


def test_a_third_person_cannot_take_what_a_combined_row_holds(house: House) -> None:
    receipt = run(house, COMBINING, "first", student(1), student(2, CARD="Badge1"), employee(1))
    assert reasons(receipt) == {("rejected", "taken_in_feed", "user_identifier"): 1, **TOLD}


def test_when_the_first_row_is_refused_the_others_are_too(house: House) -> None:
    house.run("others", [person(3)])
    receipt = run(house, COMBINING, "first", student(1), employee(1, CARD="Card3"))
    assert receipt.total == total(conflict=2)


def test_a_repeated_run_tells_the_same(house: House) -> None:
    files = [student(1), employee(1), student(2)]
    first = run(house, COMBINING, "run", *files)
    before = people(house)
    again = run(house, COMBINING, "run", *files)
    assert again.total == first.total
    assert people(house) == before


def test_an_import_combines_too(house: House) -> None:
    receipt = house.with_profile(COMBINING).run("first", feed(student(1), employee(1)), "import")
    assert receipt.total == total(created=1, skipped=1)
    assert document(house)["user_group"]["value"] == "STAFF"


def test_a_combined_user_is_shared_with_another_profile(house: House) -> None:
    run(house, COMBINING, "campus1", student(1), employee(1))
    staff = affiliated("staff", affiliation=COMBINING.affiliation)
    at_work = employee(1, EMAIL="hr@example.edu", END="2029-01-01")
    assert run(house, staff, "staff1", at_work).total == total(updated=1)
    assert document(house)["expiry_date"] == "2029-01-01"
    before = people(house)
    assert run(house, COMBINING, "campus2", student(1), employee(1)).total == total(unchanged=1, skipped=1)
    assert run(house, staff, "staff2", at_work).total == total(unchanged=1)
    assert people(house) == before


def test_the_check_of_a_profile_combines_as_a_run_does(tmp_path: Path) -> None:
    sample = tmp_path / "people_2026-09-01.csv"
    sample.write_text(feed(student(1), student(2), student(3, CARD="Card2"), employee(1))["people.csv"])
    checked = check_profile(COMBINING, [sample], AS_OF)
    assert [(one.row, one.user["user_group"]["value"]) for one in checked.users] == [(2, "STAFF"), (3, "UNDERGRAD")]
    assert [one.row for one in checked.rejections] == [4]
