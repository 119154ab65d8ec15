"""Why does this person look like that: every sentence of the account, on both databases."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from helpers import PEOPLE, START, House, csv_text, person
from test_undo import undo

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.fields import NOTES
from matchpoint.profile import Profile
from matchpoint.why import Why, why
from matchpoint.why.__main__ import main
from matchpoint.why.tell import tell

JO = Act("jo", START)
FILLER = [person(n) for n in range(50, 60)]


def ask(house: House, identifier: str, profiles: list[Profile] | None = None, last: int = 5) -> Why:
    return why(house.engine, profiles or [house.profile], house.root / "runs", identifier, last=last)


def seen(account: Why) -> list[tuple[str, int, str]]:
    return [(one.run_id, one.row, one.outcome) for one in account.rows]


# --- rows -----------------------------------------------------------------------------------------


def test_rows_seen_are_told_run_by_run_with_outcome_and_reason(house: House) -> None:
    house.run("1", [*FILLER, person(1)])
    house.run("2", [person(1), *FILLER])
    house.run("3", [person(1, LAST="Changed"), *FILLER])
    house.run("4", [*FILLER, person(1, BORN="never")])
    house.run("5", [person(2, NET="CARD1"), *FILLER])
    account = ask(house, "card1")
    assert seen(account) == [
        ("5", 2, "rejected"),
        ("4", 12, "rejected"),
        ("3", 2, "updated"),
        ("2", 2, "unchanged"),
        ("1", 12, "created"),
    ]
    assert account.rows[1].why == [
        "birth_date: The value cannot be converted: found 'never'; expected a date in the form %Y-%m-%d"
    ]
    assert account.rows[0].why[0].startswith("user_identifier: Identifier is already taken AcrossInstitution: ")
    assert {one.extract for one in account.rows} == {"people.csv"}
    assert seen(ask(house, "S1", last=2)) == seen(account)[:2]


def test_a_known_row_that_was_not_even_read_is_told(house: House) -> None:
    rows = [person(1), *FILLER]
    house.run("1", rows)
    house.run("2", rows)
    house.run("3", rows)
    assert (house.folder("3").root / "known" / "000.parquet").exists()
    assert seen(ask(house, "net1")) == [("3", 2, "unchanged"), ("2", 2, "unchanged"), ("1", 2, "created")]
    assert ask(house, "net1").fired, "and its rules, too"


def test_a_person_who_never_got_in_is_told_why(house: House) -> None:
    house.run("1", [person(1, BORN="never", GROUP="??"), person(2)])
    account = ask(house, "S1")
    assert account.user is None
    assert seen(account) == [("1", 2, "rejected")]
    assert len(account.rows[0].why) == 2
    assert "no user has this identifier" in tell(account)
    assert ask(house, "s3").rows == []


def test_where_the_run_folder_is_gone_the_store_still_tells(house: House) -> None:
    house.run("1", [person(1)])
    house.run("2", [person(1, LAST="Changed"), person(2, NET="net1")])
    shutil.rmtree(house.root / "runs")
    account = ask(house, "s1")
    assert seen(account) == [("2", 2, "updated"), ("2", 3, "rejected"), ("1", 2, "created")]
    assert len(account.notes) == 2
    assert "the run folder is gone" in account.notes[0]


# --- keys and rules -------------------------------------------------------------------------------


def test_keys_are_told_in_order_with_what_each_hits(house: House) -> None:
    house.run("1", [person(1), person(2), *FILLER])
    house.run("2", [person(1, CARD="card2"), *FILLER])
    account = ask(house, "s1")
    assert account.rows[0].outcome == "conflict"
    assert "two different users" in account.rows[0].why[0]
    assert [(one.match_point, one.value, one.hit) for one in account.tried] == [
        ("primary_id", "s1", "this person"),
        ("BARCODE", "card2", "s2"),
    ]
    house.run("3", [person(1, CARD=""), *FILLER])
    house.run("4", [person(9, ID="S9", CARD="net1", NET="x"), person(1, CARD="fresh")])
    assert [one.hit for one in ask(house, "s1").tried] == ["nobody", "no match: this person holds it as INST_ID"]
    house.run("5", [person(1, CARD="")])
    assert ask(house, "s1").tried[1].hit == "the row has no value"


def test_rules_fired_say_source_found_converters_and_value(house: House) -> None:
    house.run("1", [person(1, ID=" S1 "), *FILLER])
    fired = {one.place: one for one in ask(house, "s1").fired}
    told = fired["primary_id"]
    assert (told.source, told.converters, told.value) == ("ID", ["trim", "lower"], "s1")
    told = fired["user_group"]
    assert (told.source, told.found, told.converters, told.value) == (
        "GROUP",
        "UG",
        ["crosswalk groups"],
        "UNDERGRAD",
    )
    assert fired["birth_date"].converters == ["date"]
    assert fired["emails[0].email_address"].value == "mail1@example.edu"
    profile = yaml.safe_load(PEOPLE)
    profile["mapping"]["job_description"] = {
        "from": ["MISSING", {"template": "{FIRST} of {GROUP}"}, {"constant": "x"}]
    }
    rows = [{**person(1), "MISSING": ""}]
    house = house.with_profile(Profile.model_validate(profile))
    house.run("2", {"people.csv": csv_text(rows, [*person(1), "MISSING"])})
    told = next(one for one in ask(house, "s1").fired if one.place == "job_description")
    assert (told.source, told.value) == ("{FIRST} of {GROUP}", "Firstname1 of UG")


# --- origins, protections, changes, plans ---------------------------------------------------------


def test_every_field_has_its_origin(house: House) -> None:
    house.run("1", [person(1), *FILLER])
    house.run("2", [*FILLER, person(1, LAST="Changed")])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}, "job_description": "Dean"}, JO)
    note = {"note_type": {"value": "OTHER"}, "note_text": "Hello"}
    one.add_segment(house.engine, "s1", NOTES, note, JO)
    account = ask(house, "s1")
    told = {one.field: one.origin for one in account.origins if one.field != "user_note"}
    assert told["first_name"].startswith("SIS row 2 of run 1 (synchronize, 2026-09-01 ")
    assert told["last_name"].startswith("SIS row 12 of run 2 (synchronize, ")
    assert told["job_description"].startswith("edit by jo (")
    assert told["user_group"].startswith("edited by hand and protected from the SIS; edit by jo (")
    assert told["external_id"].startswith("profile people; SIS row 2")
    assert told["email"].startswith("external segment; SIS row 2")
    notes = {one.value["note_text"]: one.origin.split(";")[0] for one in account.origins if one.field == "user_note"}
    assert notes == {"Hello": "internal segment, the library's own", "Notetext1": "external segment"}
    assert {name for name in house.users()["s1"]["document"] if name not in {"contact_info", "user_identifier"}} <= {
        one.field for one in account.origins
    }
    assert account.protections == {"user_group": {"value": "UNDERGRAD"}}


def test_last_changes_have_actor_rule_run_before_and_after(house: House) -> None:
    house.run("1", [person(1)])
    house.run("2", [person(1, LAST="Changed")])
    one.edit(house.engine, "s1", {"job_description": "Dean"}, JO)
    undo(house, "2")
    changes = ask(house, "s1").changes
    assert [(one.version, one.outcome, one.actor, one.rule, one.run_id, one.row) for one in changes] == [
        (4, "updated", "undoer", "undo", "undo", None),
        (3, "updated", "jo", "edit", None, None),
        (2, "updated", "synchronize people", "synchronize", "2", 2),
        (1, "created", "synchronize people", "synchronize", "1", 2),
    ]
    assert changes[0].fields == {"last_name": ["Changed", "Lastname1"]}
    for number in range(12):
        one.edit(house.engine, "s1", {"job_description": f"Dean {number}"}, JO)
    assert [one.version for one in ask(house, "s1").changes] == list(range(16, 6, -1))


def test_the_next_planned_change_is_that_of_the_newest_plan_not_applied(house: House) -> None:
    house.run("1", [person(1), *FILLER])
    assert ask(house, "s1").planned is None
    house.plan("2", {"people.csv": csv_text([person(1, LAST="Planned"), *FILLER])})
    account = ask(house, "s1")
    assert account.planned is not None
    assert (account.planned.run_id, account.planned.fields) == ("2", {"last_name": ["Lastname1", "Planned"]})
    assert not account.rows[0].applied
    house.apply("2")
    assert ask(house, "s1").planned is None


def test_a_deleted_person_is_told_of(house: House) -> None:
    house.run("1", [person(1)])
    one.delete(house.engine, "s1", JO)
    account = ask(house, "S1")
    assert (account.deleted, account.user["last_name"], account.changes[0].outcome) == (True, "Lastname1", "deleted")
    assert "version 2, deleted" in tell(account)


# --- the command ----------------------------------------------------------------------------------


def test_the_command_tells_it_all_in_plain_text_or_json(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.run("1", [person(1), *FILLER])
    one.edit(house.engine, "s1", {"user_group": {"value": "STAFF"}}, JO)
    house.plan("2", {"people.csv": csv_text([person(1, LAST="Pl\u202eanned"), *FILLER])})
    profiles = house.root / "profiles"
    profiles.mkdir()
    (profiles / "people.yaml").write_text(PEOPLE)
    url = house.engine.url.render_as_string(hide_password=False)
    arguments = ["--store", url, "--runs", str(house.root / "runs"), "--profiles", str(profiles)]
    assert main(["card1", *arguments]) == 0
    text = capsys.readouterr().out
    for line in (
        "Why card1: s1 (EXTERNAL, profile people), version 2",
        "people.csv, row 2: created (1, 2026-09-01T05:01:00)",
        "primary_id 's1': this person",
        "user_group = 'UNDERGRAD': GROUP 'UG' through crosswalk groups",
        'user_group: {"value":"UNDERGRAD"}',
        '    user_group: {"value":"UNDERGRAD"} -> {"value":"STAFF"}',
        "    last_name: Lastname1 -> Pl\ufffdanned",
    ):
        assert line in text.splitlines()
    assert main(["card1", "--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["user"]["primary_id"] == "s1"
    assert main(["unknown", *arguments]) == 1


def test_where_there_is_no_store_the_commands_say_so_and_make_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from matchpoint.replay.__main__ import main as replay

    place, empty = tmp_path / "none.sqlite", tmp_path / "empty.sqlite"
    empty.touch()
    for command, first in ((main, "s1"), (replay, "students")):
        for path, said in ((place, "found no file"), (empty, "found no table of users")):
            assert command([first, "--store", f"sqlite:///{path}", "--runs", str(tmp_path)]) == 1
            assert said in capsys.readouterr().err
    assert not place.exists()
