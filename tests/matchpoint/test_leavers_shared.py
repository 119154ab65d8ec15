"""Leavers who have another role, on both databases: handed over while a role lasts, expired when none is left."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from affiliated import document, employee, facets, feed, people, student, values
from helpers import AS_OF, House, total
from shared_leavers import PURGE, STAFF, STUDENTS, VISITORS, Nights, counted, group_and_owner, leaving
from sqlalchemy import event

from matchpoint.accounts import one as accounts
from matchpoint.accounts.store import Act
from matchpoint.feed import Feed
from matchpoint.leavers.obligations import Obligation, note_obligations
from matchpoint.leavers.present import present_in
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow, write_plan
from matchpoint.profile import Profile
from matchpoint.standing import Standing
from matchpoint.store.lookup import Lookup


@pytest.fixture
def nights(house: House) -> Nights:
    """Give nights after a first one: one is student and employee, two a student, three an employee."""
    made = Nights(house)
    made.run(STUDENTS, student(1), student(2))
    made.run(STAFF, employee(1), employee(3))
    made.day += 1
    return made


def only(nights: Nights, profile: Profile, times: int = 2) -> list[dict[str, int]]:
    """Let a profile run some nights without the first person; give the counts of leavers."""
    rest = {"staff": employee(3), "students": student(2)}[profile.code]
    told = []
    for _ in range(times):
        nights.day += 1
        told.append(nights.run(profile, rest))
    return told


def rules_of(house: House, user_id: int = 1) -> list[tuple[str, str | None]]:
    """Give actor and rule of a user's changes."""
    return [(row["actor"], row["rule"]) for row in house.rows("history") if row["user_id"] == user_id]


# --- handed over ----------------------------------------------------------------------------------


@pytest.mark.law("hand-over")
def test_who_leaves_the_first_role_is_handed_over_to_the_next(nights: Nights) -> None:
    house = nights.house
    assert group_and_owner(house) == ("STAFF", "staff")
    assert only(nights, STAFF) == [{"absent": 1}, {"handed_over": 1}]
    assert group_and_owner(house) == ("UNDERGRAD", "students")
    assert nights.dates() == ("2027-06-30", "ACTIVE", None)
    assert "job_category" not in document(house)
    assert house.rows("facets") == []
    assert rules_of(house)[-1] == ("leavers staff", "hand_over")
    assert nights.receipt(STUDENTS, student(1), student(2)).total == total(unchanged=2)
    before = people(house)
    assert only(nights, STAFF, 3) == [{}, {}, {}]
    assert nights.receipt(STUDENTS, student(1), student(2)).total == total(unchanged=2)
    assert people(house) == before
    assert house.rows("absences") == []


@pytest.mark.law("hand-over")
def test_who_is_absent_from_a_feed_is_noticed_though_another_profile_is_the_owner(nights: Nights) -> None:
    house = nights.house
    assert values(document(house), "user_statistic", "statistic_category") == [{"value": "PHYSICS"}]
    assert only(nights, STUDENTS) == [{"absent": 1}, {"handed_over": 1}]
    assert group_and_owner(house) == ("STAFF", "staff")
    assert nights.dates() == ("2026-12-31", "ACTIVE", None)
    assert "user_statistic" not in document(house)
    assert house.rows("facets") == []


def test_a_hand_over_is_told_by_the_group_that_the_person_had(nights: Nights) -> None:
    only(nights, STAFF)
    by_group = (nights.of(STAFF).receipt(nights.last).leavers or {})["by_group"]
    assert {group: some["handed_over"] for group, some in by_group.items()} == {"STAFF": 1}


def test_who_leaves_one_of_three_profiles_stays_shared_by_two(nights: Nights) -> None:
    nights.run(VISITORS, employee(1, GROUP="GUEST"))
    assert only(nights, STAFF)[1] == {"handed_over": 1}
    assert {profile for _, profile in facets(nights.house)} == {"students", "visitors"}
    assert group_and_owner(nights.house) == ("UNDERGRAD", "students")
    assert only(nights, STUDENTS)[1] == {"handed_over": 1}
    assert group_and_owner(nights.house) == ("GUEST", "visitors")


