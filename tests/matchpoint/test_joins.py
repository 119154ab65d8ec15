"""Several files joined by key: people from one file, what others say of them, and what if they say nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from helpers import House, csv_text, make_profile, open_house, reasons, rendered, total, zip_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory import PRINT_PEAK
from pydantic import ValidationError

from matchpoint.errors import ExtractError
from matchpoint.fetch import RemoteFile, choose, keep
from matchpoint.findings import Finding
from matchpoint.joined import read_joined
from matchpoint.profile import Profile
from matchpoint.read.side_index import SideIndex
from matchpoint.run_folder import Extract, RunFolder
from matchpoint.sides import fits, group_of, in_use, role_of

PROFILE = """
code: people
name: People
sis_type: Banner
connection: sis
format: {type: csv}
joins:
  cards:
    file: cards*.csv
    format: {type: csv, delimiter: ";"}
    key: PERSON
    person_key: ID
mapping:
  primary_id: {from: ID, required: true}
  last_name: {from: LAST, required: true}
  identifiers:
    - {id_type: BARCODE, value: cards.BARCODE}
  notes:
    - {note_type: OTHER, note_text: {template: "Card of {cards.ISSUED}"}, user_viewable: false, popup_note: false}
actions:
  import: {path: in, pattern: "people*"}
  synchronize: {path: in, pattern: "people*", match_points: [primary_id, BARCODE]}
"""
PEOPLE = csv_text([{"ID": "s1", "LAST": "Ito"}, {"ID": "s2", "LAST": "Diaz"}], ["ID", "LAST"])
CARDS = "PERSON;BARCODE;ISSUED\ns1;C1;May\ns2;C2;June\n"


def profile(changes: dict[str, Any] | None = None, **whole: Any) -> Profile:
    """Make the profile with other options of its join, or other keys as a whole."""
    values = yaml.safe_load(PROFILE)
    values["joins"]["cards"].update(changes or {})
    return make_profile(yaml.safe_dump({**values, **whole}))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, profile()) as one:
        yield one


def joined(folder: RunFolder, person: Extract, how: Profile) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a person file with its side files; it is small."""
    with (folder.root / person.path).open("rb") as file:
        [(frame, findings)] = read_joined(folder, file, person, how, how.format)
    return frame, findings


def barcodes(house: House) -> dict[str, list[str]]:
    """Give the barcodes of all users."""
    return {
        primary_id: [one["value"] for one in row["document"].get("user_identifier", [])]
        for primary_id, row in house.users().items()
    }


def told(house: House, run_id: str) -> dict[int, tuple[str, str]]:
    """Give code and field of the rejected rows of the person file."""
    return {row.row: (row.code or "", row.field or "") for row in house.planned(run_id) if row.outcome == "rejected"}


# --- what is joined -------------------------------------------------------------------------------


def test_each_person_gets_the_columns_of_the_own_side_row(house: House) -> None:
    receipt = house.run("run", {"people.csv": PEOPLE, "cards.csv": CARDS})
    assert receipt.total == total(created=2)
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C2"]}
    assert house.users()["s2"]["document"]["user_note"][0]["note_text"] == "Card of June"


def test_a_side_file_is_in_the_manifest_and_in_the_receipt_as_read_and_no_users_come_of_it(house: House) -> None:
    receipt = house.run("run", {"cards.csv": CARDS, "people.csv": PEOPLE})
    assert [(one.name, one.join) for one in house.folder("run").extracts] == [
        ("cards.csv", "cards"),
        ("people.csv", ""),
    ]
    side, people = receipt.files
    assert (side.joined_as, side.rows_read, side.counts["processed"]) == ("cards", 2, 0)
    assert (people.joined_as, people.rows_read, people.counts["processed"]) == (None, None, 2)
    assert "cards.csv, 2 rows joined as cards" in rendered(receipt)
    assert "2 rows of 1 file: 2 created" in rendered(receipt)
    noted = {row["name"] for row in house.rows("file_ledger")}
    assert noted == {"/in/cards.csv", "/in/people.csv"}


