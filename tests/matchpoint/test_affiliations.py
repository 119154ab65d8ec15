"""The law of several affiliations as values: what all facets say together."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import records

from matchpoint.affiliations import Facet, combine, in_order, said, said_before, synchronize_shared, without
from matchpoint.alma.fields import PRIMARY_ID, SEGMENTS, User, mappable_core_fields
from matchpoint.alma.identifiers import identifiers, key
from matchpoint.alma.law import new_user, synchronize
from matchpoint.profile import Affiliation

DAY = date(2026, 10, 1)


def facet(profile: str, rank: int, **user: Any) -> Facet:
    return Facet(profile, rank, {PRIMARY_ID: "s1", "expiry_date": "2027-01-31", **user})


def email(address: str, **more: Any) -> dict[str, Any]:
    return {"email": [{"email_address": address, "email_type": [{"value": "work"}], **more}]}


# --- the table ------------------------------------------------------------------------------------


def test_the_table_ranks_a_group_before_its_profile_and_what_it_does_not_name_last() -> None:
    table = Affiliation(order=["students/DOCTORAL", "staff", "students"])
    ranks = [("students", "DOCTORAL"), ("staff", "ANY"), ("students", "UNDERGRAD"), ("visitors", None)]
    assert [table.rank(*one) for one in ranks] == [0, 1, 2, 3]
    assert table.profiles == {"students", "staff"}


# --- who counts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "counting"),
    [
        (("2026-10-01", "2027-01-31"), ["staff", "students"]),  # to the last day
        (("2026-09-30", "2027-01-31"), ["students"]),
        (("2027-01-31", "2026-09-30Z"), ["staff"]),
        (("2026-09-30", None), ["students"]),
        (("2026-08-31", "2026-09-30"), ["students"]),  # all ended: the last
        (("2026-09-30", "2026-09-30"), ["staff", "students"]),
    ],
)
def test_roles_count_that_last_else_the_one_that_ended_last(ends: tuple[Any, Any], counting: list[str]) -> None:
    both = [facet(profile, rank) for profile, rank in (("staff", 0), ("students", 1))]
    dated = [
        replace(one, user={PRIMARY_ID: "s1", **({"expiry_date": end} if end else {})})
        for one, end in zip(both, ends, strict=True)
    ]
    assert [one.profile for one in in_order(reversed(dated), DAY)] == counting


def test_two_of_one_rank_go_by_their_codes() -> None:
    assert [one.profile for one in in_order([facet("b", 0), facet("a", 0)], DAY)] == ["a", "b"]


# --- what they say together -----------------------------------------------------------------------


def test_names_are_of_one_role_and_other_fields_of_the_first_that_has_them() -> None:
    staff = facet("staff", 0, first_name="Liz", last_name="B", birth_date="1990-01-01")
    students = facet("students", 1, first_name="Elizabeth", middle_name="Ann", last_name="B", gender={"value": "F"})
    user = combine([students, staff], DAY)
    assert (user["first_name"], "middle_name" in user) == ("Liz", False)
    assert (user["birth_date"], user["gender"]) == ("1990-01-01", {"value": "F"})


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2027-01-31", "2027-06-30", "2027-06-30"),
        ("2027-06-30Z", "2027-01-31", "2027-06-30Z"),
        ("2027-06-30", None, None),
        ("2026-01-31", None, None),
        (None, "2026-01-31", None),
        ("2027-06-30", "2026-01-31", "2027-06-30"),
    ],
)
@pytest.mark.parametrize("name", ["expiry_date", "purge_date"])
def test_dates_are_the_latest_and_none_where_one_has_none(
    name: str, first: str | None, second: str | None, together: str | None
) -> None:
    both = [Facet(str(rank), rank, {name: day} if day else {}) for rank, day in enumerate((first, second))]
    assert combine(both, DAY if name == "expiry_date" else date(2020, 1, 1)).get(name) == together


def test_segments_are_those_of_all_each_once_and_the_first_says_which_is_preferred() -> None:
    staff = facet("staff", 0, contact_info=email("a@x.edu", preferred=True), user_identifier=[_identifier("B1")])
    students = facet(
        "students",
        1,
        contact_info={"email": [*email("b@x.edu", preferred=True)["email"], *email("A@X.edu")["email"]]},
        user_identifier=[_identifier("b1"), _identifier("S1"), _identifier("B2")],
    )
    user = combine([students, staff], DAY)
    assert user["contact_info"]["email"] == [*email("a@x.edu", preferred=True)["email"], *email("b@x.edu")["email"]]
    assert [one["value"] for one in user["user_identifier"]] == ["B1", "B2"]


def test_where_the_first_prefers_nothing_the_next_may() -> None:
    staff = facet("staff", 0, contact_info=email("a@x.edu"))
    students = facet("students", 1, contact_info=email("b@x.edu", preferred=True))
    assert [one.get("preferred") for one in combine([staff, students], DAY)["contact_info"]["email"]] == [None, True]


def _identifier(value: str) -> dict[str, Any]:
    return {"id_type": {"value": "BARCODE"}, "value": value}


@pytest.mark.parametrize(
    ("held", "gives"), [(None, "e7"), ("s1", "s1"), ("S1", "S1"), ("e7", "e7"), ("another", "e7")]
)
def test_a_primary_id_stays_while_a_profile_gives_it(held: str | None, gives: str) -> None:
    both = [facet("students", 1), facet("staff", 0, primary_id="e7")]
    assert combine(both, DAY, primary_id=held)[PRIMARY_ID] == gives


def test_a_special_field_that_only_the_ended_role_gave_goes_with_it() -> None:
    staff = facet("staff", 0, job_category={"value": "DEAN"}, user_group={"value": "STAFF"})
    students = facet("students", 1, expiry_date="2028-06-30", user_group={"value": "UG"})
    new = new_user({PRIMARY_ID: "s1", "last_name": "B"}, profile_code="staff", record_type="STAFF")
    user = synchronize_shared(new, [staff, students], DAY)
    assert (user["job_category"], user["external_id"]) == ({"value": "DEAN"}, "staff")
    later = date(2027, 2, 1)
    after = synchronize_shared(user, [staff, students], later)
    assert ("job_category" in after, after["user_group"], after["external_id"]) == (
        False,
        {"value": "UG"},
        "students",
    )
    edited = {**user, "job_category": {"value": "POET"}}
    assert synchronize_shared(edited, [staff, students], later)["job_category"] == {"value": "POET"}
    kept = synchronize_shared(user, [staff, students], later, protected=["job_category"])
    assert kept["job_category"] == {"value": "DEAN"}


# --- of any records -------------------------------------------------------------------------------

facets_of_two = st.tuples(records, records, st.integers(0, 2), st.integers(0, 2)).map(
    lambda drawn: [Facet("one", drawn[2], said(drawn[0])), Facet("two", drawn[3], said(drawn[1]))]
)


@given(facets=facets_of_two, existing=records, keeps=st.booleans(), other_keeps=st.booleans())
def test_whoever_comes_and_however_often_the_same_user_comes_out(
    facets: list[Facet], existing: User, keeps: bool, other_keeps: bool
) -> None:
    how, other = ({"empty_special": "keep" if one else "clear"} for one in (keeps, other_keeps))
    user = new_user(existing, profile_code="one", record_type="PUBLIC")
    first = synchronize_shared(user, facets, DAY, **how)  # type: ignore[arg-type]
    second = synchronize_shared(first, facets[::-1], DAY, **other)  # type: ignore[arg-type]
    for again in (how, other):
        assert synchronize_shared(second, facets, DAY, **again) == second  # type: ignore[arg-type]
    if keeps == other_keeps:
        assert second == first


@given(facets=facets_of_two, existing=records)
def test_nothing_of_a_role_is_lost_and_nothing_preferred_twice(facets: list[Facet], existing: User) -> None:
    user = combine(facets, date(1, 1, 1), primary_id=existing.get(PRIMARY_ID))
    wanted = {key(value) for one in facets for id_type, value in identifiers(one.user) if id_type != PRIMARY_ID}
    assert {key(value) for id_type, value in identifiers(user)} >= wanted
    for segment in SEGMENTS:
        for flag in segment.flags:
            most = max(sum(bool(part.get(flag)) for part in segment.parts(one.user)) for one in facets)
            assert sum(bool(part.get(flag)) for part in segment.parts(user)) <= most
    together = {name for names in _NAMES for name in names} | {"expiry_date", "purge_date"}
    alone = {field.name for field in mappable_core_fields()} - together
    assert user.keys() >= {name for one in facets for name in one.user.keys() & alone}


_NAMES = (
    ("first_name", "middle_name", "last_name"),
    ("pref_first_name", "pref_middle_name", "pref_last_name", "pref_name_suffix"),
    ("job_category", "job_description"),
)


@given(incoming=records)
def test_what_a_profile_said_alone_is_read_back_from_the_user_it_made(incoming: User) -> None:
    user = new_user(incoming, profile_code="one", record_type="PUBLIC")
    facet = Facet("one", 0, said_before(user, {}))
    assert synchronize_shared(user, [facet], DAY) == synchronize(user, said(incoming), profile_code="one")


def test_a_protected_field_is_read_back_as_the_sis_gave_it() -> None:
    user = {"user_group": {"value": "VIP"}, "user_note": [{"note_text": "ours", "segment_type": "Internal"}]}
    assert said_before(user, {"user_group": {"value": "UG"}, "campus_code": None}) == {"user_group": {"value": "UG"}}


def test_a_profile_may_be_left_out() -> None:
    both = [facet("staff", 0), facet("students", 1)]
    assert without(both, "staff") == both[1:]