def test_who_is_absent_from_both_feeds_is_counted_in_each_and_expires_when_no_role_is_left(nights: Nights) -> None:
    told = []
    for _ in range(2):
        nights.day += 1
        told += [nights.run(STAFF, employee(3)), nights.run(STUDENTS, student(2))]
    assert told == [{"absent": 1}, {"absent": 1}, {"handed_over": 1}, {"expired": 1}]
    assert group_and_owner(nights.house) == ("UNDERGRAD", "students")
    assert nights.dates() == (nights.days_on(5), "ACTIVE", None)
    nights.day += 6
    assert (nights.run(STAFF, employee(3)), nights.run(STUDENTS, student(2))) == ({}, {"deactivated": 1})
    assert nights.absences() == {("s1", "students"): (2, "deactivate")}


# --- no other role lasts --------------------------------------------------------------------------


def test_an_ended_role_keeps_nobody_and_its_row_undoes_no_step(nights: Nights) -> None:
    ended = (student(1, END="2026-08-31"), student(2))
    nights.run(STUDENTS, *ended)
    assert group_and_owner(nights.house) == ("STAFF", "staff")
    assert only(nights, STAFF)[1] == {"expired": 1}
    assert nights.house.rows("facets") == []
    expires = nights.days_on(5)
    steps: list[Any] = []
    for days in (1, 6, 1, PURGE, 1):
        nights.day += days
        assert nights.receipt(STUDENTS, *ended).total["updated"] == 0
        steps.append((nights.run(STAFF, employee(3)), nights.dates()[:2]))
    assert steps[0] == ({"settled": 1}, (expires, "ACTIVE"))
    assert [told for told, _ in steps[1:3]] == [{"deactivated": 1}, {"purge_dated": 1}]
    assert {dates for _, dates in steps[1:]} == {(expires, "INACTIVE")}
    before = people(nights.house)
    for profile, rows in ((STUDENTS, ended), (STAFF, (employee(3),))) * 2:
        nights.run(profile, *rows)
    assert people(nights.house) == before


def test_when_all_roles_have_ended_the_last_one_keeps_the_user(house: House) -> None:
    nights = Nights(house)
    nights.run(STUDENTS, student(1, END="2026-06-30"), student(2))
    nights.run(STAFF, employee(1, END="2026-08-31"), employee(3))
    before, version = document(house), house.users()["s1"]["version"]
    assert only(nights, STUDENTS)[1] == {"handed_over": 1}
    assert (document(house), house.users()["s1"]["version"]) == (before, version)
    assert house.rows("facets") == []
    assert only(nights, STUDENTS, 1) == [{}]


def test_a_leaver_whose_other_role_has_ended_meanwhile_is_first_put_right(nights: Nights) -> None:
    """Nobody put the user together since the role of the owner ended: it is in neither feed."""
    nights.run(STAFF, employee(1, END="2026-09-03"), employee(3))
    assert group_and_owner(nights.house) == ("STAFF", "staff")
    assert only(nights, STUDENTS) == [{"absent": 1}, {"expired": 1}]
    assert group_and_owner(nights.house) == ("UNDERGRAD", "students")
    assert nights.dates() == (nights.days_on(5), "ACTIVE", None)
    assert nights.house.rows("facets") == []


# --- back again -----------------------------------------------------------------------------------


def test_who_was_handed_over_and_is_in_the_feed_again_is_shared_again(nights: Nights) -> None:
    only(nights, STAFF)
    receipt = nights.receipt(STAFF, employee(1), employee(3))
    assert (receipt.total, counted(receipt)) == (total(updated=1, unchanged=1), {})
    assert group_and_owner(nights.house) == ("STAFF", "staff")
    assert {profile for _, profile in facets(nights.house)} == {"staff", "students"}
    assert nights.absences() == {}
    assert only(nights, STAFF) == [{"absent": 1}, {"handed_over": 1}]


