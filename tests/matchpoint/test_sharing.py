"""One person in several profiles: precedence, hand-over, and that two profiles never fight over a user."""

from __future__ import annotations

from pathlib import Path

import pytest
from affiliated import (
    STAFF,
    STUDENTS,
    VISITORS,
    affiliated,
    document,
    employee,
    facets,
    people,
    run,
    student,
    values,
)
from helpers import House, open_house, person, reasons, synchronizing, total

from matchpoint.accounts import one as accounts
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import NOTES

# --- what the table gives -------------------------------------------------------------------------


@pytest.mark.law("affiliations")
def test_the_first_in_the_table_gives_group_name_and_job_and_the_last_end_the_expiry(both: House) -> None:
    user = document(both)
    assert (user["external_id"], both.users()["s1"]["external_id"]) == ("staff", "staff")
    assert (user["first_name"], user["user_group"]) == ("Employed", {"value": "STAFF"})
    assert (user["job_category"], user["expiry_date"]) == ({"value": "LIBRARIAN"}, "2027-06-30")


@pytest.mark.law("affiliations")
def test_all_facets_are_kept(both: House) -> None:
    user = document(both)
    assert user["birth_date"] == "1911-02-03"
    assert values(user, "email", "email_address") == ["work1@example.edu", "mail1@example.edu"]
    assert [part.get("preferred") for part in user["contact_info"]["email"]] == [True, None]
    assert values(user, "user_identifier", "value") == ["Badge1", "Card1", "net1"]
    assert values(user, "user_statistic", "statistic_category") == [{"value": "PHYSICS"}]
    assert both.identifiers().keys() >= {"s1", "badge1", "card1", "net1"}
    assert {profile for _, profile in facets(both)} == {"staff", "students"}


@pytest.mark.law("shared")
def test_it_is_the_same_whichever_profile_comes_first(house: House, tmp_path: Path) -> None:
    run(house, STAFF, "staff1", employee(1))
    assert run(house, STUDENTS, "students1", student(1)).total == total(updated=1)
    later = document(house)
    assert later["first_name"] == "Employed"
    with open_house(f"sqlite:///{tmp_path / 'other.sqlite'}", tmp_path / "other") as other:
        run(other, STUDENTS, "students1", student(1))
        run(other, STAFF, "staff1", employee(1))
        assert document(other) == {**later, "record_type": document(other)["record_type"]}


def test_a_group_of_a_profile_may_rank_before_another_profile(house: House) -> None:
    order = {"order": ["students/DOCTORAL", "staff", "students"]}
    students, staff = (affiliated(code, affiliation=order) for code in ("students", "staff"))
    run(house, students, "students1", student(1), student(2, GROUP="DOCTORAL"))
    run(house, staff, "staff1", employee(1), employee(2))
    groups = {name: user["document"]["user_group"]["value"] for name, user in house.users().items()}
    assert groups == {"s1": "STAFF", "s2": "DOCTORAL"}


