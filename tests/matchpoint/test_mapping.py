"""Mapping: each kind of source, what is required, segments, and that no text whatever makes it raise."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matchpoint.alma.check import check_user
from matchpoint.findings import Finding
from matchpoint.mapping import map_users
from matchpoint.profile import Profile

AS_OF = date(2026, 8, 24)
CROSSWALKS = {"groups": {"UG": "UNDERGRAD", "NO": "NONE"}, "jobs": {"100": "FACULTY", "*": "OTHER"}}
User = dict[str, Any]


def make(mapping: dict[str, Any]) -> Profile:
    """Make a profile with a mapping besides that of primary_id."""
    return Profile.model_validate(
        {
            "code": "people",
            "name": "People",
            "sis_type": "Banner",
            "connection": "sis",
            "format": {"type": "csv"},
            "mapping": {"primary_id": "ID", **mapping},
            "crosswalks": CROSSWALKS,
            "actions": {},
        }
    )


def map_rows(mapping: dict[str, Any], *rows: dict[str, str]) -> tuple[list[User], list[Finding]]:
    """Map rows, the first of which is row 2; a column that a row does not name is empty there."""
    profile = make(mapping)
    frame = pd.DataFrame(rows, columns=profile.columns, index=range(2, len(rows) + 2), dtype="str").fillna("")
    users, findings = map_users(frame, profile, AS_OF)
    assert list(users) == list(frame.index)
    return list(users.values()), findings


def one(rule: Any, value: str, field: str = "first_name") -> str | None:
    """Map one value of the column A by a rule, and give the field; nothing may be wrong with it."""
    users, findings = map_rows({field: rule}, {"A": value})
    assert findings == []
    found = users[0].get(field)
    return found["value"] if isinstance(found, dict) else found


def fault(rule: Any, value: str) -> str:
    """Map one value that must fail, and give what is said about it."""
    users, findings = map_rows({"first_name": rule}, {"A": value})
    assert "first_name" not in users[0]
    [finding] = findings
    assert (finding.row, finding.field) == (2, "first_name")
    assert finding.message.startswith(("The value cannot be converted", "Mandatory field is missing"))
    return finding.detail


# --- sources --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", ["A", ["A"], {"column": "A"}, {"from": "A"}, {"from": ["A"]}, {"from": [{"column": "A"}]}]
)
def test_a_column_may_be_written_in_any_of_its_forms(rule: Any) -> None:
    assert one(rule, "Ada") == "Ada"
    assert one(rule, "") is None


@pytest.mark.parametrize("value", ["007", "Null", "NA", "nan", "None", "NaN", "true", "1e5", "<NA>"])
def test_a_value_is_text_whatever_it_looks_like(value: str) -> None:
    assert one("A", value) == value


def test_spaces_around_a_value_are_no_part_of_it() -> None:
    assert one("A", "  Ada Mae \t") == "Ada Mae"
    assert one("A", " \u00a0 ") is None


def test_the_first_source_with_a_value_wins() -> None:
    rule = ["A", "B", {"template": "{C}!"}]
    users, _ = map_rows({"first_name": rule}, {"A": "a", "B": "b"}, {"B": "b", "C": "c"}, {"A": " ", "C": "c"}, {})
    assert [user.get("first_name") for user in users] == ["a", "b", "c!", None]


def test_a_constant_stands_in_where_no_other_source_has_a_value() -> None:
    users, _ = map_rows({"user_group": ["A", {"constant": "STAFF"}]}, {"A": "FACULTY"}, {"A": ""})
    assert [user["user_group"] for user in users] == [{"value": "FACULTY"}, {"value": "STAFF"}]


def test_a_constant_is_not_converted() -> None:
    rule = {"from": ["A", {"constant": "Not a Code"}], "convert": ["upper", {"crosswalk": "groups"}]}
    assert one(rule, "") == "Not a Code"
    assert one(rule, "ug") == "UNDERGRAD"


def test_a_constant_stands_in_for_a_value_that_is_dropped() -> None:
    rule = {"from": ["A", {"constant": "1999-01-01"}], "convert": [{"date": "%d/%m/%Y"}], "bad": "drop"}
    assert one(rule, "soon") == "1999-01-01"


def test_a_template_is_filled() -> None:
    assert one({"template": "e{A}@example.edu"}, " 007 ") == "e007@example.edu"
    assert one({"template": "{{{A}}}"}, "x") == "{x}"


def test_a_template_with_an_empty_column_gives_nothing() -> None:
    rows = ({"A": "a", "B": "b"}, {"A": "a"}, {"B": " "}, {})
    users, findings = map_rows({"first_name": {"template": "{A} {B}"}}, *rows)
    assert [user.get("first_name") for user in users] == ["a b", None, None, None]
    assert findings == []


def test_a_template_is_converted_and_what_a_value_holds_is_no_template() -> None:
    rule = {"from": {"template": "{A}@EXAMPLE.edu"}, "convert": ["lower"]}
    assert one(rule, "{B}") == "{b}@example.edu"


# --- faults -------------------------------------------------------------------------------------


def test_only_the_rows_with_the_fault_are_rejected_and_every_fault_is_told() -> None:
    mapping = {
        "user_group": {"from": "A", "convert": [{"crosswalk": "groups"}]},
        "birth_date": {"from": "B", "convert": [{"date": "%Y-%m-%d"}]},
    }
    rows = ({"A": "UG", "B": "2001-01-01"}, {"A": "XX", "B": "soon"}, {"A": "NO", "B": "later"})
    users, findings = map_rows(mapping, *rows)
    assert [(finding.row, finding.field) for finding in findings] == [
        (3, "user_group"),
        (3, "birth_date"),
        (4, "birth_date"),
    ]
    assert users[0] == {"user_group": {"value": "UNDERGRAD"}, "birth_date": "2001-01-01"}


def test_a_required_field_without_a_value_rejects_the_row() -> None:
    rule = {"from": ["A", {"template": "{B}{C}"}], "required": True}
    users, findings = map_rows({"last_name": rule}, {"A": "Null"}, {"B": "b"}, {"A": "  "})
    assert users[0]["last_name"] == "Null"
    assert [(finding.row, finding.field, finding.code) for finding in findings] == [
        (3, "last_name", "mandatory"),
        (4, "last_name", "mandatory"),
    ]
    assert findings[0].message == "Mandatory field is missing: last_name, from A or B or C"


def test_a_required_value_that_is_bad_is_told_once() -> None:
    rule = {"from": "A", "convert": [{"crosswalk": "groups"}, "lower"], "required": True}
    assert fault(rule, "XX").startswith("found 'XX'; expected a code")


def test_a_required_value_that_is_dropped_is_missing() -> None:
    rule = {"from": "A", "convert": [{"crosswalk": "groups"}], "required": True, "bad": "drop"}
    assert fault(rule, "XX") == "first_name, from A"


def test_a_constant_satisfies_required() -> None:
    assert one({"from": ["A", {"constant": "x"}], "required": True}, "") == "x"


# --- segments -------------------------------------------------------------------------------------


def test_a_segment_has_its_types_flags_and_literal_fields() -> None:
    mapping = {
        "emails": [{"types": ["work", "school"], "preferred": True, "email_address": "MAIL", "description": "WHAT"}],
        "notes": [{"note_type": "OTHER", "note_text": "NOTE", "user_viewable": True, "popup_note": False}],
        "statistics": [{"statistic_category": "CLASS"}],
    }
    [user], _ = map_rows(mapping, {"MAIL": "a@example.org", "NOTE": "Loud", "CLASS": "X"})
    assert user["contact_info"]["email"] == [
        {
            "preferred": True,
            "email_type": [{"value": "work"}, {"value": "school"}],
            "email_address": "a@example.org",
        }
    ]
    assert user["user_note"] == [
        {"user_viewable": True, "note_type": {"value": "OTHER"}, "popup_note": False, "note_text": "Loud"}
    ]
    assert user["user_statistic"] == [{"statistic_category": {"value": "X"}}]


def test_a_literal_that_is_left_out_is_false() -> None:
    [user], _ = map_rows({"notes": [{"note_type": "OTHER", "note_text": "NOTE"}]}, {"NOTE": "x"})
    assert user["user_note"][0]["user_viewable"] is False
    assert user["user_note"][0]["popup_note"] is False


def test_a_segment_without_a_value_is_not_made() -> None:
    mapping = {
        "identifiers": [{"id_type": "BARCODE", "value": "CARD", "note": "WHY"}],
        "emails": [{"types": ["work"], "email_address": "MAIL", "description": "WHY"}],
        "addresses": [{"types": ["home"], "line1": "STREET", "country": {"constant": "USA"}}],
        "notes": [{"note_type": "OTHER", "note_text": {"template": "Line manager: {BOSS}"}}],
    }
    users, findings = map_rows(mapping, {"ID": "1"}, {"ID": "2", "WHY": "reason"})
    assert users == [{"primary_id": "1"}, {"primary_id": "2"}]
    assert findings == []


def test_an_address_is_not_made_of_its_constants_alone() -> None:
    rule = {"types": ["home"], "line1": "STREET", "city": {"constant": "Oldmere"}, "country": {"constant": "GBR"}}
    [without, with_street], _ = map_rows({"addresses": [rule]}, {"ID": "1"}, {"ID": "2", "STREET": "1 Hill"})
    assert "contact_info" not in without
    assert with_street["contact_info"]["address"][0]["city"] == "Oldmere"


def test_a_statistic_or_note_that_is_constant_is_everybodys() -> None:
    mapping = {
        "statistics": [{"statistic_category": {"constant": "STUDENT"}, "statistic_note": "NOTE"}],
        "notes": [{"note_type": "OTHER", "note_text": {"constant": "Hello"}}],
    }
    [user], _ = map_rows(mapping, {"ID": "1"})
    assert user["user_statistic"] == [{"statistic_category": {"value": "STUDENT"}}]
    assert user["user_note"][0]["note_text"] == "Hello"


def test_only_the_first_of_a_kind_that_is_there_stays_preferred() -> None:
    phones = [
        {"types": [kind], "preferred": True, "preferred_sms": True, "phone_number": kind}
        for kind in ("home", "office")
    ]
    users, _ = map_rows({"phones": phones}, {"home": "1", "office": "2"}, {"office": "2"})
    home, office = users[0]["contact_info"]["phone"]
    assert home["preferred"] is home["preferred_sms"] is True
    assert office == {"phone_type": [{"value": "office"}], "phone_number": "2"}
    assert users[1]["contact_info"]["phone"][0]["preferred"] is True


def test_segments_of_one_kind_come_in_the_order_of_the_profile() -> None:
    mapping = {"identifiers": [{"id_type": kind, "value": kind} for kind in ("INST_ID", "BARCODE")]}
    [user], _ = map_rows(mapping, {"BARCODE": "0042", "INST_ID": "x"})
    assert [(each["id_type"]["value"], each["value"]) for each in user["user_identifier"]] == [
        ("INST_ID", "x"),
        ("BARCODE", "0042"),
    ]


def test_a_bad_value_in_a_segment_names_its_place() -> None:
    mapping = {"phones": [{"types": ["home"], "phone_number": {"from": "A", "convert": [{"phone": "US"}]}}]}
    _, [finding] = map_rows(mapping, {"A": "none"})
    assert finding.field == "phones[0].phone_number"


def test_no_rows_are_no_users() -> None:
    assert map_rows({"birth_date": {"from": "A", "convert": [{"date": "%d/%m/%Y"}]}}) == ([], [])


# --- any text -------------------------------------------------------------------------------------

PAST = {"formats": ["%d-%b-%y", "%Y-%m-%d"], "two_digit_years": "past"}
EVERYTHING = make(
    {
        "first_name": {"from": ["A", {"template": "{A} {B}"}], "convert": ["trim", "squeeze", "name"]},
        "middle_name": {"from": "B", "convert": ["upper", "lower"]},
        "last_name": {"from": "B", "required": True},
        "user_group": {"from": "A", "convert": [{"crosswalk": "groups"}]},
        "job_category": {"from": "A", "convert": [{"crosswalk": "jobs"}]},
        "birth_date": {"from": "C", "convert": [{"date": PAST}]},
        "expiry_date": {"from": "C", "convert": [{"date": "%Y-%m-%d"}], "bad": "drop", "required": True},
        "identifiers": [{"id_type": "BARCODE", "value": {"from": "D", "convert": ["digits"]}}],
        "emails": [{"types": ["work"], "preferred": True, "email_address": {"template": "{A}@{B}"}}],
        "phones": [{"types": ["home"], "phone_number": {"from": "D", "convert": [{"phone": "GB"}]}}],
        "addresses": [
            {"types": ["home"], "line1": "A", "start_date": {"from": "C", "convert": [{"date": "%Y-%m-%d"}]}}
        ],
    }
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["UG", "100", "*", "NaN", "Null", "{B}", "%d", "+44 20 7946 0123", "01632 960123", "=1+1"]),
    st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat),
    st.dates().map(lambda day: day.strftime("%d-%b-%y")),
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(["ID", "A", "B", "C", "D"], TEXTS)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_any_text_is_mapped_or_has_a_finding(rows: list[dict[str, str]]) -> None:
    frame = pd.DataFrame(rows, columns=EVERYTHING.columns, index=range(2, len(rows) + 2), dtype="str")
    users, findings = map_users(frame, EVERYTHING, AS_OF)
    assert list(users) == list(frame.index)
    assert {finding.row for finding in findings} <= users.keys()
    for row, user in users.items():
        told = {finding.field for finding in findings if finding.row == row}
        for field, column in (("user_group", "A"), ("birth_date", "C"), ("last_name", "B"), ("expiry_date", "C")):
            assert field in user or field in told or not frame[column][row].strip()
        if not told:
            assert all(finding.code != "not_a_date" for finding in check_user(user))
