"""The second layer of rules: a fault rejects its row, or the faulty part goes with a warning, as the profile says."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from helpers import House, csv_text, make_profile, open_house, person, reasons, rendered, total

from matchpoint.alma.check import Context, Fault, check_user
from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.alma.fields import SEGMENTS
from matchpoint.judge import judge

User = dict[str, Any]
TABLES = CodeTables(
    [
        Code("UserGroups", "UNDERGRAD", scope="PUBLIC"),
        Code("UserIdentifierTypes", "BARCODE"),
        Code("UserEmailTypes", "work"),
        Code("UserEmailTypes", "school", scope="STAFF"),
    ]
)
CONTEXT = Context(TABLES, "PUBLIC")


def user(**more: Any) -> User:
    return {"primary_id": "s1", "last_name": "L", **more}


def part(path: str, *parts: User) -> User:
    """Give a user with segments."""
    home, _, name = path.rpartition(".")
    return user(**({home: {name: list(parts)}} if home else {name: list(parts)}))


def mail(kind: str = "work", **more: Any) -> User:
    return {"email_address": "a@example.edu", "email_type": [{"value": kind}], **more}


def card(value: str = "c1", kind: str = "BARCODE") -> User:
    return {"id_type": {"value": kind}, "value": value}


EMAIL, CARD = "contact_info.email", "user_identifier"
FAULTS = {
    "an email without type": (part(EMAIL, {"email_address": "a"}), "email.email_type", "mandatory"),
    "an email without address": (
        part(EMAIL, {"email_type": [{"value": "work"}]}),
        "email.email_address",
        "mandatory",
    ),
    "a phone without number": (part("contact_info.phone", {"phone_type": []}), "phone.phone_number", "mandatory"),
    "an identifier without value": (
        part(CARD, {"id_type": {"value": "BARCODE"}}),
        "user_identifier.value",
        "mandatory",
    ),
    "a statistic without category": (
        part("user_statistic", {"statistic_note": "x"}),
        "user_statistic.statistic_category",
        "mandatory",
    ),
    "a note without text": (part("user_note", {"note_type": {"value": "OTHER"}}), "user_note.note_text", "mandatory"),
    "a block without description": (part("user_block", {}), "user_block.block_description", "mandatory"),
    "an address line too long": (part("contact_info.address", {"city": "x" * 256}), "address.city", "too_long"),
    "a campus too long": (user(campus_code={"value": "x" * 51}), "campus_code", "too_long"),
    "no such day": (user(birth_date="2001-02-29"), "birth_date", "not_a_date"),
    "a note of no date": (
        part("user_note", {"note_type": {"value": "O"}, "note_text": "x", "created_date": "2001-02-03"}),
        "user_note.created_date",
        "not_a_date",
    ),
    "a control character": (user(first_name="A\x07"), "first_name", "control_character"),
    "an unknown user group": (user(user_group={"value": "GONE"}), "user_group", "code_unknown"),
    "an unknown identifier type": (part(CARD, card(kind="MIFARE")), "user_identifier.id_type", "code_unknown"),
    "an unknown email type": (part(EMAIL, mail("home")), "email.email_type", "code_unknown"),
    "an email type of others": (part(EMAIL, mail("school")), "email.email_type", "code_not_for_record_type"),
    "two preferred emails": (part(EMAIL, mail(preferred=True), mail(preferred=True)), "email", "two_preferred"),
    "an identifier twice": (part(CARD, card("x"), card("X")), "user_identifier", "two_identifiers"),
    "the primary id as a card": (part(CARD, card("S1")), "user_identifier", "two_identifiers"),
}


@pytest.mark.parametrize(("faulty", "field", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_with_field_and_code(faulty: User, field: str, code: str) -> None:
    assert [(one.field, one.code) for one in check_user(faulty, CONTEXT)] == [(field, code)]


@pytest.mark.law("reject-or-drop")
@pytest.mark.parametrize(("faulty", "field", "code"), FAULTS.values(), ids=FAULTS.keys())
def test_without_the_faulty_part_the_user_is_good(faulty: User, field: str, code: str) -> None:
    before = deepcopy(faulty)
    kept, findings = judge(7, faulty, check_user(faulty, CONTEXT), {})
    assert (kept, [(one.row, one.severity) for one in findings]) == (before, [(7, "reject")])
    kept, findings = judge(7, faulty, check_user(faulty, CONTEXT), {code: "drop"})
    assert [(one.field, one.code, one.severity) for one in findings] == [(field, code, "drop")]
    assert list(check_user(kept, CONTEXT)) == []
    assert (kept["primary_id"], kept["last_name"]) == ("s1", "L")


@pytest.mark.law("mandatory-in-segments")
def test_every_kind_of_segment_is_told_without_what_it_cannot_be_without() -> None:
    for segment in SEGMENTS:
        one: User = user()
        segment.add(one, {})
        assert {fault.field for fault in check_user(one)} == {f"{segment.name}.{name}" for name in segment.mandatory}


@pytest.mark.law("contact-identifiers")
def test_a_contact_user_has_no_additional_identifiers() -> None:
    faulty = part(CARD, card())
    assert list(check_user(faulty, Context(record_type="PUBLIC"))) == []
    assert [one.code for one in check_user(faulty, Context(record_type="CONTACT"))] == ["contact_identifier"]


@pytest.mark.law("one-preferred")
def test_of_two_preferred_the_first_stays_preferred() -> None:
    faulty = part(EMAIL, mail(preferred=True), mail(preferred=True), mail(preferred=True))
    kept, findings = judge(1, faulty, check_user(faulty), {"two_preferred": "drop"})
    assert [one.get("preferred", False) for one in kept["contact_info"]["email"]] == [True, False, False]
    assert len(findings) == 2


def test_a_row_that_is_rejected_anyhow_is_told_all_and_loses_nothing() -> None:
    faulty = user(birth_date="x", user_group={"value": "GONE"})
    kept, findings = judge(1, faulty, check_user(faulty, CONTEXT), {"code_unknown": "drop"})
    assert kept == faulty
    assert {(one.code, one.severity) for one in findings} == {("not_a_date", "reject"), ("code_unknown", "reject")}


def test_a_primary_id_is_never_dropped() -> None:
    fault = Fault("primary_id", "too_long", "")
    assert judge(1, user(), [fault], {"too_long": "drop"})[1][0].severity == "reject"


# --- a whole run ----------------------------------------------------------------------------------


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path) as one:
        one.tables = CodeTables([Code("UserGroups", "UNDERGRAD"), Code("NoteTypes", "LIBRARY")])
        yield one


ROWS = [person(1, NOTE=""), person(2), person(3, GROUP="GR", NOTE="")]


@pytest.mark.law("code-tables")
def test_a_code_that_alma_does_not_know_rejects_its_row(house: House) -> None:
    receipt = house.run("run", ROWS)
    assert receipt.total == total(created=1, rejected=2)
    assert reasons(receipt) == {
        ("rejected", "code_unknown", "user_group"): 1,
        ("rejected", "code_unknown", "user_note.note_type"): 1,
    }
    assert "expected a code of UserGroups" in house.rejected_rows("run")[1]["matchpoint_reason"]


@pytest.mark.law("reject-or-drop")
def test_where_the_profile_says_drop_the_row_is_loaded_with_a_warning(house: House) -> None:
    dropping = house.with_profile(make_profile(checks={"code_unknown": "drop"}))
    receipt = dropping.run("run", ROWS)
    assert receipt.total == total(created=3)
    assert [(one.field, one.rows, one.examples) for one in receipt.warnings] == [
        ("user_note.note_type", 1, [("people.csv", 3)]),
        ("user_group", 1, [("people.csv", 4)]),
    ]
    assert "user_note" not in house.users()["s2"]["document"] or not house.users()["s2"]["document"]["user_note"]
    assert "user_group" not in house.users()["s3"]["document"]
    shown = rendered(receipt)
    assert "without the faulty part" in shown
    assert "Notetext2" not in shown
    assert dropping.run("again", {"people.csv": csv_text(ROWS)}).total == total(unchanged=3)


def test_a_receipt_without_warnings_has_no_such_section(house: House) -> None:
    assert "Warnings" not in rendered(house.run("run", [person(1, NOTE="")]))
