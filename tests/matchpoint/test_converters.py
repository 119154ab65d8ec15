"""The named converters: what each makes of a value, and which values it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from test_mapping import fault, one


def converted(converter: Any, value: str) -> str | None:
    return one({"from": "A", "convert": [converter]}, value)


@pytest.mark.parametrize(
    ("converter", "value", "expected"),
    [
        ("trim", " a  b ", "a  b"),
        ("squeeze", " a \t\u00a0 b ", "a b"),
        ("upper", "rue é", "RUE É"),
        ("lower", "ÉCOLE", "école"),
        ("digits", "L-0071-101", "0071101"),
        ("digits", "none", None),
        ("name", "O'BRIEN-MCNEIL", "O'Brien-McNeil"),
        ("name", "anna maria", "Anna Maria"),
        ("name", "VAN DER BLOEM", "Van der Bloem"),
        ("name", "MARIA DE LA CRUZ", "Maria de la Cruz"),
        ("name", "GROßMANN", "Großmann"),
        ("name", "RENE\u0301E", "Rene\u0301e"),
        ("name", "ÞÓRSDÓTTIR", "Þórsdóttir"),
        ("name", "ST. JOHN-SMYTHE", "St. John-Smythe"),
        ("name", "MacAllister", "MacAllister"),
        ("name", "van Dyke", "van Dyke"),
        ("name", "李 小龍", "李 小龍"),
        ("name", "X", "X"),
    ],
)
def test_simple_converters(converter: str, value: str, expected: str | None) -> None:
    assert converted(converter, value) == expected
    assert converted(converter, "") is None


def test_converters_are_applied_in_their_order() -> None:
    rule = {"from": "A", "convert": ["squeeze", "upper", {"crosswalk": "groups"}, "lower"]}
    assert one(rule, " ug ") == "undergrad"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2027-06-30", "2027-06-30"), ("30/06/2027", "2027-06-30"), ("2028-02-29", "2028-02-29"), ("", None)],
)
def test_a_date_is_read_in_the_first_form_that_fits(value: str, expected: str | None) -> None:
    assert converted({"date": ["%Y-%m-%d", "%d/%m/%Y"]}, value) == expected


@pytest.mark.parametrize("value", ["soon", "2027-02-29", "31/04/2027", "06/30/2027", "20270630", "2027-06-30 12:00"])
def test_what_is_no_date_is_rejected(value: str) -> None:
    said = fault({"from": "A", "convert": [{"date": ["%Y-%m-%d", "%d/%m/%Y"]}]}, value)
    assert said == f"found {value!r}; expected a date in the form %Y-%m-%d or %d/%m/%Y"


@pytest.mark.parametrize(
    ("value", "past", "expected"),
    [
        ("14-MAR-61", True, "1961-03-14"),
        ("14-MAR-61", False, "2061-03-14"),
        ("01-Jan-68", True, "1968-01-01"),
        ("02-feb-00", True, "2000-02-02"),
        ("24-AUG-26", True, "2026-08-24"),
        ("25-AUG-26", True, "1926-08-25"),
        ("29-FEB-28", True, "1928-02-29"),
        ("31-DEC-99", True, "1999-12-31"),
    ],
)
def test_two_digit_years_of_the_past_are_not_after_the_run(value: str, past: bool, expected: str) -> None:
    options = {"formats": ["%d-%b-%y"], "two_digit_years": "past" if past else None}
    assert converted({"date": options}, value) == expected


def test_four_digit_years_are_what_they_say() -> None:
    assert converted({"date": {"formats": ["%Y-%m-%d"], "two_digit_years": "past"}}, "2061-03-14") == "2061-03-14"
    mixed = {"date": {"formats": ["%d-%b-%y", "%Y-%m-%d"], "two_digit_years": "past"}}
    assert converted(mixed, "2061-03-14") == "2061-03-14"
    assert converted(mixed, "14-MAR-61") == "1961-03-14"


@pytest.mark.parametrize(
    ("region", "value", "expected"),
    [
        ("US", "(202) 555-0143", "+1 202-555-0143"),
        ("US", "202.555.0143", "+1 202-555-0143"),
        ("US", "+44 20 7946 0123", "+44 20 7946 0123"),
        ("GB", "01632 960123", "+44 1632 960123"),
        ("GB", "(020) 7946 0123", "+44 20 7946 0123"),
        ("GB", "", None),
    ],
)
def test_a_phone_number_becomes_international(region: str, value: str, expected: str | None) -> None:
    assert converted({"phone": region}, value) == expected


@pytest.mark.parametrize("value", ["none", "ext. unknown", "12", "0", "+", "99999999999999999999"])
def test_what_is_no_phone_number_is_rejected_or_dropped(value: str) -> None:
    rule = {"from": "A", "convert": [{"phone": "GB"}]}
    assert (
        fault(rule, value) == f"found {value!r}; expected a phone number as dialled in GB, or with + and country code"
    )
    assert one({**rule, "bad": "drop"}, value) is None


def test_a_crosswalk_replaces_codes() -> None:
    assert converted({"crosswalk": "groups"}, "UG") == "UNDERGRAD"
    assert converted({"crosswalk": "groups"}, "NO") == "NONE"
    assert converted({"crosswalk": "groups"}, "") is None


def test_a_code_that_a_crosswalk_has_not_is_rejected_or_dropped() -> None:
    rule = {"from": "A", "convert": [{"crosswalk": "groups"}]}
    assert fault(rule, "ug") == "found 'ug'; expected a code of the crosswalk groups: NO, UG"
    assert one({**rule, "bad": "drop"}, "ug") is None


def test_the_star_of_a_crosswalk_stands_for_any_other_code_but_not_for_none() -> None:
    assert converted({"crosswalk": "jobs"}, "100") == "FACULTY"
    assert converted({"crosswalk": "jobs"}, "734") == "OTHER"
    assert converted({"crosswalk": "jobs"}, "*") == "OTHER"
    assert converted({"crosswalk": "jobs"}, "") is None