def test_who_left_one_profile_for_good_and_comes_in_another_is_active_and_that_ones(nights: Nights) -> None:
    staff_alone = [only(nights, STUDENTS), only(nights, STAFF)]
    nights.day += 6
    assert (staff_alone[1], only(nights, STAFF, 1)) == ([{"absent": 1}, {"expired": 1}], [{"deactivated": 1}])
    assert nights.dates()[1] == "INACTIVE"
    assert nights.receipt(STUDENTS, student(1), student(2)).total == total(updated=1, unchanged=1)
    assert nights.dates() == ("2027-06-30", "ACTIVE", None)
    assert group_and_owner(nights.house) == ("UNDERGRAD", "students")
    assert only(nights, STAFF, 2) == [{"handed_over": 1}, {}]
    assert nights.dates() == ("2027-06-30", "ACTIVE", None)
    assert nights.absences() == {}


def test_who_took_every_step_and_comes_in_another_profile_is_handed_over(nights: Nights) -> None:
    staff = leaving("staff", policy="expire", purge_after_days=None)
    only(nights, STUDENTS)
    assert only(nights, staff, 3) == [{"absent": 1}, {"expired": 1}, {"settled": 1}]
    nights.run(STUDENTS, student(1), student(2))
    assert only(nights, staff, 1) == [{"handed_over": 1}]
    assert nights.dates() == ("2027-06-30", "ACTIVE", None)


def test_a_profile_that_gets_its_person_back_by_hand_counts_anew(nights: Nights) -> None:
    only(nights, STAFF)
    accounts.convert(nights.house.engine, "s1", "INTERNAL", Act("librarian", nights.house.now()))
    accounts.convert(nights.house.engine, "s1", "EXTERNAL", Act("librarian", nights.house.now()), external_id="staff")
    assert only(nights, STAFF) == [{"absent": 1}, {"expired": 1}]
    assert nights.absences() == {("s1", "staff"): (2, "expire")}


# --- what holds it back ---------------------------------------------------------------------------


@pytest.mark.parametrize("protect", [{"user_groups": ["STAFF"]}, {"primary_ids": ["S1"]}])
def test_protected_people_are_not_handed_over(nights: Nights, protect: dict[str, Any]) -> None:
    before = people(nights.house)
    staff = leaving("staff", protect=protect)
    assert only(nights, staff, 3) == [{"absent": 1}, {"protected": 1}, {"protected": 1}]
    assert (people(nights.house), len(facets(nights.house))) == (before, 2)


def test_a_note_that_says_nosync_keeps_a_user_as_it_is(nights: Nights) -> None:
    note = {"note_type": {"value": "OTHER"}, "note_text": "NOSYNC", "segment_type": "Internal"}
    nights.house.edit("s1", user_note=[note])
    before = people(nights.house)
    assert only(nights, STAFF)[1] == {"protected": 1}
    assert people(nights.house) == before


def test_internal_people_are_in_no_profile(nights: Nights) -> None:
    accounts.convert(nights.house.engine, "s1", "INTERNAL", Act("librarian", nights.house.now()))
    for profile in (STAFF, STUDENTS):
        assert only(nights, profile, 3) == [{}, {}, {}]


def test_what_is_owed_holds_no_hand_over_but_the_step_after_it(nights: Nights) -> None:
    note_obligations(nights.house.engine, [Obligation("s1", loans=2)], source="api", as_of=AS_OF)
    assert only(nights, STAFF)[1] == {"handed_over": 1}
    assert only(nights, STUDENTS)[1] == {"held": 1}


