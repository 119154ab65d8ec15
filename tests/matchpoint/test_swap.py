"""What Alma is sent: all that the SIS owns, and nothing of what is Alma's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import records

from matchpoint.accounts.rules import Account
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import IDENTIFIERS, ROLES, SEGMENTS
from matchpoint.alma.law import SPECIAL_FIELDS
from matchpoint.almaws.put import put
from matchpoint.canonical import canonical
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


GROUPS = st.sampled_from([UG, GR, STAFF])
NAMES = st.sampled_from(["Ada", "Ito", "Sato"])
OWNERS = st.sampled_from(["Internal", "External"])
EMAIL = st.fixed_dictionaries(
    {"email_address": NAMES, "email_type": st.just([code("work")]), "segment_type": OWNERS},
)
NOTE = st.fixed_dictionaries(
    {"note_type": st.just(code("OTHER")), "note_text": NAMES, "user_viewable": st.booleans(), "segment_type": OWNERS},
)
CARD = st.fixed_dictionaries(
    {"id_type": st.just(code("BARCODE")), "value": st.sampled_from("12345"), "segment_type": OWNERS},
)
FIELDS: dict[str, Any] = {
    "first_name": NAMES,
    "expiry_date": st.sampled_from(["2030-01-16", "2030-01-16Z"]),
    "user_group": GROUPS,
    "campus_code": GROUPS,
    "pref_last_name": NAMES,
    "user_role": st.just([ROLE]),
    "user_note": st.lists(NOTE, max_size=2),
    "user_identifier": st.lists(CARD, max_size=3, unique_by=lambda one: one["value"]),
    "contact_info": st.fixed_dictionaries({"email": st.lists(EMAIL, max_size=2)}),
}
valid = st.fixed_dictionaries(
    {name: st.just(OURS[name]) for name in ("primary_id", "last_name", "record_type", "account_type", "external_id")},
    optional=FIELDS,
)
edited_fields = st.sets(st.sampled_from(["user_group", "campus_code", "pref_last_name"]))


@given(valid, valid, edited_fields, edited_fields)
@settings(max_examples=60, deadline=None)
def test_what_almas_put_makes_of_it_is_ours_outside_and_as_it_was_inside_and_nothing_is_left_to_send(
    ours: Any, alma: Any, edited_here: set[str], edited_there: set[str]
) -> None:
    made = swap(ours, alma, "people", protected=edited_here)
    account = Account(1, 1, copy.deepcopy(alma), dict.fromkeys(edited_there))
    how: dict[str, Any] = {"override": made.override, "profiles": {"people"}, "tables": CodeTables()}
    after, _ = put(account, copy.deepcopy(made.user), **how)

    assert after.get("user_role") == alma.get("user_role")
    then, mine, before = comparable(after), comparable(of_the_sis(ours)), comparable(alma)
    for segment in SEGMENTS:
        inside = [part for part in segment.parts(before) if part["segment_type"] == "Internal"]
        outside = segment.parts(mine)
        if segment is IDENTIFIERS:
            outside = [part for part in outside if part["value"] not in {one["value"] for one in inside}]
        assert segment.parts(then) == sorted([*inside, *outside], key=canonical)
    for name in SPECIAL_FIELDS:
        is_almas = name not in edited_here and (name in edited_there or name not in mine)
        assert then.get(name) == (before if is_almas else mine).get(name)
    assert then.get("first_name") == mine.get("first_name")
    assert swap(ours, after, "people", protected=edited_here, delivered=ours).changes == {}