def test_a_changed_side_row_updates_its_person_and_the_same_again_nobody(house: House) -> None:
    house.run("one", {"people.csv": PEOPLE, "cards.csv": CARDS})
    changed = CARDS.replace("C2", "C9")
    assert house.run("two", {"people.csv": PEOPLE, "cards.csv": changed}).total == total(updated=1, unchanged=1)
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C9"]}
    assert house.run("three", {"people.csv": PEOPLE, "cards.csv": changed}).total == total(unchanged=2)


@pytest.mark.parametrize(
    ("several", "expected"),
    [("first", ["C1"]), ("last", ["C3"]), ("numbered", ["C1", "C2", "C3"])],
)
def test_what_several_rows_of_one_key_mean(house: House, several: str, expected: list[str]) -> None:
    values = yaml.safe_load(PROFILE)
    names = ["cards.BARCODE", "cards[1].BARCODE", "cards[2].BARCODE"] if several == "numbered" else ["cards.BARCODE"]
    values["mapping"]["identifiers"] = [{"id_type": "BARCODE", "value": name} for name in names]
    house = house.with_profile(profile({"several": several}, mapping=values["mapping"]))
    cards = "PERSON;BARCODE;ISSUED\ns1;C1;May\ns2;D1;June\ns1;C2;May\ns1;C3;May\n"
    assert house.run("run", {"people.csv": PEOPLE, "cards.csv": cards}).total == total(created=2)
    assert barcodes(house) == {"s1": expected, "s2": ["D1"]}


def test_unless_the_profile_says_so_several_rows_are_no_guess_and_repeated_ones_are_one(house: House) -> None:
    cards = f"{CARDS}s1;C1;May\ns2;C3;June\n"
    receipt = house.run("run", {"people.csv": PEOPLE, "cards.csv": cards})
    assert receipt.total == total(created=1, rejected=1)
    assert reasons(receipt) == {("rejected", "several_side_rows", "joins.cards"): 1}
    assert barcodes(house) == {"s1": ["C1"]}


@pytest.mark.parametrize(
    ("missing", "outcome"), [("empty", {"created": 2}), ("reject", {"created": 1, "rejected": 1})]
)
def test_what_a_missing_side_row_means(house: House, missing: str, outcome: dict[str, int]) -> None:
    house = house.with_profile(profile({"missing": missing}))
    receipt = house.run("run", {"people.csv": PEOPLE, "cards.csv": "PERSON;BARCODE;ISSUED\ns1;C1;May\n;C7;May\n"})
    assert receipt.total == total(**outcome)
    assert barcodes(house)["s1"] == ["C1"]
    if missing == "reject":
        assert told(house, "run") == {3: ("no_side_row", "joins.cards")}


def test_only_side_rows_that_the_profile_asks_for_count(house: House) -> None:
    house = house.with_profile(profile({"where": {"STATE": ["active", "new"]}}))
    cards = "PERSON;BARCODE;ISSUED;STATE\ns1;C0;May;lost\ns1;C1;May;active\ns2;C2;June; new\n"
    assert house.run("run", {"people.csv": PEOPLE, "cards.csv": cards}).total == total(created=2)
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C2"]}


def test_a_join_may_follow_another_and_a_person_may_have_several_keys(house: House) -> None:
    values = yaml.safe_load(PROFILE)
    values["joins"]["cards"] |= {"divided_by": ",", "person_key": "CARDS", "key": "NUMBER", "several": "numbered"}
    values["joins"]["makers"] = {
        "file": "makers.jsonl",
        "format": {"type": "json", "lines": True},
        "key": "id.number",
        "person_key": "cards[1].MAKER",
    }
    values["mapping"]["identifiers"] = [{"id_type": "BARCODE", "value": "cards.BARCODE"}]
    values["mapping"]["notes"][0]["note_text"] = "makers.name[0].text"
    house = house.with_profile(make_profile(yaml.safe_dump(values)))
    files = {
        "people.csv": 'ID,LAST,CARDS\ns1,Ito,"2, 1"\ns2,Diaz,\n',
        "cards.csv": "NUMBER;BARCODE;MAKER\n1;C1;m1\n2;C2;m2\n",
        "makers.jsonl": json.dumps({"id": {"number": "m1"}, "name": [{"text": "Acme"}]}),
    }
    assert house.run("run", files).total == total(created=2)
    assert barcodes(house) == {"s1": ["C2"], "s2": []}
    assert house.users()["s1"]["document"]["user_note"][0]["note_text"] == "Acme"