def taken_later(nights: Nights) -> tuple[Profile, Profile]:
    """Let the students' number be what a user goes by that the staff's feed knows as E7."""
    nights.run(STUDENTS, student(4), student(2), student(1))
    nights.run(STAFF, employee(4, ID="E7", CARD="Card4"), employee(1), employee(3))
    return leaving("students", after_feeds=1), VISITORS


def test_who_would_get_an_identifier_of_somebody_else_waits_on_the_clearance_list(nights: Nights) -> None:
    students, visitors = taken_later(nights)
    nights.run(visitors, employee(7, ID="E7"))
    before = document(nights.house, "s4")
    for _ in range(2):
        assert nights.run(students, student(2)) == {"handed_over": 1, "held": 1} if _ == 0 else {"held": 1}
        text = nights.house.folder(nights.last).root.joinpath("clearance.csv").read_text()
        ((primary_id, *_rest, why),) = list(csv.reader(io.StringIO(text)))[1:]
        assert (primary_id, why) == (
            "s4",
            "somebody else has an identifier that another role gives; merge the two users",
        )
    assert document(nights.house, "s4") == before
    accounts.delete(nights.house.engine, "e7", Act("librarian", nights.house.now()))
    assert nights.run(students, student(2)) == {"handed_over": 1}
    assert "e7" in nights.house.users()


def test_an_identifier_that_is_taken_meanwhile_keeps_only_that_user_back(nights: Nights) -> None:
    students, visitors = taken_later(nights)
    house = nights.plan(students, student(2))
    late = nights.last
    nights.run(visitors, employee(7, ID="E7"))
    house.apply(late)
    assert counted(house.receipt(late)) == {"handed_over": 1, "conflict": 1}
    assert {"s4", "e7"} < nights.house.users().keys()
    assert group_and_owner(nights.house) == ("STAFF", "staff")
    assert nights.absences() == {("s1", "students"): (1, "hand_over"), ("s4", "students"): (1, None)}


# --- the guard ------------------------------------------------------------------------------------


def test_a_hand_over_is_no_removal_for_the_guard(nights: Nights) -> None:
    only(nights, STAFF, 1)
    house = nights.plan(STAFF, employee(3))
    assert house.folder(nights.last).read_json("plan.json")["leavers"]["counts"]["handed_over"] == 1
    assert "leave" not in {name for name, groups in house.judge(nights.last).people.items() if groups}


@pytest.mark.parametrize("withheld", [{"leave"}, {"feed"}])
def test_a_hand_over_waits_where_removals_wait(nights: Nights, withheld: set[str]) -> None:
    only(nights, STAFF, 1)
    house = nights.plan(STAFF, employee(3))
    before = {**people(house), "facets": house.rows("facets")}
    house.apply(nights.last, withheld=withheld)
    assert counted(house.receipt(nights.last)) == {"parked": 1}
    assert {**people(house), "facets": house.rows("facets")} == before
    house.apply(nights.last)  # a person approves
    assert counted(house.receipt(nights.last)) == {"handed_over": 1}
    assert group_and_owner(house) == ("UNDERGRAD", "students")


# --- again, and side by side ----------------------------------------------------------------------

STORED = ("users", "identifiers", "history", "facets", "absences")


def test_a_run_that_is_repeated_tells_and_leaves_the_same(house: House) -> None:
    nights = Nights(house)
    nights.run(STUDENTS, student(1), student(2), student(4, END="2026-06-30"))
    nights.run(STAFF, employee(1), employee(3), employee(4, ID="S4", CARD="Card4", END="2026-08-31"))
    told = []
    for profile, rows in ((STUDENTS, (student(2),)), (STAFF, (employee(3),))) * 2:
        nights.day += 1
        first = nights.receipt(profile, *rows).leavers
        before = {name: house.rows(name) for name in STORED}
        own = nights.of(profile)
        own.apply(nights.last)
        assert own.receipt(nights.last).leavers == first
        for _ in range(2):
            own.run(nights.last, feed(*rows))
            assert own.receipt(nights.last).leavers == first
        assert {name: house.rows(name) for name in STORED} == before
        told.append(counted(own.receipt(nights.last)))
    assert told == [{"absent": 2}, {"absent": 2}, {"handed_over": 2}, {"expired": 1, "deactivated": 1}]


