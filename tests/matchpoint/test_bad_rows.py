"""Bad rows: each is rejected alone, with row, field and reason for the one who mends it, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import (
    COLUMNS,
    XML_PEOPLE,
    House,
    Row,
    csv_text,
    make_profile,
    open_house,
    person,
    reasons,
    rendered,
    synchronizing,
    total,
    xml_text,
    xml_user,
)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


LONG = "Lang" * 64
TWO = "two_identifiers"
ROWS: dict[str, tuple[Row, str, str, list[str]]] = {
    "a required value is missing": ({"LAST": " "}, "last_name", "mandatory", ["last_name, from LAST"]),
    "the primary id is missing": ({"ID": ""}, "primary_id", "mandatory", ["primary_id"]),
    "a date that does not exist": ({"BORN": "2001-02-30"}, "birth_date", "bad_value", ["'2001-02-30'", "%Y-%m-%d"]),
    "a date in words": ({"BORN": "tomorrow"}, "birth_date", "bad_value", ["'tomorrow'", "a date in the form"]),
    "an unknown code": ({"GROUP": "ZZ"}, "user_group", "bad_value", ["'ZZ'", "groups: GR, UG"]),
    "a value too long": ({"LAST": LONG}, "last_name", "too_long", ["found 256 characters", "at most 255"]),
    "a note too long": ({"NOTE": "x" * 2001}, "user_note.note_text", "too_long", ["2001", "at most 2000"]),
    "an identifier too long": ({"CARD": LONG}, "user_identifier.value", "too_long", ["256", "255"]),
    "a control character": ({"LAST": "Ab\x0bcd"}, "last_name", "control_character", ["U+000B"]),
    "a NUL": ({"NOTE": "Ab\x00cd"}, "user_note.note_text", "control_character", ["U+0000"]),
    "no character at all": ({"EMAIL": "a\uffffb"}, "email.email_address", "control_character", ["U+FFFF"]),
    "two identifiers alike": ({"CARD": "gleich", "NET": "gleich"}, "user_identifier", TWO, ["BARCODE and INST_ID"]),
    "two alike but for their case": ({"CARD": "Gleich", "NET": "gLEICH"}, "user_identifier", TWO, ["'gLEICH'"]),
    "an identifier like the primary id": ({"CARD": "s9"}, "user_identifier", TWO, ["primary_id and BARCODE"]),
    "the identifier of a row before": ({"CARD": "cARD1"}, "user_identifier", "taken_in_feed", ["BARCODE", "cARD1"]),
    "the person of a row before": ({"ID": "s1"}, "primary_id", "taken_in_feed", ["primary_id", "s1"]),
}


@pytest.mark.parametrize(("changes", "field", "code", "told"), ROWS.values(), ids=ROWS.keys())
def test_a_bad_row_is_rejected_alone_with_row_field_and_reason(
    house: House, changes: Row, field: str, code: str, told: list[str]
) -> None:
    bad = person(9, **changes)
    receipt = house.run("run", [person(1), bad, person(2)], "import")
    assert receipt.total == total(created=2, rejected=1)
    assert house.users().keys() == {"s1", "s2"}
    assert reasons(receipt) == {("rejected", code, field): 1}
    (row,) = house.rejected_rows("run")
    assert (row["matchpoint_row"], row["matchpoint_field"]) == ("3", field)
    assert row["matchpoint_reason"].startswith(receipt.reasons[0].text)
    for part in told:
        assert part in row["matchpoint_reason"]
    assert {column: row[column] for column in COLUMNS} == bad


@pytest.mark.parametrize("changes", [case[0] for case in ROWS.values()], ids=ROWS.keys())
def test_no_value_of_a_bad_row_is_in_the_receipt(house: House, changes: Row) -> None:
    bad = person(9, **changes)
    shown = rendered(house.run("run", [person(1), bad, person(2)], "import"))
    for value in [*bad.values(), *person(1).values()]:
        if len(value) > 3:
            assert value not in shown


def test_every_fault_of_a_row_is_told_at_once(house: House) -> None:
    house.run("run", [person(1, LAST="", BORN="never", GROUP="ZZ")])
    (row,) = house.rejected_rows("run")
    assert row["matchpoint_field"] == "last_name"
    for part in ("birth_date: The value cannot be converted: found 'never'", "user_group: ", "'ZZ'"):
        assert part in row["matchpoint_reason"]


def test_a_row_without_a_value_for_any_match_point_is_rejected(house: House) -> None:
    by_card = house.with_profile(synchronizing(match_points=["BARCODE"]))
    receipt = by_card.run("run", [person(1, CARD=" "), person(2)])
    assert receipt.total == total(created=1, rejected=1)
    assert reasons(receipt) == {("rejected", "match_point_missing", "BARCODE"): 1}
    (row,) = house.rejected_rows("run")
    assert row["matchpoint_reason"].endswith("expected a value for BARCODE")


@pytest.mark.parametrize(
    ("line", "found"),
    [("S9,Ann\r\n", 2), (csv_text([person(9)]).split("\r\n")[1] + ",x,y\r\n", 11), ("   \r\n", 1)],
    ids=["too few", "too many", "only blanks"],
)
def test_a_ragged_row_is_rejected_alone(house: House, line: str, found: int) -> None:
    receipt = house.run("run", {"people.csv": csv_text([person(1)]) + line + "S2,,Lastname2,,,,,,\r\n"})
    assert receipt.total == total(created=2, rejected=1)
    assert reasons(receipt) == {("rejected", "missing_column_value", ""): 1}
    (row,) = house.rejected_rows("run")
    assert row["matchpoint_row"] == "3"
    assert row["matchpoint_reason"].endswith(f"found {found} fields; expected 9")


def test_blank_lines_are_no_rows_but_count_as_a_spreadsheet_counts(house: House) -> None:
    content = csv_text([person(1)]) + "\r\n\r\n" + "S2,only\r\n" + "\r\n"
    receipt = house.run("run", {"people.csv": content})
    assert receipt.total == total(created=1, rejected=1)
    assert house.rejected_rows("run")[0]["matchpoint_row"] == "5"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_a_quoted_line_break_belongs_to_the_value_and_is_no_row(house: House, ending: str) -> None:
    rows = [person(1, NOTE=f'one{ending}two, "three"'), person(2, LAST="")]
    receipt = house.run("run", {"people.csv": csv_text(rows)})
    assert receipt.total == total(created=1, rejected=1)
    assert house.users()["s1"]["document"]["user_note"][0]["note_text"] == f'one{ending}two, "three"'
    assert house.rejected_rows("run")[0]["matchpoint_row"] == "3"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r"])
def test_rows_may_end_as_on_any_system_and_the_last_one_without(house: House, ending: str) -> None:
    content = csv_text([person(1), person(2)]).replace("\r\n", ending).removesuffix(ending)
    assert house.run("run", {"people.csv": content}).total == total(created=2)


@pytest.mark.parametrize("word", ["007", "NULL", "NA", "nan", "None", "1e5", "true", "0x1F"])
def test_words_that_look_like_something_else_are_people(house: House, word: str) -> None:
    house.run("run", [person(1, LAST=word, CARD=word)])
    document = house.users()["s1"]["document"]
    assert document["last_name"] == word
    assert document["user_identifier"][0]["value"] == word


EMPTY_EMAIL = "<contact_info><emails><email>{}</email></emails></contact_info>"
MAIL = '<email preferred="true"><email_address>{}</email_address>{}</email>'
WORK = "<email_types><email_type>work</email_type></email_types>"
USERS: dict[str, tuple[dict[str, str], str, str, list[str]]] = {
    "neither primary id nor name": (
        {"primary_id": "", "first_name": "", "last_name": ""},
        "primary_id",
        "mandatory",
        ["primary_id"],
    ),
    "a bad date": ({"more": "<birth_date>02/03/2001</birth_date>"}, "birth_date", "not_a_date", ["YYYY-MM-DD"]),
    "a day that is not": ({"more": "<expiry_date>2027-02-29</expiry_date>"}, "expiry_date", "not_a_date", ["02-29"]),
    "too long": ({"last_name": LONG}, "last_name", "too_long", ["256", "255"]),
    "a status": ({"more": "<status>GONE</status>"}, "status", "not_accepted", ["ACTIVE or INACTIVE"]),
    "two alike": ({"card": "S9"}, "user_identifier", TWO, ["primary_id and BARCODE"]),
    "an identifier without value": (
        {"card": " "},
        "user_identifier.value",
        "mandatory",
        ["Mandatory field is missing: user_identifier value"],
    ),
    "a statistic without category": (
        {"more": "<user_statistics><user_statistic/></user_statistics>"},
        "user_statistic.statistic_category",
        "mandatory",
        ["user_statistic statistic_category"],
    ),
    "an email without address": ({"more": EMPTY_EMAIL.format(WORK)}, "email.email_address", "mandatory", ["email"]),
    "an email without type": (
        {"more": EMPTY_EMAIL.format("<email_address>a@example.edu</email_address><email_types/>")},
        "email.email_type",
        "mandatory",
        ["Mandatory field is missing: email email_type"],
    ),
    "two preferred emails": (
        {
            "more": "<contact_info><emails>"
            + "".join(MAIL.format(f"{one}@example.edu", WORK) for one in "ab")
            + "</emails></contact_info>"
        },
        "email",
        "two_preferred",
        ["found 2 email that are preferred"],
    ),
}


@pytest.mark.parametrize(("changes", "field", "code", "told"), USERS.values(), ids=USERS.keys())
def test_a_bad_user_in_xml_is_rejected_alone_with_number_field_and_reason(
    house: House, changes: dict[str, str], field: str, code: str, told: list[str]
) -> None:
    content = xml_text(xml_user(1), xml_user(9, **changes), xml_user(2))
    receipt = house.with_profile(make_profile(XML_PEOPLE)).run("run", {"people.xml": content})
    assert receipt.total == total(created=2, rejected=1)
    assert reasons(receipt) == {("rejected", code, field): 1}
    assert receipt.reasons[0].examples == [("people.xml", 2)]
    (row,) = house.rejected_rows("run")
    assert (row["matchpoint_row"], row["matchpoint_field"]) == ("2", field)
    for part in told:
        assert part in row["matchpoint_reason"]
    assert "Lastname1" not in rendered(receipt)


def test_what_a_sis_file_must_not_decide_is_not_taken_from_xml(house: House) -> None:
    more = (
        "<account_type>INTERNAL</account_type><external_id>other</external_id><record_type>STAFF</record_type>"
        "<password>secret</password><user_roles><user_role><role_type>26</role_type></user_role></user_roles>"
    )
    marked = xml_user(1, more=more).replace("<user_identifier>", '<user_identifier segment_type="Internal">')
    house.with_profile(make_profile(XML_PEOPLE)).run("run", {"people.xml": xml_text(marked)})
    document = house.users()["s1"]["document"]
    assert document["account_type"] == {"value": "EXTERNAL"}
    assert document["external_id"] == "people"
    assert document["record_type"] == {"value": "PUBLIC"}
    assert document["user_identifier"][0]["segment_type"] == "External"
    assert not document.keys() & {"password", "user_role", "user_roles"}
