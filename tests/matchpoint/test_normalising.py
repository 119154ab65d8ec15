"""The converters that bring what campuses write into one form: texts, emails, phones, places, dates, names."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_converters import converted
from test_mapping import fault, make, one

from matchpoint.mapping import map_users
from matchpoint.mapping.converters import SIMPLE, Context, convert
from matchpoint.mapping.names import part_of, recase
from matchpoint.mapping.places import to_country, to_postal_code
from matchpoint.profile.converters import DateConverter, NamePartConverter, PhoneConverter, PostalCodeConverter

AS_OF = date(2026, 9, 1)


# --- texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("converter", "value", "expected"),
    [
        ("nfc", "Rene\u0301e", "Ren\u00e9e"),
        ("nfc", "\u212bngstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("printable", "Ann\u200b\ufeffa\x07", "Anna"),
        ("printable", "Two\nlines\tand tab", "Two lines and tab"),
        ("clean", "  Jose\u0301\u00a0 \x00Maria ", "Jos\u00e9 Maria"),
        ("clean", "\u200b", None),
    ],
)
def test_texts(converter: str, value: str, expected: str | None) -> None:
    assert converted(converter, value) == expected


@pytest.mark.parametrize("converter", ["printable", "clean"])
def test_a_lost_letter_is_told_and_not_guessed(converter: str) -> None:
    said = fault({"from": "A", "convert": [converter]}, "Ren\ufffde")
    assert said == "found 'Ren\ufffde'; expected text without U+FFFD, the mark of a lost letter"


# --- emails and phones ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Ada.King@EXAMPLE.EDU", "Ada.King@example.edu"),
        ("ada@b\u00fccher.example.org", "ada@b\u00fccher.example.org"),
        ("o'brien+library@example.edu", "o'brien+library@example.edu"),
    ],
)
def test_an_email_has_its_domain_in_lower_case(value: str, expected: str) -> None:
    assert converted("email", value) == expected


@pytest.mark.parametrize("value", ["none", "ada@", "@example.edu", "ada@localhost", "a b@example.edu", "ada@@x.edu"])
def test_what_cannot_be_an_email_is_told(value: str) -> None:
    assert fault({"from": "A", "convert": ["email"]}, value) == f"found {value!r}; expected an email address"


@pytest.mark.parametrize(
    ("options", "value", "expected"),
    [
        ({"region": "GB"}, "01865 270000", "+44 1865 270000"),
        ({"region": "GB", "form": "e164"}, "01865 270000", "+441865270000"),
        ({"region": "GB", "form": "national"}, "+44 1865 270000", "01865 270000"),
        ({"region": "US"}, "212-555-0142 x33", "+1 212-555-0142 ext. 33"),
        ({"region": "US", "valid": True}, "212-867-5309", "+1 212-867-5309"),
    ],
)
def test_a_phone_number_has_the_form_that_is_asked_for(options: Any, value: str, expected: str) -> None:
    assert converted({"phone": options}, value) == expected


def test_a_number_that_is_possible_may_not_exist() -> None:
    assert converted({"phone": {"region": "US"}}, "111-555-0142") is not None
    assert "expected a phone number" in fault(
        {"from": "A", "convert": [{"phone": {"region": "US", "valid": True}}]}, "111-555-0142"
    )


# --- places ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("US", "USA"),
        ("usa", "USA"),
        ("840", "USA"),
        ("United States", "USA"),
        ("U.S.A.", "USA"),
        ("UK", "GBR"),
        ("Scotland", "GBR"),
        ("DE", "DEU"),
        ("Germany", "DEU"),
        ("Turkey", "TUR"),
        ("T\u00fcrkiye", "TUR"),
        ("South Korea", "KOR"),
        ("C\u00f4te d'Ivoire", "CIV"),
        ("Viet  Nam", "VNM"),
        ("no", "NOR"),
    ],
)
def test_a_country_becomes_alma_s_three_letters(value: str, expected: str) -> None:
    assert converted("country", value) == expected


def test_what_is_no_country_is_told() -> None:
    assert fault({"from": "A", "convert": ["country"]}, "Narnia") == (
        "found 'Narnia'; expected a country, by a code or an English name"
    )


@pytest.mark.parametrize(
    ("country", "value", "expected"),
    [
        ("US", "2139", "02139"),
        ("US", "021391234", "02139-1234"),
        ("US", "02139-1234", "02139-1234"),
        ("United Kingdom", "ox13bg", "OX1 3BG"),
        ("GBR", "OX1  3BG", "OX1 3BG"),
        ("CA", "h3z2y7", "H3Z 2Y7"),
        ("NL", "1234ab", "1234 AB"),
        ("DE", "1067", "01067"),
        ("PT", "2725079", "2725-079"),
        ("PL", "00950", "00-950"),
        ("IE", "A65F4E2", "A65 F4E2"),
        ("SE", "11455", "114 55"),
        ("Narnia", "lion 1", "LION 1"),
        ("", "x1", "X1"),
    ],
)
def test_a_postal_code_is_written_as_its_country_does(country: str, value: str, expected: str) -> None:
    assert to_postal_code(value, country) == expected
    assert to_postal_code(expected, country) == expected


def test_a_postal_code_may_go_by_a_column_and_what_is_none_is_told() -> None:
    assert converted({"postal_code": "US"}, "2139") == "02139"
    rule = {"from": "A", "convert": [{"postal_code": {"country_from": "B"}}]}
    frame = pd.DataFrame(
        {"ID": list("wxyz"), "A": ["ox13bg", "2139", "2139", ""], "B": ["UK", "USA", "UK", "US"]},
        index=[2, 3, 4, 5],
        dtype="str",
    )
    users, findings = map_users(frame, make({"last_name": rule}), AS_OF)
    assert [user.get("last_name") for user in users.values()] == ["OX1 3BG", "02139", None, None]
    assert [(one.row, one.detail) for one in findings] == [
        (4, "found '2139'; expected a postal code of the country in B")
    ]


# --- dates ----------------------------------------------------------------------------------------

FORMS = [
    "01/02/2026",
    "1/2/2026",
    "1.2.2026",
    "01-02-26",
    "1 Feb 2026",
    "1-FEB-26",
    "01-February-2026",
    "1st Feb, 2026",
    "2026-02-01",
    "2026/2/1",
    "Feb 1, 2026",
    "February 1st 2026",
    "2026-02-01T00:00:00Z",
    "1/2/2026 00:00:00",
    "01022026",
    "2026-02-01 12:30:00.000+01:00",
]


@pytest.mark.parametrize("value", FORMS)
def test_a_date_is_read_in_any_form(value: str) -> None:
    assert converted({"date": {"order": "dmy", "two_digit_years": "nearest"}}, value) == "2026-02-01"


@pytest.mark.parametrize(
    ("order", "value", "expected"),
    [
        ("mdy", "01/02/2026", "2026-01-02"),
        ("mdy", "12/31/99", "1999-12-31"),
        ("ymd", "26-02-01", "2026-02-01"),
        ("ymd", "20260201", "2026-02-01"),
        ("mdy", "02012026", "2026-02-01"),
        ("ymd", "01.02.2026", "2026-02-01"),
        ("mdy", "2026-02-01", "2026-02-01"),
    ],
)
def test_which_is_day_and_which_month_is_said_by_the_profile(order: str, value: str, expected: str) -> None:
    assert converted({"date": {"order": order}}, value) == expected


@pytest.mark.parametrize(
    "value", ["soon", "31/02/2026", "13/13/2026", "1/2", "1/2/026", "2026", "99999999", "0/1/2026", "32 Jan 2026"]
)
def test_what_is_no_date_is_told(value: str) -> None:
    assert fault({"from": "A", "convert": [{"date": {"order": "dmy"}}]}, value) == (
        f"found {value!r}; expected a date, day month year"
    )


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("past", "01/09/26", "2026-09-01"),
        ("past", "02/09/26", "1926-09-02"),
        ("past", "29/02/28", "1928-02-29"),
        ("future", "01/09/26", "2026-09-01"),
        ("future", "31/08/26", "2126-08-31"),
        ("future", "01/01/30", "2030-01-01"),
        ("nearest", "01/01/70", "2070-01-01"),
        ("nearest", "01/01/80", "1980-01-01"),
        ("nearest", "01/09/76", "1976-09-01"),
        (None, "01/01/68", "2068-01-01"),
        (None, "01/01/69", "1969-01-01"),
    ],
)
def test_the_century_of_a_two_digit_year(rule: str | None, value: str, expected: str) -> None:
    """As of 24 August 2026 in the profiles' tests, so the edges are given as of 1 September here."""
    options = {"order": "dmy", **({"two_digit_years": rule} if rule else {})}
    converter = DateConverter.model_validate({"date": options})
    assert convert(pd.Series([value], dtype="str"), converter, Context({}, AS_OF)).tolist() == [expected]


