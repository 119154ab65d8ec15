"""What is held on one person: found wherever it is, of nobody else, and never a password."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from helpers import XML_PEOPLE, House, csv_text, make_profile, person, xml_text, xml_user

from matchpoint.accounts import one
from matchpoint.accounts.purge import purge
from matchpoint.accounts.store import Act
from matchpoint.held.export import export_person, write_export
from matchpoint.profile import Profile
from matchpoint.pseudonym import pseudonym, salt_of


def export(house: House, identifier: str, **profiles: Profile) -> dict[str, Any]:
    profiles = profiles or {"people": house.profile}
    return export_person(house.engine, house.root, profiles.get, identifier, now=house.now())


def found_rows(held: dict[str, Any]) -> dict[str, list[int]]:
    return {run["run"]: [row["row"] for file in run["extracts"] for row in file["rows"]] for run in held["runs"]}


@pytest.mark.parametrize("identifier", ["S2", "s2", "CARD2", "net2", " s2 "])
def test_everything_of_one_person_by_any_identifier_and_nothing_of_others(house: House, identifier: str) -> None:
    house.run("first", [person(1), person(2), person(3)])
    house.run("second", [person(1), person(2, LAST="Married"), person(3)])
    held = export(house, identifier)
    [user] = held["users"]
    assert user["users"][0]["document"]["last_name"] == "Married"
    assert [row["outcome"] for row in user["history"]] == ["created", "updated"]
    assert {row["value_key"] for row in user["identifiers"]} == {"s2", "card2", "net2"}
    assert user["row_ledger"]
    assert [row["changes"]["last_name"] for row in user["plan_rows"]] == [["Lastname2", "Married"]]
    assert found_rows(held) == {"runs/first": [3], "runs/second": [3]}
    row = held["runs"][1]["extracts"][0]["rows"][0]
    assert row["values"] == person(2, LAST="Married")
    assert (row["outcome"], row["changes"]["last_name"][1]) == ("updated", "Married")
    assert row["user"]["last_name"] == "Married"
    text = json.dumps(held, default=str)
    for other in (1, 3):
        assert not [value for value in person(other).values() if value != "UG" and value in text]


def test_identifiers_of_old_are_looked_for_too(house: House) -> None:
    house.run("first", [person(1)])
    house.run("second", [person(1, CARD="Lost"), person(2)])
    house.plan("third", {"people.csv": csv_text([person(7, CARD="Card1")])})  # the card they had before
    held = export(house, "s1")
    assert {"card1", "lost"} <= set(held["identifiers"])
    assert set(found_rows(held)) == {"runs/first", "runs/second", "runs/third"}


def test_a_person_who_was_rejected_is_in_no_store_and_still_held(house: House) -> None:
    house.run("run", [person(1), person(2, BORN="never")])
    held = export(house, "S2")
    assert held["users"] == []
    [row] = held["runs"][0]["extracts"][0]["rows"]
    assert (row["row"], row["outcome"], row["code"]) == (3, "rejected", "bad_value")
    assert "never" in row["findings"][0]
    assert [(plan["row"], plan["code"]) for plan in held["plans"]] == [(3, "bad_value")]


def test_a_person_who_was_deleted_is_found_by_the_history(house: House) -> None:
    house.run("run", [person(1), person(2)])
    one.edit(house.engine, "s2", {"purge_date": "2026-01-01"}, Act("test", house.now()))
    from matchpoint.accounts.selection import Selection

    how: dict[str, Any] = {"as_of": house.now().date(), "days_after": 0, "selection": Selection(), "dry_run": False}
    purge(house.engine, Act("users_purge", house.now()), **how, forget=False)
    held = export(house, "card2")
    [user] = held["users"]
    assert "users" not in user
    assert user["history"][-1]["before"]["last_name"] == "Lastname2"
    assert found_rows(held) == {"runs/run": [3]}


def test_passwords_are_given_to_nobody(house: House) -> None:
    house.run("run", [person(1)])
    act = Act("users_convert", house.now())
    from matchpoint.accounts.many import convert_all
    from matchpoint.accounts.selection import Selection

    done = convert_all(
        house.engine, Selection(identifiers=("s1",)), "INTERNAL", act, with_passwords=True, dry_run=False
    )
    [(who, secret)] = done.passwords.items()
    house.folder("convert").path("one_time_passwords.csv").write_text(f"{who},{secret}\n")
    house.folder("convert").path("rejections", "left_as_they_were.csv").write_text(
        "primary_id,reason\ns1,kept\ns10,x\n"
    )
    held = export(house, "s1")
    text = json.dumps(held, default=str)
    assert secret not in text
    [kept] = house.rows("passwords")
    assert kept["hash"] not in text
    assert held["users"][0]["passwords"][0]["must_change"] is True
    [run] = [run for run in held["runs"] if run["run"] == "runs/convert"]
    assert run["lists"] == [
        {"file": "left_as_they_were.csv", "line": ["s1", "kept"]},
        {"file": "one_time_passwords.csv", "line": ["s1", "(a password)"]},
    ]


def test_alma_xml_is_looked_through(house: House) -> None:
    house = house.with_profile(make_profile(XML_PEOPLE))
    house.run("run", {"users.xml": xml_text(xml_user(1), xml_user(2))})
    held = export(house, "card2")
    [row] = held["runs"][0]["extracts"][0]["rows"]
    assert (row["row"], row["values"]["last_name"]) == (2, "Lastname2")


def test_side_files_and_json_are_looked_through(house: House) -> None:
    joins = {"cards": {"file": "cards_*.csv", "format": {"type": "csv"}, "key": "PERSON", "person_key": "ID"}}
    profile = make_profile(joins=joins, mapping={"identifiers": [{"id_type": "BARCODE", "value": "cards.NUMBER"}]})
    house = house.with_profile(profile)
    cards = "PERSON,NUMBER,PIN\nS1,A1,11\nS2,A2,22\n"
    house.run("run", {"people_1.csv": csv_text([person(1), person(2)]), "cards_1.csv": cards})
    held = export(house, "a2")
    files = {file["file"]: [row["values"] for row in file["rows"]] for file in held["runs"][0]["extracts"]}
    assert files["cards_1.csv"] == [{"PERSON": "S2", "NUMBER": "A2", "PIN": "22"}]
    assert [row["ID"] for row in files["people_1.csv"]] == ["S2"]


def test_what_cannot_be_looked_through_is_told(house: House) -> None:
    house.run("run", [person(1)])
    held = export(house, "s1", others=house.profile)
    assert held["runs"][0]["not_looked_at"] == ["people.csv: its profile is not there any more"]


def test_nobody_is_nobody(house: House) -> None:
    house.run("run", [person(1)])
    held = export(house, "s9")
    assert (held["users"], held["runs"], held["plans"]) == ([], [], [])


def test_the_zip_is_its_owner_s_and_overwrites_nothing(house: House, tmp_path: Path) -> None:
    house.run("run", [person(1)])
    target = tmp_path / "person.zip"
    write_export(export(house, "s1"), target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with zipfile.ZipFile(target) as archive:
        assert json.loads(archive.read("person.json"))["users"][0]["users"][0]["primary_id"] == "s1"
        assert "names_in_logs" in archive.read("about.txt").decode()
    with pytest.raises(FileExistsError):
        write_export(export(house, "s1"), target)


# --- pseudonyms -----------------------------------------------------------------------------------


def test_a_pseudonym_is_the_same_for_one_person_and_store_only(house: House) -> None:
    salt = salt_of(house.engine)
    assert salt == salt_of(house.engine)
    assert pseudonym("S1", salt) == pseudonym("s1", salt)
    assert pseudonym("s1", salt) != pseudonym("s2", salt)
    assert pseudonym("s1", salt) != pseudonym("s1", "00" * 32)
    house.run("run", [person(1)])
    assert pseudonym("s1", salt) in export(house, "card1")["names_in_logs"]