def test_a_dry_run_hands_nobody_over(nights: Nights) -> None:
    only(nights, STAFF, 1)
    before = nights.house.everything()
    house = nights.of(STAFF)
    house.plan("dry", feed(employee(3)), dry_run=True)
    assert counted(house.receipt("dry")) == {"handed_over": 1}
    assert nights.house.everything() == before


@pytest.mark.parametrize("changed", [student(1, END="2026-10-31"), student(1, EMAIL="new@example.edu")])
def test_who_is_changed_by_the_next_profile_after_the_plan_is_left_for_the_next_run(
    nights: Nights, changed: dict[str, str]
) -> None:
    """The first of the two changes nothing of the user, only what the profile says."""
    only(nights, STAFF, 1)
    house = nights.plan(STAFF, employee(3))
    late = nights.last
    nights.run(STUDENTS, changed, student(2))
    before = {**people(house), "facets": house.rows("facets")}
    house.apply(late)
    assert counted(house.receipt(late)) == {"conflict": 1}
    assert {**people(house), "facets": house.rows("facets")} == before
    assert only(nights, STAFF, 1) == [{"handed_over": 1}]
    assert nights.dates()[0] == changed["END"]


def test_a_leaver_who_becomes_shared_after_the_plan_does_not_expire(nights: Nights) -> None:
    only(nights, STAFF, 1)
    assert nights.run(STAFF, employee(1)) == {"absent": 1}
    house = nights.plan(STAFF, employee(1))
    late = nights.last
    nights.run(VISITORS, employee(3, GROUP="GUEST"))
    house.apply(late)
    assert counted(house.receipt(late)) == {"conflict": 1}
    assert nights.run(STAFF, employee(1)) == {"handed_over": 1}


# --- who is present, and what it costs ------------------------------------------------------------


def test_a_user_whom_a_refused_row_names_by_number_is_present(nights: Nights) -> None:
    """A row that looks like somebody known is refused with the user to look at, and shares no identifier with it."""
    house = nights.of(STAFF)
    stranger = employee(9, LAST="Alike")
    house.plan("alike", feed(employee(3), stranger))
    folder, user_id = house.folder("alike"), house.users()["s1"]["id"]
    feed_of = Feed(folder, [folder.extracts])
    write_plan(folder, [PlanRow(1, 0, 3, Outcome.CONFLICT, "known_person", user_id=user_id)])
    nothing = np.array([], dtype=np.int64)
    with house.engine.connect() as connection:
        lookup = Lookup(connection, "alike", (), "staff")
        standing = Standing(nothing, nothing.astype(bool), {}, nothing, {}, lookup, AS_OF)
        present = present_in(folder, feed_of, standing)
    assert (present.accepted.tolist(), set(present.named.tolist())) == ([], {user_id})


def test_where_nobody_is_shared_it_is_asked_whether_anybody_is_and_no_more(house: House) -> None:
    nights = Nights(house)
    nights.run(STUDENTS, student(1), student(2))
    asked: list[str] = []

    def note(*args: Any) -> None:
        asked.append(args[2])

    event.listen(house.engine, "before_cursor_execute", note)
    assert [nights.run(STUDENTS, student(2)) for _ in range(2)] == [{"absent": 1}, {"expired": 1}]
    event.remove(house.engine, "before_cursor_execute", note)
    told = [one for one in asked if "facets" in one and not one.startswith("SELECT EXISTS")]
    # What is written takes the facets of the row ledger along, whoever it is.
    assert not [one for one in told if one.startswith("SELECT")]