# --- which files belong together ------------------------------------------------------------------


def test_a_zip_brings_people_and_side_file_and_what_nobody_asks_for_is_passed_over(house: House) -> None:
    house = house.with_profile(profile(members=["people.csv"]))
    content = zip_of({"manifest.csv": "version,1", "people.csv": PEOPLE, "cards.csv": CARDS, "classes.csv": ""})
    receipt = house.run("run", {"all.zip": content})
    assert [one.member for one in receipt.files] == ["people.csv", "cards.csv"]
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C2"]}


def test_each_zip_is_joined_with_its_own_side_file(house: House) -> None:
    one = zip_of({"people.csv": "ID,LAST\ns1,Ito\n", "cards.csv": "PERSON;BARCODE;ISSUED\ns1;A1;May\ns2;A2;May\n"})
    two = zip_of({"people.csv": "ID,LAST\ns2,Diaz\n", "cards.csv": "PERSON;BARCODE;ISSUED\ns1;B1;May\ns2;B2;May\n"})
    house.run("run", {"people_1.zip": one, "people_2.zip": two})
    assert barcodes(house) == {"s1": ["A1"], "s2": ["B2"]}


def test_a_zip_with_nothing_that_is_asked_for_is_refused(house: House) -> None:
    house = house.with_profile(profile(members=["people.csv"]))
    with pytest.raises(ExtractError, match=r"expected a file that fits people\.csv, cards\*\.csv"):
        house.fetch("run", {"all.zip": zip_of({"manifest.csv": "version,1"})})


@pytest.mark.parametrize(
    ("name", "member", "role"),
    [
        ("people_1.csv", None, ""),
        ("cards_1.csv", None, "cards"),
        ("cards_1.rejected.csv", None, "cards"),
        ("all.zip", "in/cards_1.csv", "cards"),
        ("all.zip", "people.rejected.csv", ""),
        ("all.zip", "other.csv", None),
        ("cards_1.csv.zip", "whatever.txt", None),
    ],
)
def test_what_a_file_is(name: str, member: str | None, role: str | None) -> None:
    assert role_of(profile(members=["people.csv"]), name, member) == role


def test_every_file_of_a_zip_that_is_named_like_a_side_file_is_one() -> None:
    assert role_of(profile({"file": "cards*"}), "cards_1.zip", "whatever.txt") == "cards"
    assert fits("a*.csv", "x/abc.csv")
    assert not fits("a*.csv", "x/bc.csv")


def keep_all(house: House, files: dict[str, str], pattern: str) -> list[str]:
    """Give which of some files a run needs, in the order of its manifest."""
    folder, made = house.folder("some"), []
    for name, content in files.items():
        copy = folder.path("fetched", "copy")
        copy.write_text(content)
        made += keep(folder, copy, name, 1, len(made), profile=house.profile, pattern=pattern)
    return [one.name for one in in_use(made, house.profile)]


def extracts_of(house: House, *names: str) -> list[str]:
    return keep_all(house, dict.fromkeys(names, "A\n1\n"), "people_*.csv")