def test_a_value_that_means_never_is_no_date() -> None:
    options = {"order": "dmy", "never": ["31-DEC-9999", "00000000"]}
    for value in options["never"]:
        assert converted({"date": options}, value) is None
    assert converted({"date": {"formats": ["%Y-%m-%d"], "never": ["9999-12-31"]}}, "9999-12-31") is None
    assert converted({"date": options}, "31-DEC-9998") == "9998-12-31"


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("MCDONALD JR", "McDonald Jr"),
        ("JOHN SMITH III", "John Smith III"),
        ("smith, phd", "Smith, PhD"),
        ("IV", "Iv"),
        ("VAN DER BERG II", "Van der Berg II"),
        ("SMITH SR.", "Smith Sr."),
        ("VI NGUYEN", "Vi Nguyen"),
    ],
)
def test_suffixes_and_numerals_keep_their_form(value: str, expected: str) -> None:
    assert recase(value) == expected


@pytest.mark.parametrize(
    ("order", "name", "first", "middle", "last", "suffix"),
    [
        ("last_first", "Lovelace, Ada King", "Ada", "King", "Lovelace", ""),
        ("last_first", "van Beethoven, Ludwig", "Ludwig", "", "van Beethoven", ""),
        ("last_first", "Smith Jr., John Q", "John", "Q", "Smith", "Jr."),
        ("last_first", "Smith, John Q, III", "John", "Q", "Smith", "III"),
        ("last_first", "Lovelace Ada", "Ada", "", "Lovelace", ""),
        ("last_first", "Pel\u00e9", "", "", "Pel\u00e9", ""),
        ("first_last", "Ada King Lovelace", "Ada", "King", "Lovelace", ""),
        ("first_last", "Ludwig van Beethoven", "Ludwig", "", "van Beethoven", ""),
        ("first_last", "Maria de la Cruz", "Maria", "", "de la Cruz", ""),
        ("first_last", "John Smith Jr", "John", "", "Smith", "Jr"),
        ("first_last", "Pel\u00e9", "", "", "Pel\u00e9", ""),
    ],
)
def test_the_parts_of_a_whole_name(order: str, name: str, first: str, middle: str, last: str, suffix: str) -> None:
    parts = {"first": first, "middle": middle, "last": last, "suffix": suffix}
    assert {part: part_of(name, part, order) for part in parts} == parts
    assert converted({"name_part": {"part": "last", "order": order}}, name) == last


