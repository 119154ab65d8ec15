"""Shared people who leave a profile, and runs that are repeated or go on side by side."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest
from affiliated import (
    STAFF,
    STUDENTS,
    VISITORS,
    document,
    employee,
    facets,
    feed,
    people,
    run,
    student,
    values,
)
from helpers import AS_OF, House, Row, total

from matchpoint.accounts import one as accounts
from matchpoint.accounts.affiliations import HandedOver, hand_over_all_ended, hand_over_leavers
from matchpoint.accounts.store import Act
from matchpoint.make_plan import make_plan
from matchpoint.outcomes import Outcome
from matchpoint.plan import PlanRow
from matchpoint.profile import Profile
from matchpoint.store import writing
from matchpoint.store.affiliations import HandOver, end_sharing, hand_over, members, shared_with_others
from matchpoint.store.changes import Change, Stamp
from matchpoint.store.row_ledger import known_to
from matchpoint.store.writes import write_batch
from matchpoint.transform import transform_extract

# --- for who finds that somebody left -------------------------------------------------------------


def leave(house: House, profile: Profile, run_id: str, as_of: str = "2026-10-01") -> HandOver:
    """Let a person leave a profile, and write what comes of it as a planned row."""
    user_id = house.users()["s1"]["id"]
    with writing(house.engine).begin() as connection:
        [handed] = hand_over(connection, profile.code, [user_id], date.fromisoformat(as_of)).values()
        changed = orjson.dumps(handed.changes).decode()
        row = PlanRow(
            0, 0, 1, Outcome.UPDATED, user_id=user_id, version=handed.version, changes=changed,
            document=orjson.dumps(handed.after).decode(), facets=handed.facets,
        )  # fmt: skip
        stamp = Stamp(f"synchronize {profile.code}", run_id, house.now(), {0: "none"}, profile.code)
        assert write_batch(connection, [Change.of(row)], stamp) == {}
    return handed


def test_who_is_in_another_profile_is_told_from_who_is_gone(both: House) -> None:
    ids = [user["id"] for user in both.users().values()]
    with both.engine.connect() as connection:
        assert members(connection, "students").tolist() == [both.users()["s1"]["id"]]
        assert members(connection, "visitors").tolist() == []
        shared = shared_with_others(connection, "students", ids, date(2026, 10, 1))
        later = shared_with_others(connection, "students", ids, date(2027, 1, 1))
    assert (shared, later) == ({both.users()["s1"]["id"]}, set())


@pytest.mark.parametrize(("gone", "stays", "row"), [(STAFF, STUDENTS, student(1)), (STUDENTS, STAFF, employee(1))])
def test_who_leaves_one_profile_is_the_others_alone(both: House, gone: Profile, stays: Profile, row: Row) -> None:
    leave(both, gone, "left")
    user = document(both)
    assert (user["external_id"], both.users()["s1"]["external_id"]) == (stays.code, stays.code)
    assert (user["user_group"]["value"], user["expiry_date"]) == (row["GROUP"], row["END"])
    assert ("job_category" in user) == bool(row["JOB"])
    assert both.rows("facets") == []
    before = people(both)
    assert run(both, stays, "after", row).total == total(unchanged=1)
    assert run(both, stays, "later", row).total == total(unchanged=1)
    assert both.folder("later").read_json("users/000.json")["known"] == 1
    assert people(both) == before


@pytest.mark.law("hand-over")
def test_who_left_one_of_three_profiles_stays_shared_by_two(both: House) -> None:
    run(both, VISITORS, "visitors1", employee(1, GROUP="GUEST", END="2027-12-31"))
    leave(both, STAFF, "left")
    assert {profile for _, profile in facets(both)} == {"students", "visitors"}
    assert document(both)["user_group"] == {"value": "UNDERGRAD"}


def test_who_left_and_is_back_is_shared_again(both: House) -> None:
    leave(both, STAFF, "left")
    assert run(both, STAFF, "back", employee(1), employee(3)).total == total(updated=1, unchanged=1)
    assert document(both)["user_group"] == {"value": "STAFF"}
    assert run(both, STUDENTS, "after", student(1), student(2)).total == total(unchanged=2)


def test_a_user_whose_primary_id_a_profile_gave_goes_by_the_others_when_that_ends(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    run(house, STAFF, "staff1", employee(1, ID="E77", CARD="Card1"))
    leave(house, STUDENTS, "left")
    assert house.users().keys() == {"e77"}
    assert run(house, STAFF, "staff2", employee(1, ID="E77", CARD="New1")).total == total(updated=1)
    assert house.users().keys() == {"e77"}


def test_what_is_done_to_a_leaver_without_another_role_is_not_undone_by_an_ended_one(house: House) -> None:
    run(house, STUDENTS, "students1", student(1, END="2026-09-30"))
    run(house, STAFF, "staff1", employee(1))
    later = house.on("2026-10-05")
    run(later, STUDENTS, "students2", student(1, END="2026-09-30"))
    with writing(house.engine).begin() as connection:
        end_sharing(connection, [house.users()["s1"]["id"]])
    accounts.edit(house.engine, "s1", {"expiry_date": "2026-10-31"}, Act("leavers", later.now()))
    for as_of, run_id in (("2026-10-06", "students3"), ("2026-11-06", "students4")):
        assert run(house.on(as_of), STUDENTS, run_id, student(1, END="2026-09-30")).total == total(unchanged=1)
    assert (document(house)["expiry_date"], document(house)["external_id"]) == ("2026-10-31", "staff")


# --- runs that are repeated, and runs side by side ------------------------------------------------


def test_a_repeated_run_tells_and_leaves_the_same(both: House) -> None:
    rows = [employee(1, EMAIL="new@example.edu"), employee(3)]
    first = run(both, STAFF, "staff2", *rows)
    before = {**people(both), "facets": both.rows("facets")}
    assert run(both, STAFF, "staff2", *rows).total == first.total
    assert {**people(both), "facets": both.rows("facets")} == before
    both.with_profile(STAFF).apply("staff2")
    assert {**people(both), "facets": both.rows("facets")} == before


def test_a_dry_run_shares_nobody(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    before = house.everything()
    counts = house.with_profile(STAFF).plan("dry", feed(employee(1)), dry_run=True)
    assert (counts, house.everything()) == (total(updated=1), before)


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_plan_made_before_the_other_profile_spoke_is_not_written(house: House, is_shared: bool) -> None:
    """Even when the other profile changed nothing that shows: what the plan worked out would lack its facet."""
    run(house, STAFF, "staff1", employee(1))
    hidden = employee(1, JOB="", CARD="Badge1")
    if is_shared:
        run(house, STUDENTS, "students1", hidden)
    staff = house.with_profile(STAFF)
    staff.plan("staff2", feed(employee(1, EMAIL="new@example.edu")))
    changed = {**hidden, "FIRST": "Seen later"} if is_shared else hidden
    assert run(house, STUDENTS, "students2", changed).total == total(unchanged=1)
    assert [code for _, _, code in staff.apply("staff2")] == ["changed_since"]
    assert run(house, STAFF, "staff3", employee(1, EMAIL="new@example.edu")).total == total(updated=1)
    assert values(document(house), "email", "email_address") == ["new@example.edu", "work1@example.edu"]


def test_a_known_row_is_met_when_the_user_becomes_shared_meanwhile(house: House) -> None:
    run(house, STUDENTS, "students1", student(1))
    students = house.with_profile(STUDENTS)
    folder = students.fetch("students2", feed(student(1)))
    ledger = known_to(house.engine, "students", "synchronize", "students2")
    for extract in folder.extracts:
        transform_extract(folder, extract, STUDENTS, AS_OF, known=ledger)
    run(house, STAFF, "staff1", employee(1))
    how: Any = {"mode": "synchronize", "run_id": "students2", "as_of": AS_OF.isoformat(), "dry_run": False}
    make_plan(folder, house.engine, STUDENTS, now=students.now(), **how)
    students.apply("students2")
    assert students.receipt("students2").total == total(unchanged=1)
    assert facets(house)[house.users()["s1"]["id"], "students"]["row_hash"] is not None


def test_nobody_shared_costs_no_facets(house: House) -> None:
    run(house, STUDENTS, "students1", student(1), student(2))
    assert house.rows("facets") == []
    assert len(house.rows("row_ledger")) == 2


# --- without a feed -------------------------------------------------------------------------------


def hand_all_over(house: House, as_of: str, *, dry_run: bool = False) -> HandedOver:
    act = Act("hand over", house.now())
    return hand_over_all_ended(house.engine, act, as_of=date.fromisoformat(as_of), dry_run=dry_run)


@pytest.mark.law("hand-over")
def test_an_ended_role_is_handed_over_though_no_feed_comes(both: House) -> None:
    assert hand_all_over(both, "2026-12-31") == HandedOver()
    before = both.everything()
    assert hand_all_over(both, "2027-01-01", dry_run=True) == HandedOver(1)
    assert both.everything() == before
    assert hand_all_over(both, "2027-01-01") == HandedOver(1)
    user = document(both)
    assert (user["external_id"], user["user_group"]) == ("students", {"value": "UNDERGRAD"})
    assert hand_all_over(both, "2027-01-01") == HandedOver()
    history = both.rows("history")
    assert "hand over" in {row["actor"] for row in history}
    for profile, rows in ((STUDENTS, [student(1), student(2)]), (STAFF, [employee(1), employee(3)])):
        assert run(both.on("2027-01-01"), profile, f"{profile.code}2", *rows).total == total(unchanged=2)
    assert both.rows("history") == history


def leavers(house: House, profile: str, user_ids: list[int]) -> HandedOver:
    act = Act("leavers", house.now())
    return hand_over_leavers(house.engine, act, profile=profile, user_ids=user_ids, as_of=date(2026, 10, 1))


def test_many_leavers_are_handed_over_at_once(both: House) -> None:
    ids = [user["id"] for user in both.users().values()]
    assert leavers(both, "staff", ids) == HandedOver(1)
    assert (document(both)["external_id"], both.rows("facets")) == ("students", [])
    assert leavers(both, "staff", ids) == HandedOver()


def test_who_would_get_an_identifier_of_somebody_else_stays_and_is_told(house: House) -> None:
    run(house, STUDENTS, "students1", student(1), student(2))
    run(house, STAFF, "staff1", employee(1, ID="E7", CARD="Card1"), employee(2))
    run(house, VISITORS, "visitors1", employee(7, ID="E7"))
    ids = {name: user["id"] for name, user in house.users().items()}
    handed = leavers(house, "students", list(ids.values()))
    assert (handed.changed, list(handed.left)) == (1, ["s1"])
    assert document(house)["external_id"] == "staff"
    assert {profile for user_id, profile in facets(house) if user_id == ids["s1"]} == {"staff", "students"}