def test_files_of_one_day_go_together_by_their_names(house: House) -> None:
    assert group_of(house.profile, "people_1.csv", "people_*.csv") == "1"
    assert group_of(house.profile, "cards-1.csv", "people_*.csv") == "1"
    assert group_of(house.profile, "people_1.csv", "people*") == "1"
    assert group_of(house.profile, "people.csv", "people.csv") == "people.csv"
    assert extracts_of(house, "cards_1.csv", "cards_2.csv", "people_1.csv") == ["cards_1.csv", "people_1.csv"]
    assert extracts_of(house, "cards.csv", "cards_1.csv", "people_1.csv") == ["cards_1.csv", "people_1.csv"]


def test_a_side_file_of_no_day_is_for_all_that_have_none(house: House) -> None:
    assert extracts_of(house, "cards.csv", "people_1.csv", "people_2.csv") == [
        "cards.csv",
        "people_1.csv",
        "people_2.csv",
    ]


def test_side_files_are_listed_with_the_people_whatever_only_file_says() -> None:
    action = profile().action("synchronize")
    assert action is not None
    files = [
        RemoteFile(name, 1, 1) for name in ("people_1.csv", "people_2.csv", "cards_1.csv", "x.csv", "cards.csv.part")
    ]
    sides = ["cards*.csv"]
    assert [one.name for one in choose(files, files, action, None, sides).take] == [
        "cards_1.csv",
        "people_1.csv",
        "people_2.csv",
    ]
    assert [one.name for one in choose(files, files, action, "people_2.csv", sides).take] == [
        "cards_1.csv",
        "people_2.csv",
    ]


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_run_whose_side_file_is_missing_fails_before_anything_is_written(house: House) -> None:
    before = house.everything()
    with pytest.raises(
        ExtractError,
        match=r"people\.csv: found no file that fits 'cards\*\.csv' to go with it, for joins\.cards; expected",
    ):
        house.run("run", {"people.csv": PEOPLE})
    assert house.everything() == before


def test_a_side_file_that_is_not_required_may_be_missing(house: House) -> None:
    house = house.with_profile(profile({"required": False}))
    assert house.run("run", {"people.csv": PEOPLE}).total == total(created=2)
    assert barcodes(house) == {"s1": [], "s2": []}


def test_a_side_file_lost_from_the_manifest_is_missed_by_transform_too(house: House) -> None:
    folder = house.fetch("run", {"people.csv": PEOPLE, "cards.csv": CARDS})
    [people] = [one for one in folder.extracts if not one.join]
    folder.write_manifest([people])
    with pytest.raises(ExtractError, match=r"joins\.cards"):
        joined(folder, people, house.profile)


def test_the_side_file_of_another_day_is_no_help(house: House) -> None:
    files = {"people_1.csv": PEOPLE, "people_2.csv": PEOPLE, "cards_2.csv": CARDS}
    house = house.with_profile(profile({"file": "cards_*.csv"}))
    with pytest.raises(ExtractError, match=r"people_1\.csv: found no file"):
        keep_all(house, files, "people_*.csv")


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ("PERSON;BARCODE;ISSUED\n", "cards.csv: found a header and no rows"),
        ("PERSON;CODE;ISSUED\ns1;C1;May\n", r"cards.csv, row 1: found no column 'BARCODE'"),
        ("PERSON;BARCODE;ISSUED\ns1;C1;May\ns2;C2\n", r"cards.csv, row 3: found a row that cannot be read \(found 2"),
    ],
)
def test_a_side_file_that_cannot_be_read_fails_the_run_by_its_name(house: House, cards: str, said: str) -> None:
    before = house.everything()
    with pytest.raises(ExtractError, match=said):
        house.run("run", {"people.csv": PEOPLE, "cards.csv": cards})
    assert house.everything() == before


def test_a_side_row_that_cannot_be_read_may_be_dropped_with_a_warning(house: House) -> None:
    house = house.with_profile(profile({"bad_row": "drop"}))
    receipt = house.run("run", {"people.csv": PEOPLE, "cards.csv": "PERSON;BARCODE;ISSUED\ns1;C1;May\ns2;C2\n"})
    assert receipt.total == total(created=2)
    [warning] = receipt.warnings
    assert (warning.code, warning.field, warning.rows) == ("missing_column_value", "joins.cards", 1)
    assert warning.examples == [("cards.csv", 3)]
    assert [one.rows_read for one in receipt.files] == [None, 2]


