"""The whole record: XML and JSON without loss, Matchpoint's schema against what is known to be valid and invalid."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import XML_PEOPLE, make_profile, open_house, reasons, total, xml_text, xml_user
from hypothesis import given, settings
from lxml import etree
from memory import PRINT_PEAK
from records import records

from matchpoint.alma.fields import CORE_FIELDS, LISTS, SEGMENTS
from matchpoint.alma.shapes import plural
from matchpoint.alma.xml import to_element, to_user
from matchpoint.alma.xml_faults import faults
from matchpoint.alma.xml_files import read_users, write_users, write_zip
from matchpoint.alma.xsd import FILE, schema, schema_text
from matchpoint.errors import RecordError

# --- round trips ----------------------------------------------------------------------------------


@pytest.mark.law("whole-record")
@given(records)
@settings(deadline=None)
def test_a_record_goes_through_json_and_xml_and_back_unchanged(user: dict[str, Any]) -> None:
    element = to_element(user)
    assert list(faults(element)) == []
    written = etree.tostring(element)
    read = to_user(etree.fromstring(written))
    assert read == user
    assert etree.tostring(to_element(read)) == written
    assert orjson.loads(orjson.dumps(read)) == read


@given(records, records)
@settings(max_examples=30, deadline=None)
def test_a_file_of_records_comes_back_as_it_was_written(one: dict[str, Any], other: dict[str, Any]) -> None:
    file = io.BytesIO()
    assert write_users(file, [one, other]) == 2
    file.seek(0)
    assert list(read_users(file, "users.xml")) == [one, other]


@pytest.mark.law("children-in-any-order")
@given(records)
@settings(max_examples=50, deadline=None)
def test_the_children_of_a_user_may_stand_in_any_order(user: dict[str, Any]) -> None:
    element = to_element(user)
    element[:] = list(reversed(element))
    assert list(faults(element)) == []
    assert to_user(element) == user


@pytest.mark.law("whole-record")
def test_the_record_has_every_element_of_alma() -> None:
    assert set(re.findall(r"\w+", CORE)) <= {field.name for field in CORE_FIELDS}
    assert {plural(one.name) for one in (*SEGMENTS, *LISTS)} == set(re.findall(r"\w+", CONTAINERS))


CORE = """record_type primary_id first_name middle_name last_name full_name pin_number user_title job_category
    job_description gender user_group campus_code web_site_url cataloger_level preferred_language birth_date
    expiry_date purge_date account_type external_id password force_password_change status status_date
    last_patron_activity_date requests loans fees source_link_id source_institution_code linking_id pref_first_name
    pref_middle_name pref_last_name pref_name_suffix is_researcher researcher"""
CONTAINERS = """addresses emails phones user_identifiers user_notes user_blocks user_statistics user_roles
    proxy_for_users rs_libraries library_notices"""


# --- the schema -----------------------------------------------------------------------------------

TEXT_255, TEXT_256 = "x" * 255, "x" * 256
TYPED = "<{0}_types><{0}_type>home</{0}_type></{0}_types>"


def contact(inner: str) -> str:
    return f"<contact_info>{inner}</contact_info>"


def email(inner: str, attributes: str = "") -> str:
    return contact(f"<emails>{f'<email{attributes}>{inner}</email>'}</emails>")


def identifier(inner: str) -> str:
    return f"<user_identifiers><user_identifier>{inner}</user_identifier></user_identifiers>"


MAIL = "<email><email_address>a@example.edu</email_address>" + TYPED.format("email") + "</email>"
AT_HOME = TYPED.format("address")
PREFERRED = MAIL.replace("<email>", '<email preferred="true">')
NOTE = "<user_notes><user_note><note_type>OTHER</note_type><note_text>x</note_text></user_note></user_notes>"
VALID = {
    "no children at all": "",
    "any order": "<last_name>L</last_name><primary_id>p</primary_id>",
    "an empty user group": "<user_group/>",
    "empty email types": email("<email_address>a</email_address><email_types/>"),
    "an identifier with an empty value": identifier("<id_type>BARCODE</id_type><value/>"),
    "two preferred emails": contact(f"<emails>{PREFERRED * 2}</emails>"),
    "a date": "<expiry_date>2030-01-16</expiry_date>",
    "a date with Z": "<expiry_date>2030-01-16Z</expiry_date>",
    "a date with an offset": "<expiry_date>2030-01-16+02:00</expiry_date>",
    "an address without line and city": contact(
        f"<addresses><address>{TYPED.format('address')}</address></addresses>"
    ),
    "255 characters": f"<last_name>{TEXT_255}</last_name>",
}
INVALID = {
    "an empty expiry date": ("<expiry_date/>", "expiry_date", "YYYY-MM-DD, or no element"),
    "an empty end date": (
        contact(f"<addresses><address><end_date/>{TYPED.format('address')}</address></addresses>"),
        "address.end_date",
        "YYYY-MM-DD, or no element",
    ),
    "an American date": ("<expiry_date>01/16/2030</expiry_date>", "expiry_date", "YYYY-MM-DD"),
    "a date without dashes": ("<expiry_date>20300116</expiry_date>", "expiry_date", "YYYY-MM-DD"),
    "a time in a date": ("<expiry_date>2030-01-16T00:00:00</expiry_date>", "expiry_date", "YYYY-MM-DD"),
    "a child twice": ("<last_name>a</last_name><last_name>b</last_name>", "last_name", "Alma user XML"),
    "an element that is not known": ("<pref_full_name>x</pref_full_name>", "pref_full_name", "Alma user XML"),
    "256 characters": (f"<last_name>{TEXT_256}</last_name>", "last_name", "at most 255 characters"),
    "an email without types": (email("<email_address>a</email_address>"), "email", "<email_types>"),
    "an address without types": (
        contact("<addresses><address><city>c</city></address></addresses>"), "address", "<address_types>",
    ),
    "an identifier without value": (identifier("<id_type>BARCODE</id_type>"), "user_identifier", "<value>"),
    "a note without its flags": (NOTE, "user_note", "<user_viewable>"),
    "a block without description": (
        "<user_blocks><user_block><block_type>GENERAL</block_type></user_block></user_blocks>",
        "user_block",
        "<block_description>",
    ),
    "a statistic without category": (
        "<user_statistics><user_statistic><statistic_note>x</statistic_note></user_statistic></user_statistics>",
        "user_statistic",
        "<statistic_category>",
    ),
    "phones before emails": (
        contact(
            f"<phones><phone><phone_number>1</phone_number>{TYPED.format('phone')}</phone></phones><emails>{MAIL}</emails>"
        ),
        "contact_info",
        "Alma user XML",
    ),
    "an empty is_researcher": ("<is_researcher/>", "is_researcher", "true or false"),
}  # fmt: skip


def user(inner: str) -> Any:
    return etree.fromstring(f"<user>{inner}</user>")


@pytest.mark.law("schema-valid")
@pytest.mark.parametrize("inner", VALID.values(), ids=VALID.keys())
def test_the_schema_accepts(inner: str) -> None:
    assert list(faults(user(inner))) == []
    assert schema().validate(etree.fromstring(f"<users><user>{inner}</user></users>"))


@pytest.mark.law("schema-invalid")
@pytest.mark.parametrize(("inner", "field", "expected"), INVALID.values(), ids=INVALID.keys())
def test_the_schema_refuses_and_the_field_is_told(inner: str, field: str, expected: str) -> None:
    assert not schema().validate(etree.fromstring(f"<users><user>{inner}</user></users>"))
    [fault] = faults(user(inner))
    assert fault.field == field
    assert expected in fault.expected


def test_the_published_schema_is_made_from_the_tables() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), "run make schema"


# --- reading and writing --------------------------------------------------------------------------


def test_a_user_who_is_not_valid_is_rejected_alone_and_told_once(store_url: str, tmp_path: Path) -> None:
    content = xml_text(
        xml_user(1),
        xml_user(2, more="<pref_full_name>Secret Name</pref_full_name>"),
        xml_user(3, more="<expiry_date/>"),
        xml_user(4, last_name=TEXT_256),
    )
    with open_house(store_url, tmp_path, make_profile(XML_PEOPLE)) as house:
        receipt = house.run("run", {"people.xml": content})
        assert receipt.total == total(created=1, rejected=3)
        assert reasons(receipt) == {
            ("rejected", "schema", "pref_full_name"): 1,
            ("rejected", "schema", "expiry_date"): 1,
            ("rejected", "too_long", "last_name"): 1,
        }
        row = next(one for one in house.rejected_rows("run") if one["matchpoint_row"] == "3")
        assert "expected YYYY-MM-DD, or no element" in row["matchpoint_reason"]
        assert "Secret" not in str(receipt.as_dict())


@pytest.mark.law("unknown-elements")
def test_unknown_elements_may_be_ignored_where_the_profile_says_so(store_url: str, tmp_path: Path) -> None:
    more = "<pref_full_name>x</pref_full_name>" + contact(
        f"<emails>{MAIL.replace('</email>', '<verified>yes</verified></email>')}</emails><faxes/>"
    )
    profile = make_profile(XML_PEOPLE, format={"type": "alma_xml", "unknown_elements": "ignore"})
    with open_house(store_url, tmp_path, profile) as house:
        assert house.run("run", {"people.xml": xml_text(xml_user(1, more=more))}).total == total(created=1)
        [kept] = house.users()["s1"]["document"]["contact_info"]["email"]
        assert kept == {
            "email_address": "a@example.edu",
            "email_type": [{"value": "home"}],
            "segment_type": "External",
        }


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"birth_date": "02/03/2001"}, "user 2, birth_date: found another form; expected YYYY-MM-DD"),
        ({"last_name": "Secret" * 50}, "user 2, last_name: found a longer text; expected at most 255 characters"),
        ({"user_identifier": [{"value": "Secret"}]}, "user 2, user_identifier: found a child element missing"),
        ({"last_name": "Secret\x01"}, "user 2: found a control character"),
    ],
)
def test_what_is_not_valid_is_never_written_and_its_value_never_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(RecordError) as caught:
        write_users(io.BytesIO(), [{"primary_id": "a"}, {"primary_id": "b", **wrong}])
    assert str(caught.value).startswith(told)
    assert "Secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_zip_holds_as_many_files_as_needed() -> None:
    file = io.BytesIO()
    assert write_zip(file, ({"primary_id": f"s{n}"} for n in range(25)), users_per_file=10) == [10, 10, 5]
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["users_001.xml", "users_002.xml", "users_003.xml"]
        with archive.open("users_003.xml") as member:
            assert [one["primary_id"] for one in read_users(member, "x")] == [f"s{n}" for n in range(20, 25)]


MEMORY = """
import sys
from matchpoint.alma.xml_files import read_users, write_users
mail = {"email": [{"email_address": "a@example.edu", "email_type": [{"value": "home"}]}]}
people = ({"primary_id": f"s{n}", "last_name": "x" * 100, "contact_info": mail} for n in range(int(sys.argv[2])))
with open(sys.argv[1], "wb") as file:
    write_users(file, people)
with open(sys.argv[1], "rb") as file:
    assert sum(1 for _ in read_users(file, "users.xml")) == int(sys.argv[2])
"""


@pytest.mark.law("streaming")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(users: int) -> int:
        """Write and read that many users in a process of their own; give its peak memory in KiB."""
        command = [sys.executable, "-c", MEMORY + PRINT_PEAK, str(tmp_path / "users.xml"), str(users)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak(40_000) < 1.15 * peak(2_000)
