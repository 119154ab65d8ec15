"""Replay: what an edited profile would change, on the extracts that are kept; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import COLUMNS, PEOPLE, House, csv_text, make_profile, open_house, person, xml_text, xml_user
from helpers import XML_PEOPLE as XML

from matchpoint.alma.code_tables import CodeTables
from matchpoint.profile import Profile, load_profiles
from matchpoint.replay import Replay, replay
from matchpoint.replay.__main__ import main
from matchpoint.replay.tell import tell
from matchpoint.transform import transform_extract

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


def edited(**changes: Any) -> Profile:
    """Make the profile of ``PEOPLE`` with other rules in its mapping; None takes one away."""
    values = yaml.safe_load(PEOPLE)
    crosswalks = changes.pop("crosswalks", {})
    values["mapping"] = {name: rule for name, rule in (values["mapping"] | changes).items() if rule is not None}
    values["crosswalks"] |= crosswalks
    return Profile.model_validate(values)


def again(house: House, profile: Profile, *run_ids: str) -> Replay:
    before = house.everything(), files(house)
    found = replay(profile, [house.folder(one) for one in run_ids], CodeTables())
    assert (house.everything(), files(house)) == before, "a replay writes nothing"
    return found


def files(house: House) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in (house.root / "runs").rglob("*") if path.is_file()}


def test_the_same_profile_changes_nobody(house: House) -> None:
    house.run("1", [person(n) for n in range(30)])
    found = again(house, house.profile, "1")
    [one] = found.extracts
    assert (found.users, found.fields, one.compared, one.changed, one.lost, one.won) == (0, {}, 30, 0, 0, 0)
    assert (found.never_read, found.never_filled, found.unmapped) == ([], [], {})


def test_fields_are_counted_by_users_over_all_extracts_known_rows_included(house: House) -> None:
    rows = [person(n) for n in range(1, 31)]
    house.run("1", rows)
    house.run("2", [*rows[:29], person(30, LAST="Changed"), person(31)])
    assert json.loads((house.folder("2").root / "users" / "000.json").read_text())["known"] == 29
    profile = edited(
        job_description={"from": ["GROUP"]}, first_name=None, last_name={"from": "LAST", "convert": ["name"]}
    )
    found = again(house, profile, "2", "1")
    assert found.users == 31
    assert found.fields == {"job_description": 31, "first_name": 31}
    assert [(one.compared, one.changed, one.fields.counts()["first_name"]) for one in found.extracts] == [
        (31, 31, 31), (30, 30, 30),
    ]  # fmt: skip
    assert found.extracts[0].fields.examples["first_name"] == [2, 3, 4, 5, 6]
    assert found.never_read == ["FIRST"]
    some = edited(user_group={"from": [{"constant": "STAFF"}]}, emails=[])
    assert again(house, some, "1").fields == {"user_group": 30, "email": 30}


def test_rows_that_would_be_rejected_or_go_through_now_are_told_with_reasons(house: House) -> None:
    house.run("1", [person(1), person(2, BORN=""), person(3, BORN="never"), person(4, GROUP="NEW"), person(5)])
    profile = edited(
        birth_date={"from": "BORN", "convert": [{"date": "%Y-%m-%d"}], "required": True, "bad": "drop"},
        crosswalks={"groups": {"UG": "UNDERGRAD", "NEW": "NEW"}},
    )
    [one] = again(house, profile, "1").extracts
    assert (one.compared, one.changed, one.lost, one.won) == (2, 0, 1, 1)
    assert one.reasons == {("birth_date", "mandatory"): 1}


def test_codes_in_no_crosswalk_are_counted_also_those_that_get_the_default_or_are_dropped(house: House) -> None:
    groups = ["UG", "XX", "XX", "YY", "", "GR"]
    house.run("1", [person(n, GROUP=group) for n, group in enumerate(groups)])
    assert again(house, house.profile, "1").unmapped == {"groups": {"XX": 2, "YY": 1}}
    found = again(house, edited(crosswalks={"groups": {"UG": "A", "GR": "B", "*": "OTHER"}}), "1")
    assert (found.unmapped, found.with_default) == ({"groups": {"XX": 2, "YY": 1}}, {"groups"})
    assert "groups: 2 codes, they get its default" in tell(found)
    dropping = {"from": "GROUP", "convert": ["lower", {"crosswalk": "groups"}], "bad": "drop"}
    assert again(house, edited(user_group=dropping), "1").unmapped == {"groups": {"ug": 1, "xx": 2, "yy": 1, "gr": 1}}


def test_places_that_no_row_fills_and_columns_that_are_not_read(house: House) -> None:
    rows = [{**person(n, NOTE="", NET=""), "MORE": "x"} for n in range(3)]
    house.run("1", {"people.csv": csv_text(rows, [*COLUMNS, "MORE"])})
    found = again(house, house.profile, "1")
    assert found.never_read == ["MORE"]
    assert found.never_filled == ["identifiers[1].value", "notes[0].note_text"]


def test_another_column_or_delimiter_is_no_other_row(house: House) -> None:
    """What is compared is rows by number, however each profile cuts the file into pieces."""
    house.run("1", [person(n) for n in range(12_000)], "import")
    found = again(house, edited(last_name={"from": "FIRST"}), "1")
    assert (found.extracts[0].compared, found.fields) == (12_000, {"last_name": 12_000})
    broken = again(house, edited(last_name={"from": "SURNAME"}), "1")
    assert "SURNAME" in broken.extracts[0].error
    assert "cannot be read now" in tell(broken)


def test_a_run_that_kept_no_profile_is_compared_as_far_as_it_goes(house: House) -> None:
    rows = [person(n) for n in range(10)]
    house.run("1", rows)
    house.run("2", [*rows[:9], person(9, LAST="Changed")])
    (house.folder("2").root / "users" / "000.profile.json").unlink()
    found = again(house, edited(first_name=None), "2")
    [one] = found.extracts
    assert (one.compared, one.changed, one.not_compared, one.won) == (1, 1, 9, 0)
    assert "9 rows not compared" in tell(found)


def test_alma_xml_and_joined_files_are_replayed_too(house: House) -> None:
    xml = house.with_profile(make_profile(XML))
    xml.run("1", {"users.xml": xml_text(xml_user(1), xml_user(2))})
    other = make_profile(XML, record_type="STAFF")
    assert again(house, other, "1").fields == {"record_type": 2}
    join = {"cards": {"file": "cards.csv", "format": {"type": "csv"}, "key": "ID", "person_key": "ID"}}
    joined = make_profile(joins=join, mapping={"identifiers": [{"id_type": "BARCODE", "value": "cards.CARD"}]})
    files = {
        "people.csv": csv_text([person(3), person(4)]),
        "cards.csv": csv_text([{"ID": "S3", "CARD": "c3"}, {"ID": "S4", "CARD": "c4"}], ["ID", "CARD"]),
    }
    house.with_profile(joined).run("2", files)
    without = make_profile(joins=join, mapping={"identifiers": [{"id_type": "OTHER", "value": "cards.CARD"}]},
                           actions={"synchronize": {"path": "in", "match_points": ["primary_id"]}})  # fmt: skip
    found = again(house, without, "2")
    assert found.fields == {"user_identifier": 2}
    assert found.never_read == ["CARD", "NET"]


def test_every_profile_is_kept_as_it_was(house: House, tmp_path: Path) -> None:
    folders = [REPOSITORY / "include" / "profiles", REPOSITORY / "include" / "profiles" / "examples"]
    profiles = [one for folder in folders for one in load_profiles(folder).good]
    assert len(profiles) > 3
    for profile in [*profiles, house.profile]:
        folder = house.fetch(f"kept-{profile.code}", {"people.csv": csv_text([person(1)])})
        [extract] = folder.extracts
        if profile is house.profile:
            transform_extract(folder, extract, profile, house.now().date())
            text = (folder.root / "users" / "000.profile.json").read_text()
        else:
            text = json.dumps(profile.model_dump(mode="json", by_alias=True, exclude_unset=True))
        assert Profile.model_validate_json(text) == profile


def test_the_command_replays_the_last_runs_that_are_kept(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 5):
        house.run(f"dag/{number}", [person(n) for n in range(number)])
    house.folder("dag/4").root.joinpath("extracts").rename(house.root / "gone")
    (house.root / "profiles").mkdir()
    values = yaml.safe_load(PEOPLE)
    del values["mapping"]["first_name"]
    (house.root / "profiles" / "people.yaml").write_text(yaml.safe_dump(values))
    url = house.engine.url.render_as_string(hide_password=False)
    arguments = ["--store", url, "--runs", str(house.root / "runs"), "--profiles", str(house.root / "profiles")]
    assert main(["people", "--last", "2", *arguments]) == 0
    text = capsys.readouterr().out
    assert "Replay of people: 3 users would change" in text
    assert "first_name: 3 users" in text
    assert "dag/3, people.csv" in text and "dag/2, people.csv" in text
    assert "dag/1" not in text and "dag/4" not in text
    assert "Firstname" not in text and "Lastname" not in text
    assert main(["people", "--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["fields"] == {"first_name": 3}
    assert main(["nobody", *arguments]) == 1
    assert main(["people", *arguments[:2], "--runs", str(house.root / "none"), *arguments[4:]]) == 1
