"""The library's own work on one user: every function with its rule, its history and its actor."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from helpers import START, House, person, reasons, total

from matchpoint.accounts import one, rules
from matchpoint.accounts.rules import Account, active_roles
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import EMAILS, IDENTIFIERS, NOTES, SEGMENTS
from matchpoint.errors import AccountError

ACT = Act("librarian jo", START)
ADA = {
    "primary_id": "ada",
    "record_type": {"value": "PUBLIC"},
    "first_name": "Ada",
    "last_name": "Lovelace",
    "user_identifier": [{"id_type": {"value": "BARCODE"}, "value": "B-ada"}],
}
SECRET = "purple-Tractor-91"


def user_of(house: House, primary_id: str) -> dict[str, Any]:
    return dict(house.users()[primary_id]["document"])


def refused(code: str) -> Any:
    return pytest.raises(AccountError, check=lambda error: error.code == code)


# --- create, edit, delete -------------------------------------------------------------------------


@pytest.mark.law("internal-user")
def test_an_internal_user_is_created_with_history_and_actor(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT)
    row = house.users()["ada"]
    assert (row["account_type"], row["external_id"], row["version"]) == ("INTERNAL", None, 1)
    assert row["document"]["status"] == {"value": "ACTIVE"}
    assert row["document"]["user_identifier"][0]["segment_type"] == "Internal"
    assert house.identifiers().keys() == {"ada", "b-ada"}
    [event] = house.rows("history")
    assert (event["outcome"], event["actor"], event["after"]) == ("created", "librarian jo", row["document"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"external_id": "people"}, "401853"),
        ({"primary_id": ""}, "401664"),
        ({"record_type": None}, "401664"),
        ({"user_identifier": [{"id_type": {"value": "BARCODE"}, "value": "ADA"}]}, "4018994"),
        ({"user_identifier": [{"id_type": {"value": "BARCODE"}, "value": "card1"}]}, "401851"),
        ({"birth_date": "tomorrow"}, "not_a_date"),
    ],
)
def test_a_user_against_the_rules_is_not_created(house: House, change: dict[str, Any], code: str) -> None:
    house.run("run", [person(1)])
    before = house.people()
    wrong = {name: value for name, value in {**ADA, **change}.items() if value is not None}
    with refused(code) as caught:
        one.create_internal(house.engine, wrong, ACT)
    assert "tomorrow" not in str(caught.value)
    assert {**house.people(), "counters": before["counters"]} == before


def test_an_edit_changes_fields_and_says_what_was_before(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT)
    assert one.edit(house.engine, "B-ADA", {"last_name": "King", "first_name": None}, ACT)
    assert user_of(house, "ada")["last_name"] == "King"
    assert "first_name" not in user_of(house, "ada")
    event = house.rows("history")[-1]
    assert event["before"] == {"last_name": "Lovelace", "first_name": "Ada"}
    assert event["after"] == {"last_name": "King", "first_name": None}
    assert not one.edit(house.engine, "ada", {"last_name": "King"}, ACT), "nothing to change"
    assert house.users()["ada"]["version"] == 2
    assert house.users()["ada"]["protected"] == {}, "only what a SIS brings can be protected from it"


def test_a_new_primary_id_moves_the_identifier(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT)
    one.edit(house.engine, "ada", {"primary_id": "aking"}, ACT)
    assert house.identifiers().keys() == {"aking", "b-ada"}
    house.run("run", [person(1)])
    with refused("401851"):
        one.edit(house.engine, "aking", {"primary_id": "CARD1"}, ACT)
    assert house.identifiers().keys() >= {"aking", "card1"}


@pytest.mark.parametrize("name", ["account_type", "external_id", "password", "loans", "user_identifier", "nonsense"])
def test_what_has_a_function_of_its_own_is_not_edited(house: House, name: str) -> None:
    one.create_internal(house.engine, ADA, ACT)
    with refused("not_editable"):
        one.edit(house.engine, "ada", {name: "x"}, ACT)


def test_an_edit_of_what_somebody_changed_meanwhile_is_refused(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT)
    one.edit(house.engine, "ada", {"last_name": "King"}, ACT, version=1)
    with refused("changed_since"):
        one.edit(house.engine, "ada", {"last_name": "Byron"}, ACT, version=1)


def test_a_deleted_user_is_whole_in_the_history_and_its_identifiers_are_free(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT, password=SECRET)
    whole = user_of(house, "ada")
    one.delete(house.engine, "ada", ACT)
    assert (house.users(), house.identifiers(), house.rows("passwords")) == ({}, {}, [])
    event = house.rows("history")[-1]
    assert (event["outcome"], event["before"], event["actor"]) == ("deleted", whole, "librarian jo")
    one.create_internal(house.engine, ADA, ACT)
    with refused("401861"):
        one.delete(house.engine, "nobody", ACT)


@pytest.mark.law("held-back")
def test_a_user_with_loans_is_not_deleted(house: House) -> None:
    one.create_internal(house.engine, {**ADA, "loans": {"value": 2}}, ACT)
    with refused("401850"):
        one.delete(house.engine, "ada", ACT)


# --- external users: edits and protection ---------------------------------------------------------


@pytest.mark.law("edit-external")
def test_an_edit_of_an_ordinary_field_is_overwritten_though_the_row_did_not_change(house: House) -> None:
    house.run("run", [person(1)])
    one.edit(house.engine, "s1", {"last_name": "Edited", "expiry_date": "2030-01-01"}, ACT)
    assert house.run("again", [person(1)]).total == total(updated=1)
    assert user_of(house, "s1")["last_name"] == "Lastname1"
    assert "expiry_date" not in user_of(house, "s1")


@pytest.mark.law("protection")
def test_an_edited_special_field_is_protected_until_it_is_restored(house: House) -> None:
    house.run("run", [person(1)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}, "pref_first_name": "Kit"}, ACT)
    assert house.users()["s1"]["protected"] == {"user_group": {"value": "UNDERGRAD"}, "pref_first_name": None}
    assert house.run("again", [person(1, GROUP="GR")]).total == total(unchanged=1)
    assert user_of(house, "s1")["user_group"] == {"value": "STAFF"}
    one.edit(house.engine, "s1", {"user_group": {"value": "GUEST"}}, ACT)
    assert house.users()["s1"]["protected"]["user_group"] == {"value": "UNDERGRAD"}, "not the first edit's"
    assert one.restore(house.engine, "s1", "user_group", ACT)
    assert user_of(house, "s1")["user_group"] == {"value": "UNDERGRAD"}
    assert one.restore(house.engine, "s1", "pref_first_name", ACT)
    assert "pref_first_name" not in user_of(house, "s1")
    assert house.users()["s1"]["protected"] == {}
    assert house.run("third", [person(1, GROUP="GR")]).total == total(updated=1)
    assert user_of(house, "s1")["user_group"] == {"value": "GRADUATE"}
    with refused("not_protected"):
        one.restore(house.engine, "s1", "user_group", ACT)


@pytest.mark.law("protection")
def test_without_protection_the_next_synchronize_has_its_way(house: House) -> None:
    house.run("run", [person(1)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, ACT, protect=False)
    assert house.run("again", [person(1)]).total == total(updated=1)
    assert user_of(house, "s1")["user_group"] == {"value": "UNDERGRAD"}


# --- segments -------------------------------------------------------------------------------------

MAIL = {"email_address": "own@example.edu", "email_type": [{"value": "personal"}]}


@pytest.mark.law("internal-segments")
def test_an_internal_segment_of_an_external_user_survives_every_synchronize(house: House) -> None:
    house.run("run", [person(1)])
    one.add_segment(house.engine, "s1", NOTES, {"note_type": {"value": "OTHER"}, "note_text": "owes us a key"}, ACT)
    one.add_segment(house.engine, "s1", IDENTIFIERS, {"id_type": {"value": "OTHER_ID_1"}, "value": "Locker7"}, ACT)
    assert house.run("again", [person(1, NOTE="")]).total == total(updated=1)
    assert [note["note_text"] for note in user_of(house, "s1")["user_note"]] == ["owes us a key"]
    assert house.identifiers()["locker7"][:2] == ("OTHER_ID_1", "Locker7")


@pytest.mark.law("internal-segments")
def test_a_segment_added_as_external_goes_with_the_next_synchronize(house: House) -> None:
    house.run("run", [person(1)])
    note = {"note_type": {"value": "OTHER"}, "note_text": "the SIS's now"}
    one.add_segment(house.engine, "s1", NOTES, note, ACT, owner="External")
    house.run("again", [person(1)])
    assert [note["note_text"] for note in user_of(house, "s1")["user_note"]] == ["Notetext1"]


@pytest.mark.law("closed-segments")
def test_the_segments_of_the_sis_are_closed_unless_opened(house: House) -> None:
    house.run("run", [person(1)])
    with refused("closed"):
        one.remove_segment(house.engine, "s1", EMAILS, ACT, place=0)
    with refused("closed"):
        one.change_segment(house.engine, "s1", EMAILS, ACT, place=0, part=MAIL)
    one.change_segment(house.engine, "s1", EMAILS, ACT, place=0, part=MAIL, open_for_update=True)
    [mail] = user_of(house, "s1")["contact_info"]["email"]
    assert (mail["email_address"], mail["segment_type"]) == ("own@example.edu", "External")
    one.remove_segment(house.engine, "s1", EMAILS, ACT, place=0, open_for_update=True)
    assert user_of(house, "s1")["contact_info"]["email"] == []
    with refused("no_segment"):
        one.remove_segment(house.engine, "s1", EMAILS, ACT, place=0)


@pytest.mark.law("one-preferred")
def test_a_new_preferred_segment_takes_it_from_the_others_and_keeps_it(house: House) -> None:
    house.run("run", [person(1)])
    one.add_segment(house.engine, "s1", EMAILS, {**MAIL, "preferred": True}, ACT)
    for _ in range(2):
        flags = {
            mail["email_address"]: mail.get("preferred", False)
            for mail in user_of(house, "s1")["contact_info"]["email"]
        }
        assert flags == {"mail1@example.edu": False, "own@example.edu": True}
        house.run("again", [person(1)])


def test_an_identifier_that_another_holds_is_refused(house: House) -> None:
    house.run("run", [person(1), person(2)])
    with refused("401851"):
        one.add_segment(house.engine, "s1", IDENTIFIERS, {"id_type": {"value": "X"}, "value": "CARD2"}, ACT)
    with refused("4018994"):
        one.add_segment(house.engine, "s1", IDENTIFIERS, {"id_type": {"value": "X"}, "value": "S1"}, ACT)
    assert house.identifiers()["card2"][2] != house.identifiers()["s1"][2]


# --- account type ---------------------------------------------------------------------------------


@pytest.mark.law("convert-internal")
def test_a_user_made_internal_is_the_sis_s_no_longer(house: House) -> None:
    house.run("run", [person(1)])
    before = user_of(house, "s1")
    assert one.convert(house.engine, "s1", "INTERNAL", ACT)
    after = user_of(house, "s1")
    assert after == {name: value for name, value in before.items() if name != "external_id"} | {
        "account_type": {"value": "INTERNAL"}
    }
    receipt = house.run("again", [person(1, LAST="New")])
    assert reasons(receipt) == {("rejected", "not_external", "account_type"): 1}
    assert not one.convert(house.engine, "s1", "INTERNAL", ACT)


@pytest.mark.law("convert-external")
def test_a_user_made_external_needs_a_profile_and_then_follows_it(house: House) -> None:
    one.create_internal(house.engine, {**ADA, "primary_id": "s1"}, ACT, password=SECRET)
    with refused("401854"):
        one.convert(house.engine, "s1", "EXTERNAL", ACT)
    with refused("401853"):
        one.convert(house.engine, "s1", "INTERNAL", ACT, external_id="people")
    with refused("401857"):
        one.convert(house.engine, "s1", "OTHER", ACT)  # type: ignore[arg-type]
    one.convert(house.engine, "s1", "EXTERNAL", ACT, external_id="people")
    assert house.rows("passwords") == [], "no password of an external user is kept"
    with refused("401858"):
        one.convert(house.engine, "s1", "EXTERNAL", ACT, external_id="staff")
    assert house.run("run", [person(1)]).total == total(updated=1)
    assert [one["value"] for one in user_of(house, "s1")["user_identifier"]] == ["B-ada", "Card1", "net1"]


@pytest.mark.law("convert-loses-nothing")
def test_there_and_back_again_loses_nothing(house: House) -> None:
    house.run("run", [person(1)])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, ACT)
    before = house.users()["s1"]
    one.convert(house.engine, "s1", "INTERNAL", ACT)
    one.convert(house.engine, "s1", "EXTERNAL", ACT, external_id="people")
    after = house.users()["s1"]
    assert (after["document"], after["protected"]) == (before["document"], before["protected"])
    assert after["version"] == before["version"] + 2


# --- roles and passwords --------------------------------------------------------------------------


def role(kind: str, **more: Any) -> dict[str, Any]:
    return {"role_type": {"value": kind}, **more}


@pytest.mark.law("roles")
def test_a_role_counts_while_it_is_active_and_not_expired() -> None:
    roles = [
        role("200"),
        role("221", status={"value": "INACTIVE"}),
        role("26", status={"value": "ACTIVE"}, expiry_date="2026-09-01"),
        role("32", expiry_date="2026-08-31Z"),
    ]
    found = active_roles({"user_role": roles}, date(2026, 9, 1))
    assert [one["role_type"]["value"] for one in found] == ["200", "26"]


@pytest.mark.law("roles")
def test_roles_are_given_replaced_and_taken_and_no_synchronize_touches_them(house: House) -> None:
    house.run("run", [person(1)])
    parameter = {"type": {"value": "CirculationDesk"}, "value": {"value": "MAIN_DESK"}}
    one.add_role(house.engine, "s1", role("32", scope={"value": "MAIN"}, parameter=[parameter]), ACT)
    one.add_role(house.engine, "s1", role("200"), ACT)
    one.add_role(house.engine, "s1", role("200", expiry_date="2030-01-01"), ACT)
    house.run("again", [person(1, LAST="New")])
    kept = user_of(house, "s1")["user_role"]
    found = [(one["role_type"]["value"], one.get("expiry_date")) for one in kept]
    assert found == [("32", None), ("200", "2030-01-01")]
    one.remove_role(house.engine, "s1", "32", ACT, scope="MAIN")
    assert len(user_of(house, "s1")["user_role"]) == 1
    with refused("no_role"):
        one.remove_role(house.engine, "s1", "32", ACT)


@pytest.mark.law("passwords")
def test_a_password_is_a_hash_in_a_table_of_its_own_and_signs_in_by_any_identifier(house: House) -> None:
    one.create_internal(house.engine, ADA, ACT)
    one.change_password(house.engine, "ada", SECRET, ACT)
    [kept] = house.rows("passwords")
    assert kept["hash"].startswith("$argon2id$")
    everything = str(house.everything()).replace(kept["hash"], "")
    assert SECRET not in everything
    assert "argon2" not in everything
    assert house.rows("history")[-1]["after"] == {"password": True}
    today = date(2026, 9, 1)
    for identifier in ("ada", "ADA", "b-ada"):
        assert one.signs_in(house.engine, identifier, SECRET, today)
    assert not one.signs_in(house.engine, "ada", SECRET.lower(), today)
    assert not one.signs_in(house.engine, "nobody", SECRET, today)


@pytest.mark.law("sign-in")
@pytest.mark.parametrize(
    "change", [{"status": {"value": "INACTIVE"}}, {"expiry_date": "2026-08-31"}], ids=["inactive", "expired"]
)
def test_an_inactive_or_expired_internal_user_does_not_sign_in(house: House, change: dict[str, Any]) -> None:
    one.create_internal(house.engine, ADA, ACT, password=SECRET)
    one.edit(house.engine, "ada", change, ACT)
    assert not one.signs_in(house.engine, "ada", SECRET, date(2026, 9, 1))


@pytest.mark.law("weak-password")
@pytest.mark.parametrize("weak", ["", "x7-Kq2!", "xx-lovelace-99", "B-ADA-b-ada", "passw0rd", "12345678", "qwertyui"])
def test_a_weak_password_is_refused_and_not_repeated(house: House, weak: str) -> None:
    one.create_internal(house.engine, ADA, ACT)
    with refused("500038") as caught:
        one.change_password(house.engine, "ada", weak, ACT)
    assert not weak or weak not in str(caught.value)
    assert house.rows("passwords") == []


@pytest.mark.law("external-password")
def test_no_password_of_an_external_user_is_kept(house: House) -> None:
    house.run("run", [person(1)])
    with refused("external_password"):
        one.change_password(house.engine, "s1", SECRET, ACT)
    assert not one.signs_in(house.engine, "s1", SECRET, date(2026, 9, 1))


# --- merging --------------------------------------------------------------------------------------


@pytest.mark.law("merge")
def test_merging_moves_what_is_asked_for_and_deletes_the_other(house: House) -> None:
    house.run("run", [person(1)])
    one.create_internal(house.engine, {**ADA, "contact_info": {"email": [{**MAIL, "preferred": True}]}}, ACT)
    one.add_role(house.engine, "ada", role("200"), ACT)
    one.merge(house.engine, "ada", "s1", ACT, primary_id_as="OTHER_ID_1")
    assert list(house.users()) == ["s1"]
    kept = user_of(house, "s1")
    assert house.identifiers()["b-ada"][2] == house.identifiers()["ada"][2] == house.users()["s1"]["id"]
    assert [(m["email_address"], m.get("preferred", False)) for m in kept["contact_info"]["email"]] == [
        ("own@example.edu", False),
        ("mail1@example.edu", True),
    ]
    assert kept["user_role"] == [role("200")]
    assert house.run("again", [person(1)]).total == total(unchanged=1), "what came over is internal, and stays"
    assert [row["outcome"] for row in house.rows("history")] == [
        "created",
        "updated",
        "created",
        "updated",
        "deleted",
    ]


@pytest.mark.law("merge")
def test_merging_without_copies_keeps_the_one_as_it_was(house: House) -> None:
    house.run("run", [person(1)])
    before = user_of(house, "s1")
    one.create_internal(house.engine, ADA, ACT)
    one.merge(house.engine, "ada", "s1", ACT, copy_segments=False)
    assert user_of(house, "s1") == before
    assert "b-ada" not in house.identifiers()


@pytest.mark.law("merge")
def test_what_cannot_be_merged_stays_two(house: House) -> None:
    house.run("run", [person(1), person(2)])
    one.edit(house.engine, "s2", {"first_name": "x"}, ACT)
    with refused("same_user"):
        one.merge(house.engine, "s1", "CARD1", ACT)
    one.convert(house.engine, "s2", "INTERNAL", ACT)
    one.convert(house.engine, "s2", "EXTERNAL", ACT, external_id="staff")
    with refused("two_profiles"):
        one.merge(house.engine, "s1", "s2", ACT)
    assert len(house.users()) == 2


def test_every_kind_of_segment_can_be_added_changed_and_removed() -> None:
    account = Account(1, 1, {"primary_id": "a", "account_type": {"value": "INTERNAL"}})
    for segment in SEGMENTS:
        texts = {field.name for field in segment.fields if field.kind.value == "text"}
        part: dict[str, Any] = {name: "x" if name in texts else {"value": "x"} for name in segment.mandatory}
        part |= {segment.types: [{"value": "x"}]} if segment.types else {}
        user, _ = rules.add_part(account, segment, part)
        assert segment.parts(user) == [{**part, "segment_type": "Internal"}]
        user, _ = rules.remove_part(Account(1, 1, user), segment, 0)
        assert segment.parts(user) == []