# --- rows to mend ---------------------------------------------------------------------------------

TO_MEND = "ID,LAST\ns1,Ito\ns2,\ns3,\n"
CARDS_OF_ALL = f"{CARDS}s3;C3;June\ns4;C4;June\n"


def mended(content: bytes) -> bytes:
    return content.replace(b",s2,\r\n", b",s2,Diaz\r\n").replace(b",s3,\r\n", b",s3,Chen\r\n")


def test_rows_to_mend_take_their_side_rows_along(house: House) -> None:
    receipt = house.run("run", {"people_1.csv": TO_MEND, "cards_1.csv": CARDS_OF_ALL})
    assert receipt.total == total(created=1, rejected=2)
    assert [one.rejections for one in receipt.files] == ["people_1.rejected.csv", "cards_1.rejected.csv"]
    people = house.rejected_file("run", "people_1.rejected.csv")
    cards = house.rejected_file("run", "cards_1.rejected.csv")
    assert b"s1" not in cards and b"s4" not in cards
    again = house.run("again", {"people_1.rejected.csv": mended(people), "cards_1.rejected.csv": cards})
    assert again.total == total(created=2)
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C2"], "s3": ["C3"]}


def test_rows_to_mend_of_a_zip_come_back_in_zips(house: House) -> None:
    house = house.with_profile(profile(members=["people.csv"]))
    receipt = house.run("run", {"all.zip": zip_of({"people.csv": TO_MEND, "cards.csv": CARDS_OF_ALL})})
    names = [one.rejections or "" for one in receipt.files]
    assert names == ["all.people.rejected.zip", "all.cards.rejected.zip"]
    files: dict[str, str | bytes] = {}
    for name in names:
        with zipfile.ZipFile(io.BytesIO(house.rejected_file("run", name))) as archive:
            [member] = archive.namelist()
            files[name] = zip_of({member: mended(archive.read(member))})
    assert house.run("again", files).total == total(created=2)
    assert barcodes(house) == {"s1": ["C1"], "s2": ["C2"], "s3": ["C3"]}


def test_no_side_rows_come_back_where_every_person_went_through(house: House) -> None:
    receipt = house.run("run", {"people.csv": PEOPLE, "cards.csv": CARDS_OF_ALL})
    assert [one.rejections for one in receipt.files] == [None, None]


def test_side_rows_of_a_format_that_cannot_say_why_come_back_as_they_are(house: House) -> None:
    places = [{"name": name, "start": at, "width": 4} for name, at in (("PERSON", 1), ("BARCODE", 5), ("ISSUED", 9))]
    house = house.with_profile(profile({"file": "people.txt", "format": {"type": "fixed_width", "columns": places}}))
    files = {"people.csv": TO_MEND, "people.txt": "s1  C1  May\ns2  C2  June\ns3  C3  June\n"}
    receipt = house.run("run", files)
    assert [one.rejections for one in receipt.files] == ["people.rejected.csv", "people.rejected.txt"]
    assert house.rejected_file("run", "people.rejected.txt") == b"s2  C2  June\ns3  C3  June\n"
    people = mended(house.rejected_file("run", "people.rejected.csv"))
    again = {"people.rejected.csv": people, "people.rejected.txt": house.rejected_file("run", "people.rejected.txt")}
    assert house.run("again", again).total == total(created=2)