def people(**mapping: Any) -> list[dict[str, Any]]:
    frame = pd.DataFrame(
        {
            "ID": ["a", "b", "c", "d"],
            "FIRST": ["Robert", "Anna", "Mei", "Plato"],
            "LAST": ["King", "Ito", "Li", ""],
            "KNOWN": ["Bob", "ANNA", "", ""],
        },
        index=[2, 3, 4, 5],
        dtype="str",
    )
    users, findings = map_users(frame, make(mapping), AS_OF)
    assert findings == []
    return list(users.values())


def test_the_legal_name_first_and_the_preferred_one_only_where_it_differs() -> None:
    found = people(first_name="FIRST", pref_first_name={"from": "KNOWN", "convert": [{"differs_from": "FIRST"}]})
    assert [user.get("pref_first_name") for user in found] == ["Bob", None, None, None]
    assert [user["first_name"] for user in found] == ["Robert", "Anna", "Mei", "Plato"]


def test_the_preferred_name_in_the_place_of_the_first_name() -> None:
    found = people(first_name=["KNOWN", "FIRST"])
    assert [user["first_name"] for user in found] == ["Bob", "ANNA", "Mei", "Plato"]


def test_a_single_name_is_a_last_name_and_not_given_twice() -> None:
    found = people(last_name=["LAST", "FIRST"], first_name={"from": "FIRST", "convert": [{"only_with": "LAST"}]})
    assert [(user.get("first_name"), user["last_name"]) for user in found][2:] == [("Mei", "Li"), (None, "Plato")]


# --- all of them ----------------------------------------------------------------------------------

EVERY = [
    *SIMPLE,
    DateConverter.model_validate({"date": {"order": "dmy", "two_digit_years": "past"}}),
    DateConverter.model_validate({"date": {"order": "ymd"}}),
    PhoneConverter.model_validate({"phone": "GB"}),
    PostalCodeConverter.model_validate({"postal_code": "US"}),
    NamePartConverter.model_validate({"name_part": {"part": "last", "order": "last_first"}}),
    NamePartConverter.model_validate({"name_part": {"part": "suffix", "order": "first_last"}}),
]


@given(st.lists(st.text(max_size=12) | st.sampled_from(FORMS), max_size=4))
@settings(max_examples=150, deadline=None)
def test_no_converter_fails_whatever_comes_and_empty_stays_empty(values: list[str]) -> None:
    for converter in EVERY:
        given_values = pd.Series(["", *values], dtype="str")
        result = convert(given_values, converter, Context({}, AS_OF))
        assert result.index.equals(given_values.index)
        assert result[0] == ""


IDEMPOTENT = [name for name in SIMPLE if name != "name"]


@given(st.text(max_size=12))
@settings(deadline=None)
def test_once_is_enough(value: str) -> None:
    for name in IDEMPOTENT:
        first = SIMPLE[name](pd.Series([value], dtype="str"))
        if not first.isna()[0]:
            assert SIMPLE[name](first).tolist() == first.tolist(), name
    cleaned = SIMPLE["clean"](pd.Series([value], dtype="str"))[0]
    assert pd.isna(cleaned) or unicodedata.is_normalized("NFC", cleaned)


@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789 -", max_size=10),
    st.sampled_from(["US", "GB", "CA", "DE", "NL", "PL"]),
)
def test_a_postal_code_once_written_stays(value: str, country: str) -> None:
    written = to_postal_code(value, country)
    if written:
        assert to_postal_code(written, country) == written


@pytest.mark.parametrize("code", ["USA", "GBR", "DEU", "TUR"])
def test_alma_s_codes_are_countries(code: str) -> None:
    assert to_country(code) == code
    assert one({"from": "A", "convert": ["country"]}, code) == code
