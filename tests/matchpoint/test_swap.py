"""What Alma is sent: all that the SIS owns, and nothing of what is Alma's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import records

from matchpoint.alma.fields import ROLES, SEGMENTS
from matchpoint.alma.law import SPECIAL_FIELDS
from matchpoint.deliver.comparable import comparable
from matchpoint.deliver.decide import Person, Refused, Write, decide, ways_to_find
from matchpoint.deliver.outbox import Due
from matchpoint.deliver.swap import of_the_sis, swap, to_create


def code(value: str) -> dict[str, str]:
    return {"value": value}


OURS: dict[str, Any] = {
    "primary_id": "s1",
    "first_name": "Ada",
    "last_name": "Ito",
    "user_group": code("UNDERGRAD"),
    "birth_date": "2001-02-03",
    "record_type": code("PUBLIC"),
    "account_type": code("EXTERNAL"),
    "external_id": "people",
    "status": code("ACTIVE"),
    "user_identifier": [{"id_type": code("BARCODE"), "value": "Card1", "segment_type": "External"}],
    "contact_info": {
        "email": [
            {
                "email_address": "a@example.edu",
                "email_type": [code("work")],
                "preferred": True,
                "segment_type": "External",
            }
        ]
    },
}
ROLE = {"role_type": code("200"), "scope": code("MAIN"), "status": code("ACTIVE")}
OF_ALMA = {"note_type": code("LIBRARY"), "note_text": "Owes a pen", "segment_type": "Internal"}


def at_alma(**changes: Any) -> dict[str, Any]:
    """Give the user as Alma gives it: with what it adds, a role, and a note of the library's own."""
    alma = copy.deepcopy(OURS)
    alma |= {"full_name": "Ada Ito", "birth_date": "2001-02-03Z", "password": "", "loans": {"value": 0, "link": "x"}}
    alma["user_group"]["desc"] = "Undergraduate"
    alma["user_identifier"][0] |= {"status": "ACTIVE", "id_type": {"value": "BARCODE", "desc": "Barcode"}}
    alma["contact_info"]["email"][0]["email_type"][0]["desc"] = "Work"
    alma |= {"user_role": [ROLE], "user_note": [OF_ALMA], "contact_info": {**alma["contact_info"], "phone": []}}
    return {name: value for name, value in (alma | changes).items() if value is not None}


def due(document: dict[str, Any] = OURS, protected: frozenset[str] = frozenset()) -> Due:
    return Due(1, 2, 1, document, protected)


def test_what_alma_has_already_is_not_sent() -> None:
    assert swap(OURS, at_alma(), "people").changes == {}
    assert decide(Person(due()), at_alma(), "people") is None


def test_what_is_sent_keeps_what_is_almas_own() -> None:
    made = swap(OURS | {"last_name": "Sato", "user_identifier": []}, at_alma(), "people")
    assert set(made.changes) == {"last_name", "user_identifier"}
    assert (made.user["last_name"], made.user["user_identifier"]) == ("Sato", [])
    assert made.user["user_note"] == [OF_ALMA]
    assert "user_role" not in made.user, "so Alma keeps its roles"
    assert made.user["user_block"] == [], "an empty list is what deletes"
    assert made.override == ()


GR, UG, STAFF = code("GRADUATE"), code("UNDERGRAD"), code("STAFF")


@pytest.mark.parametrize(
    ("delivered", "alma", "ours", "edited_here", "sent", "override"),
    [
        (UG, UG, GR, False, GR, False),  # ours changed
        (UG, STAFF, GR, False, STAFF, False),  # edited in Alma by hand: stays
        (UG, STAFF, GR, True, GR, True),  # edited here by hand, too: ours
        (UG, UG, None, False, None, True),  # became empty here
        (UG, STAFF, None, False, STAFF, False),  # ... but was edited in Alma
        (UG, STAFF, None, True, None, True),
        ("never", STAFF, GR, False, GR, False),  # met for the first time: Alma knows whether it was edited
        ("never", STAFF, None, False, STAFF, False),
        ("never", STAFF, GR, True, GR, True),
        (UG, UG, UG, True, UG, False),  # nothing to override
    ],
)
def test_special_fields_are_overridden_where_staff_edited_them_here(
    delivered: Any, alma: Any, ours: Any, edited_here: bool, sent: Any, override: bool
) -> None:
    mine = {name: value for name, value in (OURS | {"user_group": ours}).items() if value is not None}
    before = None if delivered == "never" else OURS | {"user_group": delivered}
    edited = {"user_group"} if edited_here else set()
    made = swap(mine, at_alma(user_group=alma), "people", protected=edited, delivered=before)
    assert made.user.get("user_group") == sent
    assert made.override == (("user_group",) if override else ())
    assert set(made.changes) == ({"user_group"} if sent != alma else set())


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"account_type": code("INTERNAL"), "external_id": None}, "internal"),
        ({"external_id": "others"}, "401858"),
        ({"user_note": [{"note_type": code("OTHER"), "note_text": "nosync: ask Ann"}]}, "nosync"),
    ],
)
def test_some_are_refused_before_anything_is_sent(changes: dict[str, Any], refusal: str) -> None:
    changed = due(OURS | {"last_name": "Sato"})
    assert decide(Person(changed), at_alma(**changes), "people") == Refused(refusal)


def test_a_new_user_has_what_the_sis_owns_only() -> None:
    ours = OURS | {"user_role": [ROLE], "user_note": [OF_ALMA], "cataloger_level": code("20")}
    assert decide(Person(due(ours)), None, "people") == Write(OURS)


def test_a_person_is_asked_for_by_what_alma_was_given_then_as_it_is_now_then_by_match_point() -> None:
    person = Person(due(OURS | {"primary_id": "new1"}), delivered=OURS)
    assert list(ways_to_find(person, ["primary_id", "BARCODE", "INST_ID"])) == [
        ("primary_id", "s1"),
        ("primary_id", "new1"),
        ("BARCODE", "Card1"),
    ]


users = records.map(lambda one: {"primary_id": "s1", "record_type": code("PUBLIC"), **one})
special = st.sets(st.sampled_from(sorted(SPECIAL_FIELDS)))


@given(users, users, users | st.none(), special)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_sent_is_ours_outside_and_almas_inside(ours: Any, alma: Any, before: Any, edited: set[str]) -> None:
    """Of any two records: Internal segments as Alma has them, External ones as the store has them."""
    made = swap(ours, copy.deepcopy(alma), "people", protected=edited, delivered=before)
    assert ROLES.name not in made.user
    sent, mine, theirs = comparable(made.user), comparable(of_the_sis(ours)), comparable(alma)
    for segment in SEGMENTS:
        inside = [part for part in segment.parts(theirs) if part["segment_type"] == "Internal"]
        assert [part for part in segment.parts(sent) if part["segment_type"] == "Internal"] == inside
        if not inside:
            assert len(segment.parts(sent)) <= len(segment.parts(mine))
    for name in edited:
        assert sent.get(name) == mine.get(name)
    again = {**made.user, ROLES.name: alma.get(ROLES.name, [])}
    assert swap(ours, again, "people", protected=edited, delivered=ours).changes == {}
    assert comparable(to_create(ours, "people"))["external_id"] == "people"
