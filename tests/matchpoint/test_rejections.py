"""Rejections files: the rows as they came, with the reason, ready to be mended and dropped back."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import (
    COLUMNS,
    XML_PEOPLE,
    House,
    csv_text,
    make_profile,
    open_house,
    person,
    total,
    xml_text,
    xml_user,
    zip_of,
)
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from matchpoint.read.delimited import MENDED_COLUMNS, guard, unguard

LATIN_PIPE = {"type": "csv", "delimiter": "|", "encoding": "latin-1"}
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "'x", "''x", "'=x", "''=x", "'"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


def table(content: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding), newline=""), delimiter=delimiter))


def test_a_rejected_row_stands_as_it_came_with_row_number_field_and_reason(house: House) -> None:
    bad = person(2, BORN=" never ", NOTE='a "quoted", and\nbroken\r\nnote ')
    house.run("run", [person(1), bad, person(3)])
    header, row = table(house.rejected_file("run", "people.rejected.csv"))
    assert header == [*MENDED_COLUMNS, *COLUMNS]
    assert row[:2] == ["3", "birth_date"]
    assert row[2] == "The value cannot be converted: found 'never'; expected a date in the form %Y-%m-%d"
    assert row[3:] == list(bad.values())


def test_a_file_without_rejections_gets_none(house: House) -> None:
    receipt = house.run("run", {"a.csv": csv_text([person(1)]), "b.csv": csv_text([person(2, LAST="")])})
    assert [one.rejections for one in receipt.files] == [None, "b.rejected.csv"]
    assert [path.name for path in (house.folder("run").root / "rejections").iterdir()] == ["b.rejected.csv"]


def test_conflicts_are_in_the_rejections_file_and_skipped_rows_are_not(house: House) -> None:
    house.run("first", [person(1), person(2)])
    house.run("second", [person(1, CARD="Card2"), person(3)])
    assert [row["ID"] for row in house.rejected_rows("second")] == ["S1"]


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_is_guarded_and_comes_back_unchanged_when_dropped_back(house: House, value: str) -> None:
    bad = person(1, NOTE=f"{value}", LAST="")
    house.run("run", [bad])
    dropped = house.rejected_file("run", "people.rejected.csv")
    for _ in range(2):  # once more, as it is: the guard must not grow
        cells = dict(zip(*table(dropped), strict=True))
        assert cells["NOTE"] == f"'{value}"
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells.values())
        house.run("again", {"people.rejected.csv": dropped})
        dropped = house.rejected_file("again", "people.rejected.rejected.csv")
    mended = dropped.replace(b"Firstname1,,", b"Firstname1,Mended,")
    assert house.run("mended", {"people.csv": mended}).total == total(created=1)
    notes = house.users()["s1"]["document"]["user_note"]
    assert notes[0]["note_text"] == value.strip()


@given(st.text())
def test_unguard_undoes_guard(value: str) -> None:
    assert unguard(guard(value)) == value
    assert not guard(value).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_an_apostrophe_in_a_file_that_was_never_rejected_is_the_persons_own(house: House) -> None:
    house.run("run", [person(1, LAST="'-t Hooft")])
    assert house.users()["s1"]["document"]["last_name"] == "'-t Hooft"


def test_a_mended_file_loads(house: House) -> None:
    house.run("run", [person(1), person(2, LAST=""), person(3, BORN="never")])
    dropped = house.rejected_file("run", "people.rejected.csv")
    mended = dropped.replace(b"never", b"2001-02-03").replace(b"Firstname2,,", b"Firstname2,Mended,")
    assert house.run("mended", {"people.rejected.csv": mended}).total == total(created=2)
    assert house.users()["s2"]["document"]["last_name"] == "Mended"
    assert "matchpoint" not in str(house.users()["s3"]["document"])


def test_a_mended_file_that_is_only_partly_mended_keeps_one_reason_per_row(house: House) -> None:
    house.run("run", [person(1, LAST=""), person(2, BORN="never")])
    half = house.rejected_file("run", "people.rejected.csv").replace(b"never", b"2001-02-03")
    assert house.run("half", {"people.rejected.csv": half}).total == total(created=1, rejected=1)
    header, row = table(house.rejected_file("half", "people.rejected.rejected.csv"))
    assert header == [*MENDED_COLUMNS, *COLUMNS]
    assert row[:2] == ["2", "last_name"]
    assert row[3:] == list(person(1, LAST="").values())


def test_a_mended_file_from_a_zip_loads_as_a_zip(house: House) -> None:
    receipt = house.run("run", {"people.zip": zip_of({"deep/a.csv": csv_text([person(1, LAST="")])})})
    name = receipt.files[0].rejections
    assert name is not None
    with zipfile.ZipFile(io.BytesIO(house.rejected_file("run", name))) as archive:
        inside = {
            one: archive.read(one).replace(b"Firstname1,,", b"Firstname1,Mended,") for one in archive.namelist()
        }
    assert inside.keys() == {"a.rejected.csv"}
    assert house.run("mended", {name: zip_of(inside)}).total == total(created=1)


def test_a_mended_file_in_latin_1_with_pipes_stays_so_and_loads(house: House) -> None:
    latin = house.with_profile(make_profile(format=LATIN_PIPE))
    content = csv_text([person(1, LAST="Größe|x", BORN="nie")], delimiter="|").encode("latin-1")
    latin.run("run", {"hr.txt": content})
    dropped = latin.rejected_file("run", "hr.rejected.txt")
    header, row = table(dropped, "latin-1", "|")
    assert row[header.index("LAST")] == "Größe|x"
    mended = dropped.replace(b"nie", b"2001-02-03")
    assert latin.run("mended", {"hr.rejected.txt": mended}).total == total(created=1)
    assert latin.users()["s1"]["document"]["last_name"] == "Größe|x"


def test_a_mended_xml_from_a_zip_loads_and_names_the_reason_beside_each_user(house: House) -> None:
    xml = house.with_profile(make_profile(XML_PEOPLE))
    bad = xml_user(2, last_name="Gr&#246;&lt;e", more="<birth_date>nie</birth_date>")
    receipt = xml.run("run", {"people.zip": zip_of({"people.xml": xml_text(xml_user(1), bad)})})
    assert receipt.total == total(created=1, rejected=1)
    name = receipt.files[0].rejections
    assert name is not None
    with zipfile.ZipFile(io.BytesIO(xml.rejected_file("run", name))) as archive:
        inside = {one: archive.read(one) for one in archive.namelist()}
    (content,) = inside.values()
    comment, user = etree.fromstring(content)
    assert comment.text.startswith(" user 2, birth_date: The value is not a date: found 'nie'")
    assert user.findtext("last_name") == "Grö<e"  # as it came
    mended = {one: text.replace(b"<birth_date>nie", b"<birth_date>2001-02-03") for one, text in inside.items()}
    assert xml.run("mended", {name: zip_of(mended)}).total == total(created=1)
    listed = xml.rejected_rows("run", "people.people.rejected.csv")
    assert [(row["matchpoint_row"], row["matchpoint_field"]) for row in listed] == [("2", "birth_date")]


def test_hyphens_in_a_reason_do_not_break_the_xml(house: House) -> None:
    xml = house.with_profile(make_profile(XML_PEOPLE))
    xml.run("run", {"a.xml": xml_text(xml_user(1, primary_id="a---b", card="A---B"))})
    comment, user = etree.fromstring(xml.rejected_file("run", "a.rejected.xml"))
    assert "two identifiers" in comment.text
    assert user.findtext("primary_id") == "a---b"


def test_files_of_one_name_in_several_zips_and_folders_do_not_overwrite_each_other(house: House) -> None:
    xml = house.with_profile(make_profile(XML_PEOPLE))
    bad = [xml_text(xml_user(n, last_name="x" * 256)) for n in range(3)]
    files = {
        "a.zip": zip_of({"one/people.xml": bad[0], "two/people.xml": bad[1]}),
        "b.zip": zip_of({"people.xml": bad[2]}),
    }
    receipt = xml.run("run", files)
    assert len({one.rejections for one in receipt.files}) == 3
    kept = [path.name for path in (house.folder("run").root / "rejections").iterdir()]
    assert sorted(path.rsplit(".", 1)[1] for path in kept) == ["csv"] * 3 + ["zip"] * 3


@pytest.mark.parametrize(
    "cells", [["S9", "=Ann"], [*person(9).values(), "more", "=more"]], ids=["too few", "too many"]
)
def test_a_ragged_row_keeps_all_its_cells_and_stays_ragged_until_it_is_mended(house: House, cells: list[str]) -> None:
    content = csv_text([person(1)]) + ",".join(cells) + "\r\n"
    house.run("run", {"people.csv": content})
    dropped = house.rejected_file("run", "people.rejected.csv")
    header, row = table(dropped)
    assert header == [*MENDED_COLUMNS, *COLUMNS]
    assert row[3:] == [guard(cell) for cell in cells]
    again = house.run("again", {"people.rejected.csv": dropped})
    assert again.total == total(rejected=1)
    assert table(house.rejected_file("again", "people.rejected.rejected.csv"))[1][3:] == row[3:]


def test_a_column_whose_name_looks_like_a_formula_is_guarded_and_comes_back(house: House) -> None:
    columns = [*COLUMNS, "=cmd"]
    house.run("run", {"people.csv": csv_text([{**person(1, BORN="never"), "=cmd": "x"}], columns)})
    text = house.rejected_file("run", "people.rejected.csv").decode()
    assert text.splitlines()[0].endswith(",'=cmd")
    again = house.run("again", {"people.csv": text.replace("never", "2001-02-03")})
    assert again.total == total(created=1)