# --- the profile ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "whole", "said"),
    [
        ({"person_key": "orgs.ID"}, {}, None),
        ({"person_key": "cards.ID"}, {}, "a join above: there is none"),
        ({"several": "some"}, {}, "several"),
        ({"key": ""}, {}, "key"),
        ({"file": "people*"}, {}, "the pattern of the files of people"),
        ({"format": {"type": "alma_xml"}}, {}, "alma_xml"),
        ({"format": {"type": "json"}, "key": "a["}, {}, "JMESPath"),
        ({}, {"mapping": {"primary_id": "ID", "identifiers": [{"id_type": "B", "value": "cards[1].X"}]}}, "numbered"),
        ({}, {"format": {"type": "alma_xml"}, "mapping": None}, "the format alma_xml takes none"),
        ({}, {"members": []}, "members"),
    ],
)
def test_joins_that_do_not_hang_together_are_told(
    changes: dict[str, Any], whole: dict[str, Any], said: str | None
) -> None:
    if said is None:
        assert "orgs.ID" in profile(changes, **whole).person_columns, "no join of that name: a column like any other"
        return
    with pytest.raises(ValidationError, match=said):
        profile(changes, **whole)


MEMORY = """
import sys
from pathlib import Path
from matchpoint.joined import read_joined
from matchpoint.fetch import keep
from matchpoint.profile import load_profile
from matchpoint.run_folder import RunFolder
home, number = Path(sys.argv[1]), int(sys.argv[2])
profile, folder, extracts = load_profile(home / "people.yaml"), RunFolder(home / sys.argv[2]), []
people, cards = home / "people.csv", home / "cards.csv"
people.write_text("ID,LAST\\n" + "".join(f"s{n},Ito\\n" for n in range(100)))
with cards.open("w") as file:
    file.write("PERSON;BARCODE;ISSUED\\n")
    file.writelines(f"s{n};Card number {n:060};May\\n" for n in range(number, 0, -1))
for one in (people, cards):
    extracts += keep(folder, one, one.name, 1, len(extracts), profile=profile)
folder.write_manifest(extracts)
with people.open("rb") as file:
    [(frame, findings)] = read_joined(folder, file, extracts[0], profile, profile.format)
assert frame["cards.BARCODE"].tolist()[99] == f"Card number {99:060}"
"""


def test_memory_does_not_grow_with_the_side_file(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(PROFILE)

    def peak(rows: int) -> int:
        """Join that many side rows in a process of their own; give its peak memory in KiB."""
        command = [sys.executable, "-c", MEMORY + PRINT_PEAK, str(tmp_path), str(rows)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak(200_000) < 1.15 * peak(20_000)


# --- the index ------------------------------------------------------------------------------------

keys = st.text(max_size=3)


@given(st.lists(st.tuples(keys, st.lists(st.text(max_size=3), max_size=2))), st.sets(keys))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_index_finds_what_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, list[str]]], wanted: set[str]
) -> None:
    index = SideIndex(tmp_path_factory.mktemp("index") / "side.sqlite")
    index.add(rows)
    index.finish()
    for _ in range(2):
        assert list(index.find(wanted)) == [(key, cells) for key, cells in rows if key in wanted]
    index.close()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", "z"])), max_size=8),
    st.sampled_from(["first", "last", "reject", "numbered"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_join_is_what_a_dictionary_would_make_of_it(
    tmp_path_factory: pytest.TempPathFactory, cards: list[tuple[str, str]], several: str
) -> None:
    people = ["a", "b", "d"]
    how = profile({"several": several, "required": False})
    rows = [f"{key};{code};\n" for key, code in cards] or [";;\n"]
    house = House(tmp_path_factory.mktemp("house"), None, how)  # type: ignore[arg-type]
    text = csv_text([{"ID": one, "LAST": "X"} for one in people], ["ID", "LAST"])
    folder = house.fetch("run", {"people.csv": text, "cards.csv": "PERSON;BARCODE;ISSUED\n" + "".join(rows)})
    [person] = [one for one in folder.extracts if not one.join]
    frame, findings = joined(folder, person, how)
    for row, key in enumerate(people, start=2):
        codes = list(dict.fromkeys(code for one, code in cards if one == key))
        if several == "last":
            codes = [code for one, code in cards if one == key][-1:]
        assert frame["cards.BARCODE"][row] == (codes[0] if codes else "")
        assert [one.row for one in findings].count(row) == (several == "reject" and len(codes) > 1)