def test_a_role_without_end_gives_no_expiry_date(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    run(house, STAFF, "staff1", employee(1, END=""))
    assert "expiry_date" not in document(house)


def test_three_profiles_share_as_two_do(both: House) -> None:
    receipt = run(
        both, VISITORS, "visitors1", employee(1, GROUP="GUEST", EMAIL="guest@example.edu", END="2028-01-01")
    )
    assert receipt.total == total(updated=1)
    user = document(both)
    assert (user["user_group"]["value"], user["expiry_date"]) == ("STAFF", "2028-01-01")
    assert len(user["contact_info"]["email"]) == 3
    for place, (profile, row) in enumerate([(STUDENTS, student(1)), (STAFF, employee(1))]):
        assert run(both, profile, f"again{place}", row).total == total(unchanged=1)


# --- who shares -----------------------------------------------------------------------------------


@pytest.mark.law("foreign")
def test_without_share_a_user_of_another_profile_is_a_conflict_as_before(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    refusing = affiliated("staff", foreign="conflict")
    assert reasons(run(house, refusing, "staff1", employee(1))) == {("conflict", "other_profile", "external_id"): 1}
    assert house.rows("facets") == []


def test_a_profile_shares_with_those_in_its_table_only(house: House) -> None:
    house.run("people1", [person(1)])
    assert reasons(run(house, STAFF, "staff1", employee(1))) == {("conflict", "other_profile", "external_id"): 1}


@pytest.mark.law("foreign")
def test_a_shared_user_is_shared_for_a_profile_that_does_not_share_itself(house: House) -> None:
    for word in ("conflict", "take_over"):
        refusing = affiliated("students", foreign=word)
        run(house, refusing, f"students {word}", student(1))
        run(house, STAFF, f"staff {word}", employee(1))
        assert run(house, refusing, f"again {word}", student(1)).total == total(unchanged=1)
    assert document(house)["external_id"] == "staff"


@pytest.mark.law("foreign")
def test_a_user_who_is_taken_over_is_shared_no_more(both: House) -> None:
    taking = synchronizing(foreign="take_over")
    assert both.with_profile(taking).run("taken", [person(1)]).total == total(updated=1)
    assert (document(both)["external_id"], both.rows("facets")) == ("people", [])
    assert both.with_profile(taking).run("again", [person(1)]).total == total(unchanged=1)
    assert reasons(run(both, STAFF, "staff2", employee(1))) == {("conflict", "other_profile", "external_id"): 1}


def test_an_internal_user_is_rejected_by_every_profile(both: House) -> None:
    accounts.convert(both.engine, "s1", "INTERNAL", Act("librarian", both.now()))
    for profile, row in ((STUDENTS, student(1)), (STAFF, employee(1))):
        told = reasons(run(both, profile, f"{profile.code}2", row))
        assert told == {("rejected", "not_external", "account_type"): 1}


def test_a_shared_user_may_be_deleted_and_comes_back(both: House) -> None:
    accounts.delete(both.engine, "s1", Act("librarian", both.now()))
    assert both.rows("facets") == []
    assert run(both, STAFF, "staff2", employee(1)).total == total(created=1)
    assert run(both, STUDENTS, "students2", student(1)).total == total(updated=1)


# --- never a fight --------------------------------------------------------------------------------


@pytest.mark.law("shared")
def test_two_profiles_never_fight_over_a_user(both: House) -> None:
    before = people(both)
    for night in range(3):
        for profile, rows in ((STUDENTS, [student(1), student(2)]), (STAFF, [employee(1), employee(3)])):
            assert run(both, profile, f"{profile.code} {night}", *rows).total == total(unchanged=2)
            assert people(both) == before


def test_rows_of_shared_users_are_passed_over_like_others(both: House) -> None:
    nights = [(STUDENTS, [student(1), student(2)]), (STAFF, [employee(1), employee(3)])]
    for profile, rows in nights:
        run(both, profile, f"{profile.code}2", *rows)
    for profile, rows in nights:
        run(both, profile, f"{profile.code}3", *rows)
        assert both.folder(f"{profile.code}3").read_json("users/000.json")["known"] == 2
    assert {row["profile"] for row in both.rows("row_ledger")} == {"students", "staff"}
    assert len(both.rows("row_ledger")) == 2


def test_a_change_in_a_role_that_comes_second_is_loaded(both: House) -> None:
    changed = student(1, FIRST="Other", EMAIL="new1@example.edu", END="2028-06-30")
    receipt = run(both, STUDENTS, "students2", changed, student(2))
    assert receipt.total == total(updated=1, unchanged=1)
    user = document(both)
    assert (user["first_name"], user["expiry_date"]) == ("Employed", "2028-06-30")
    assert values(user, "email", "email_address") == ["work1@example.edu", "new1@example.edu"]
    assert run(both, STAFF, "staff2", employee(1), employee(3)).total == total(unchanged=2)


def test_a_change_that_shows_in_nothing_is_kept_for_the_day_it_does(both: House) -> None:
    assert run(both, STUDENTS, "students2", student(1, FIRST="Renamed")).total == total(unchanged=1)
    assert run(both.on("2027-01-01"), STAFF, "staff2", employee(1)).total == total(updated=1)
    assert document(both)["first_name"] == "Renamed"


def test_a_user_edited_by_hand_is_overwritten_by_whoever_runs_next(both: House) -> None:
    accounts.edit(both.engine, "s1", {"last_name": "Edited"}, Act("librarian", both.now()))
    assert run(both, STUDENTS, "students2", student(1)).total == total(updated=1)
    assert document(both)["last_name"] == "Lastname1"
    assert run(both, STAFF, "staff2", employee(1)).total == total(unchanged=1)


def test_a_changed_table_ranks_anew_though_no_row_changed(both: House) -> None:
    order = {"order": ["students", "staff"]}
    for code, row in (("students", student(1)), ("staff", employee(1))):
        run(both, affiliated(code, affiliation=order), f"{code} turned", row)
    user = document(both)
    assert (user["external_id"], user["user_group"]["value"]) == ("students", "UNDERGRAD")
    before = people(both)
    for code, row in (("students", student(1)), ("staff", employee(1))):
        assert run(both, affiliated(code, affiliation=order), f"{code} again", row).total == total(unchanged=1)
    assert people(both) == before


def test_tables_that_disagree_do_not_fight_either(house: House) -> None:
    staff = affiliated("staff", affiliation={"order": ["staff", "students"]})
    students = affiliated("students", affiliation={"order": ["students", "staff"]})
    nights = [(students, student(1)), (staff, employee(1))]
    for night in range(2):
        for profile, row in nights:
            run(house, profile, f"{profile.code}{night}", row)
    before = people(house)
    for profile, row in nights:
        assert run(house, profile, f"{profile.code} last", row).total == total(unchanged=1)
    assert people(house) == before


def test_a_profile_finds_its_person_by_its_own_primary_id(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    by_card = employee(1, ID="E77", CARD="Card1")
    assert run(house, STAFF, "staff1", by_card).total == total(updated=1)
    assert house.users().keys() == {"s1"}
    new_card = employee(1, ID="E77", CARD="Badge1")
    assert run(house, STAFF, "staff2", new_card).total == total(updated=1)
    assert run(house, STUDENTS, "students2", student(1)).total == total(unchanged=1)
    assert house.users().keys() == {"s1"}
    assert {"card1", "badge1"} <= house.identifiers().keys()


# --- hand-over ------------------------------------------------------------------------------------


@pytest.mark.law("hand-over")
def test_when_the_first_role_ends_the_next_takes_over_by_itself(both: House) -> None:
    receipt = run(both.on("2027-01-01"), STUDENTS, "students2", student(1), student(2))
    assert receipt.total == total(updated=1, unchanged=1)
    user = document(both)
    assert (user["external_id"], both.users()["s1"]["external_id"]) == ("students", "students")
    assert (user["user_group"], user["first_name"]) == ({"value": "UNDERGRAD"}, "Firstname1")
    assert (user["expiry_date"], "job_category" in user) == ("2027-06-30", False)
    assert values(user, "email", "email_address") == ["mail1@example.edu"]
    assert "badge1" not in both.identifiers()
    assert run(both.on("2027-01-01"), STAFF, "staff2", employee(1), employee(3)).total == total(unchanged=2)
    assert run(both.on("2027-01-02"), STUDENTS, "students3", student(1), student(2)).total == total(unchanged=2)


@pytest.mark.law("hand-over")
def test_the_other_profile_hands_over_too(both: House) -> None:
    assert run(both.on("2027-01-01"), STAFF, "staff2", employee(1), employee(3)).total == total(
        updated=1, unchanged=1
    )
    assert document(both)["user_group"] == {"value": "UNDERGRAD"}


def test_when_the_second_role_ends_the_first_goes_on_alone(house: House) -> None:
    run(house, STUDENTS, "students1", student(1, END="2026-12-31"))
    run(house, STAFF, "staff1", employee(1, END="2027-06-30"))
    assert run(house.on("2027-01-01"), STAFF, "staff2", employee(1, END="2027-06-30")).total == total(updated=1)
    user = document(house)
    assert (user["external_id"], user["user_group"], user["expiry_date"]) == (
        "staff",
        {"value": "STAFF"},
        "2027-06-30",
    )
    assert values(user, "user_identifier", "value") == ["Badge1"]


def test_a_role_that_begins_again_comes_first_again(both: House) -> None:
    run(both.on("2027-01-01"), STUDENTS, "students2", student(1))
    later = both.on("2027-02-01")
    assert run(later, STAFF, "staff2", employee(1, END="2027-12-31")).total == total(updated=1)
    user = document(both)
    assert (user["user_group"]["value"], user["expiry_date"]) == ("STAFF", "2027-12-31")
    assert run(later, STUDENTS, "students3", student(1)).total == total(unchanged=1)


def test_when_all_roles_have_ended_the_user_stays_as_the_last_left_it(both: House) -> None:
    run(both.on("2027-01-01"), STUDENTS, "students2", student(1))
    left = people(both)
    for night, profile, row in ((1, STUDENTS, student(1)), (2, STAFF, employee(1)), (3, STUDENTS, student(1))):
        assert run(both.on("2027-08-01"), profile, f"late{night}", row).total == total(unchanged=1)
    assert people(both) == left


@pytest.mark.law("protected")
def test_a_hand_over_keeps_what_the_library_edited_and_owns(both: House) -> None:
    act = Act("librarian", both.now())
    accounts.edit(both.engine, "s1", {"user_group": {"value": "VIP"}, "job_category": {"value": "DEAN"}}, act)
    note = {"note_type": {"value": "LIBRARY"}, "note_text": "ours", "user_viewable": False, "popup_note": False}
    accounts.add_segment(both.engine, "s1", NOTES, note, act)
    run(both, STAFF, "staff2", employee(1))
    run(both.on("2027-01-01"), STUDENTS, "students2", student(1))
    user = document(both)
    assert (user["user_group"], user["job_category"]) == ({"value": "VIP"}, {"value": "DEAN"})
    assert user["external_id"] == "students"
    assert "ours" in values(user, "user_note", "note_text")
