"""Of several rows about one person the first is loaded; which one is first, the profile may say."""

from __future__ import annotations

from itertools import permutations

import pytest
from helpers import House, csv_text, make_profile, person, reasons, total

from matchpoint.profile import Profile


def preferring(**precedence: object) -> Profile:
    return make_profile(precedence=precedence)


GROUPS = {"column": "GROUP", "order": ["GR", "UG"]}
STAFF = csv_text([person(1, LAST="Staff"), person(2)])
STUDENTS = csv_text([person(1, LAST="Student"), person(3)])


@pytest.mark.law("first-in-feed")
def test_without_precedence_the_order_of_files_and_rows_decides(house: House) -> None:
    receipt = house.run("run", {"a_students.csv": STUDENTS, "b_staff.csv": STAFF})
    assert receipt.total == total(created=3, rejected=1)
    assert reasons(receipt) == {("rejected", "taken_in_feed", "primary_id"): 1}
    assert house.users()["s1"]["document"]["last_name"] == "Student"
    assert [one.counts["rejected"] for one in receipt.files] == [0, 1]


@pytest.mark.law("precedence")
def test_the_file_that_the_profile_names_first_comes_first(house: House) -> None:
    house = house.with_profile(preferring(files=["*_staff.*", "*_students.*"]))
    receipt = house.run("run", {"a_students.csv": STUDENTS, "b_staff.csv": STAFF})
    assert house.users()["s1"]["document"]["last_name"] == "Staff"
    assert [one.counts["rejected"] for one in receipt.files] == [1, 0], "told under the file that lost"
    again = house.run("again", {"a_students.csv": STUDENTS, "b_staff.csv": STAFF})
    assert again.total == total(unchanged=3, rejected=1)


@pytest.mark.law("precedence")
def test_a_file_that_no_pattern_fits_comes_last(house: House) -> None:
    house = house.with_profile(preferring(files=["*_staff.*"]))
    house.run("run", {"a.csv": STUDENTS, "b_staff.csv": STAFF})
    assert house.users()["s1"]["document"]["last_name"] == "Staff"


@pytest.mark.law("precedence")
@pytest.mark.parametrize("order", list(permutations(["UG", "GR", "XX"])))
def test_within_files_the_column_decides_whatever_the_order_of_rows(house: House, order: tuple[str, ...]) -> None:
    profile = preferring(**GROUPS)
    mapping = make_profile(mapping={"user_group": "GROUP"}).mapping
    house = house.with_profile(profile.model_copy(update={"mapping": mapping}))
    receipt = house.run("run", [person(1, GROUP=group, LAST=group) for group in order])
    assert receipt.total == total(created=1, rejected=2)
    assert house.users()["s1"]["document"]["last_name"] == "GR"
    assert house.run("again", [person(1, GROUP=group, LAST=group) for group in reversed(order)]).total == total(
        unchanged=1, rejected=2
    )


def test_the_file_comes_before_the_column(house: House) -> None:
    house = house.with_profile(preferring(files=["b*", "a*"], **GROUPS))
    files = {"a.csv": csv_text([person(1, GROUP="GR")]), "b.csv": csv_text([person(1, GROUP="UG")])}
    house.run("run", files)
    assert house.users()["s1"]["document"]["user_group"] == {"value": "UNDERGRAD"}


def test_a_member_of_a_zip_goes_by_its_own_name_too(house: House) -> None:
    from helpers import zip_of

    house = house.with_profile(preferring(files=["staff*"]))
    house.run("run", {"all.zip": zip_of({"a.csv": STUDENTS, "staff.csv": STAFF})})
    assert house.users()["s1"]["document"]["last_name"] == "Staff"


def test_a_first_row_that_is_rejected_leaves_its_person_to_the_next(house: House) -> None:
    house = house.with_profile(preferring(**GROUPS))
    house.run("run", [person(1, GROUP="UG"), person(1, GROUP="GR", LAST="")])
    assert house.users()["s1"]["document"]["user_group"] == {"value": "UNDERGRAD"}


def test_a_run_with_precedence_repeated_ends_the_same(house: House) -> None:
    house = house.with_profile(preferring(**GROUPS))
    rows = [person(n % 5, GROUP="GR" if n > 6 else "UG", LAST=f"L{n}") for n in range(10)]
    first = house.run("run", rows)
    before = house.people()
    assert house.run("run", rows).total == first.total
    assert house.people() == before
