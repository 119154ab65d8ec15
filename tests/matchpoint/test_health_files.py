"""Measuring the files of a feed: trailers, every format, files beside, and that nothing of a person is kept."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from feeds import DUE, check, check_again, feed, good, only, people, said
from helpers import (
    COLUMNS,
    XML_PEOPLE,
    House,
    csv_text,
    make_profile,
    open_house,
    xml_text,
    xml_user,
    zip_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from matchpoint.errors import ExtractError
from matchpoint.health.bytes import BLOCK
from matchpoint.health.lines import read_lines
from matchpoint.health.trailer import number
from matchpoint.profile import CsvFormat
from matchpoint.read.rows import read_rows


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


# --- the trailer ------------------------------------------------------------------------------------

TRAILER = {"line": r"^TRAILER,(?P<rows>\d+),(?P<total>[\d.,]+)", "total_of": "AMOUNT"}


def _trailed(house: House, **trailer: Any) -> House:
    form = {"type": "csv", "trailer": "^TRAILER$"}
    return house.with_profile(make_profile(format=form, health={"trailer": {**TRAILER, **trailer}}))


def _amounts(trailer: str, amount: str = "1.10") -> dict[str, str]:
    rows = [{**one, "AMOUNT": amount} for one in people(3)]
    return {"people.csv": csv_text(rows, [*COLUMNS, "AMOUNT"]) + trailer}


def test_a_trailer_that_is_right_is_no_person(house: House) -> None:
    house = _trailed(house)
    assert check(house, "run", _amounts("TRAILER,3,3.30\n")) == []
    assert house.run("run", _amounts("TRAILER,3,3.30\n")).total["created"] == 3


@pytest.mark.parametrize(
    ("trailer", "code", "found", "expected"),
    [
        ("", "truncated", "no trailer at the end", "a line that health.trailer.line matches"),
        ("TRAILER,4,3.30\n", "control_count", "a trailer for 4 rows", "3 rows, as there are"),
        ("TRAILER,3,3.31\n", "control_total", "a total of 3.31 in the trailer", "3.30, as the rows add up to"),
    ],
)
def test_a_trailer_that_is_missing_or_wrong(house: House, trailer: str, code: str, found: str, expected: str) -> None:
    verdict = only(check(_trailed(house), "run", _amounts(trailer)))
    assert (verdict.code, verdict.action, verdict.found, verdict.expected) == (code, "stop", found, expected)


def test_a_trailer_may_count_other_lines_and_write_thousands(house: House) -> None:
    counting = _trailed(house, also_counted=2)
    assert check(counting, "run", _amounts('TRAILER,5,"3,300.00"\n', "1,100")) != []
    plain = _trailed(house, also_counted=2, line=r"^TRAILER,(?P<rows>\d+),\"(?P<total>[\d.,]+)\"")
    assert check(plain, "run", _amounts('TRAILER,5,"3,300.00"\n', "1,100")) == []
    strange = only(check(plain, "run", _amounts('TRAILER,5,"3,300.00"\n', "much")))
    assert strange.expected == "0, as the rows add up to, with 3 values that are no numbers"


def test_rows_are_counted_as_they_are_read(house: House) -> None:
    rows = people(6)
    rows[1]["NOTE"] = "two\nlines"
    rows[2]["NOTE"] = 'a "quoted" one,\r\nand\n\nmore'
    text = csv_text(rows).replace("\r\nS4,", "\r\n\r\n\r\nS4,")
    check(house, "run", {"people.csv": text})
    assert house.folder("run").read_json("health.json")["files"][0]["rows"] == 6
    assert house.run("run", {"people.csv": text}).total["processed"] == 6


def test_a_trailer_in_lines_of_fixed_width(house: House) -> None:
    form = {
        "type": "fixed_width",
        "columns": [{"name": "ID", "start": 1, "width": 4}, {"name": "LAST", "start": 5, "width": 6}],
        "trailer": "99",
    }
    mapping = {"primary_id": "ID", "last_name": "LAST"}
    written = {"code": "fixed", "name": "F", "sis_type": "x", "connection": "x", "format": form, "mapping": mapping}
    written |= {"actions": {"synchronize": {"path": "in", "match_points": ["primary_id"]}}}
    profile = type(house.profile).model_validate({**written, "health": {"trailer": {"line": r"^99(?P<rows>\d{6})"}}})
    house = house.with_profile(profile)
    assert check(house, "right", {"people.txt": "0001Smith\n0002Jones\n99000002\n"}) == []
    assert said(check(house, "wrong", {"people.txt": "0001Smith\n99000002\n"})) == [("control_count", "stop", "")]


def test_a_control_line_that_would_be_read_as_a_person_is_refused(house: House) -> None:
    house = house.with_profile(_with_trailer(r"^S(?P<rows>\d),"))
    with pytest.raises(ExtractError, match=r"a control line that format\.trailer does not match"):
        check(house, "run", _amounts(""))


def _with_trailer(line: str) -> Any:
    return make_profile(format={"type": "csv", "trailer": "^T$"}, health={"trailer": {"line": line}})


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_trailer_in_other_encodings(house: House, encoding: str) -> None:
    form = {"type": "csv", "trailer": "^TRAILER$", "encoding": encoding}
    house = house.with_profile(make_profile(format=form, health={"trailer": TRAILER}))
    right, wrong = (_amounts(f"TRAILER,{rows},3.30\n")["people.csv"].encode(encoding) for rows in (3, 4))
    assert check(house, "right", {"people.csv": right}) == []
    assert said(check(house, "wrong", {"people.csv": wrong})) == [("control_count", "stop", "")]
    assert said(check(house, "cut", {"people.csv": _amounts("")["people.csv"].encode(encoding)})) == [
        ("truncated", "stop", "")
    ]


@pytest.mark.parametrize(
    ("form", "trailer", "told"),
    [
        ({"type": "csv"}, {"line": "(?P<rows>x)"}, "health.trailer: found one without format.trailer"),
        ({"type": "json"}, {"line": "(?P<rows>x)"}, "accepted is one with the formats csv and fixed_width"),
        ({"type": "csv", "trailer": "x"}, {"line": "x"}, r"accepted is one with a group \(\?P<rows>"),
        ({"type": "csv", "trailer": "x"}, {"line": "("}, "accepted is a regular expression"),
        ({"type": "csv", "trailer": "x"}, {"line": "(?P<total>x)"}, "found one without the other"),
        ({"type": "csv", "trailer": "x"}, {"line": "(?P<rows>x)", "total_of": "A"}, "found one without the other"),
        (
            {"type": "csv", "trailer": "x", "columns": COLUMNS},
            {"line": "(?P<total>x)", "total_of": "AMOUNT"},
            "health.trailer.total_of: found 'AMOUNT'; accepted is one of ID, FIRST",
        ),
    ],
)
def test_a_trailer_that_cannot_be_is_told(form: dict[str, Any], trailer: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        make_profile(format=form, health={"trailer": trailer})


def test_a_big_file_is_sampled_from_everywhere_in_it(house: House) -> None:
    rows = people(60_000)
    for one in rows[40_000:]:
        one["EMAIL"], one["NOTE"] = "", 'a "quoted"\nnote' * 5
    good(house, feed(60))
    text = csv_text(rows)
    assert len(text) > 2 * BLOCK
    verdicts = check(house, "big", {"people_2.csv": text})
    assert said(verdicts) == [("row_count", "hold", ""), ("null_rate", "hold", "EMAIL")]
    told = house.folder("big").read_json("health.json")["files"][0]
    assert told["rows"] == 60_000
    assert 10_000 < told["sampled"] <= 20_000
    assert told["columns"]["EMAIL"]["empty"] == pytest.approx(1 / 3, abs=0.02)


@settings(max_examples=200, deadline=None)
@given(
    cells=st.lists(st.tuples(*[st.text('a",;\r\n x', max_size=4)] * 2), max_size=12),
    line_end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
)
def test_rows_are_counted_as_the_reader_counts_them(cells: list[Any], line_end: str, size: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=line_end).writerows([("A", "B"), *cells])
    data = out.getvalue().encode()
    form = CsvFormat(type="csv")
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    counted = read_lines(pieces, form, len(data), 100).rows
    try:
        frames = list(read_rows(io.BytesIO(data), "x", form, ["A"]))
    except ExtractError:
        frames = []
    assert counted == sum(len(frame) + len(ragged) for frame, ragged in frames)


# --- mended files, side files, other formats ----------------------------------------------------------


def test_a_mended_file_is_like_no_feed_and_becomes_none(house: House) -> None:
    good(house, feed(60), feed(60, 2), feed(60, 3))
    bad = people(60, 4)
    bad[5]["BORN"] = "soon"
    house.run("bad", {"people_4.csv": csv_text(bad)})
    mended = house.rejected_file("bad", "people_4.rejected.csv").replace(b"soon", b"1990-01-01")
    assert mended.count(b"\n") == 2
    assert check(house, "mended", {"people_4.rejected.csv": mended}) == []
    assert [row for row in house.rows("feeds") if row["run_id"] == "mended"] == []


def test_a_zip_of_files_is_measured_file_by_file(house: House) -> None:
    files = {"all.zip": zip_of({"a.csv": csv_text(people(3)), "b.csv": csv_text(people(2, 9))})}
    check(house, "run", files)
    told = house.folder("run").read_json("health.json")["files"]
    assert [(one["label"], one["rows"]) for one in told] == [("all.zip > a.csv", 3), ("all.zip > b.csv", 2)]


def test_side_files_are_measured_without_their_columns(house: House) -> None:
    joins = {"cards": {"file": "cards*.csv", "format": {"type": "csv"}, "key": "PERSON", "person_key": "ID"}}
    mapping = {"identifiers": [{"id_type": "BARCODE", "value": "cards.NUMBER"}]}
    house = house.with_profile(make_profile(joins=joins, mapping=mapping))
    cards = "PERSON,NUMBER\n" + "".join(f"S{n},{n}\n" for n in range(1, 31))
    good(house, {"people_1.csv": csv_text(people(30)), "cards_1.csv": cards})
    less = {"people_2.csv": csv_text(people(30)), "cards_2.csv": "PERSON,NUMBER\nS1,1\nS2,2\n"}
    told = {(one.subject, one.code) for one in check(house, "less", less)}
    assert told == {("people_2.csv", "same_as_before"), ("cards_2.csv", "row_count")}
    same = {"people_3.csv": csv_text(people(30, 2)), "cards_3.csv": cards}
    assert check(house, "same", same) == []
    assert house.folder("less").read_json("health.json")["files"][1]["columns"] == {}


def _xml(number: int) -> str:
    group = "<user_group>{}</user_group>"
    more = [group.format("UG" if n % 2 else "GR") for n in range(number)]
    return xml_text(*(xml_user(n, first_name="", more=more[n]) for n in range(number)))


def test_alma_xml(house: House) -> None:
    house = house.with_profile(make_profile(XML_PEOPLE))
    good(house, {"people_1.xml": _xml(40)})
    told = house.folder("good 100").read_json("health.json")["files"][0]
    assert (told["rows"], told["sampled"]) == (40, 40)
    assert told["columns"]["user_group"]["codes"] == {"GR": 0.5, "UG": 0.5}
    assert told["columns"]["first_name"]["empty"] == 1.0
    assert told["columns"]["user_identifier"] == {"empty": 0.0, "codes": None}
    assert said(check(house, "few", {"people_2.xml": _xml(20)})) == [("row_count", "hold", "")]
    assert said(check(house, "cut", {"people_3.xml": _xml(40)[:-30]})) == [("truncated", "stop", "")]


_FIELDS = {"primary_id": "ID", "last_name": "LAST", "user_group": "GROUP"}


def _of(form: dict[str, Any]) -> Any:
    written = {"code": "people", "name": "P", "sis_type": "x", "connection": "x", "format": form, "mapping": _FIELDS}
    actions = {"synchronize": {"path": "in", "match_points": ["primary_id"]}}
    return type(make_profile()).model_validate({**written, "actions": actions})


def _records(number: int) -> list[dict[str, str]]:
    return [{"ID": f"S{n}", "LAST": f"Name{n}", "GROUP": "UG" if n % 2 else ""} for n in range(number)]


def _lines(number: int) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in _records(number)).encode()


def _document(number: int) -> bytes:
    return json.dumps({"data": _records(number)}).encode()


def _utf_16(number: int) -> bytes:
    return csv_text(_records(number), ["ID", "LAST", "GROUP"]).encode("utf-16")


def _sheet(number: int) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in [["ID", "LAST", "GROUP"], *(list(one.values()) for one in _records(number))]:
        book.worksheets[0].append(row)
    book.save(out)
    return out.getvalue()


def test_formats_that_are_read_in_part_reckon_their_rows(house: House) -> None:
    for form, write, rows in (
        ({"type": "json", "records": "data"}, _document, 30_000),
        ({"type": "excel"}, _sheet, 3_000),
    ):
        check(house.with_profile(_of(form)), "run", {"people": write(rows)})
        told = house.folder("run").read_json("health.json")["files"][0]
        assert told["rows"] == pytest.approx(rows, rel=0.03)
        assert told["sampled"] < rows


@pytest.mark.parametrize(
    ("form", "write", "cut"),
    [
        ({"type": "json", "lines": True}, _lines, True),
        ({"type": "json", "records": "data"}, _document, True),
        ({"type": "csv", "encoding": "utf-16"}, _utf_16, False),
        ({"type": "excel"}, _sheet, False),
    ],
    ids=["lines", "document", "utf-16", "excel"],
)
def test_other_formats(house: House, form: dict[str, Any], write: Any, cut: bool) -> None:
    house = house.with_profile(_of(form))
    good(house, {"people_1": write(40)})
    told = house.folder("good 100").read_json("health.json")["files"][0]
    assert (told["rows"], told["sampled"]) == (40, 40)
    assert told["columns"]["GROUP"] == {"empty": 0.5, "codes": {"UG": 0.5}, "others": 0.0, "different": 1}
    assert said(check(house, "few", {"people_2": write(20)})) == [("row_count", "hold", "")]
    if cut:
        assert ("truncated", "stop", "") in said(check(house, "cut", {"people_3": write(40)[:-15]}))


# --- nobody's data --------------------------------------------------------------------------------------


def test_nothing_of_a_person_is_kept_not_even_where_columns_moved(house: House) -> None:
    good(house, feed(200))
    moved = [{**one, "GROUP": one["LAST"], "LAST": one["GROUP"]} for one in people(200, 2)]
    rare = people(200, 3)
    rare[0]["GROUP"] = "Lastname3"
    for run_id, rows in (("moved", moved), ("rare", rare)):
        check(house, run_id, {"people_2.csv": csv_text(rows)})
    assert said(check_again(house, "moved")) == [("codes", "hold", "GROUP")]
    kept = str(house.rows("feeds"))
    for run_id in ("moved", "rare"):
        kept += (house.folder(run_id).root / "health.json").read_text()
    for word in ("Lastname", "Firstname", "Card1", "net1", "mail1", "Zoë", "Notetext"):
        assert word not in kept
    assert DUE.isoformat() in kept


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0012", 12), ("1,204", 1204), ("-3.50", Decimal("-3.5")), ("1,20", None), ("1e999999", None), ("nan", None),
        ("", None), ("1.204,00", None),
    ],
)  # fmt: skip
def test_numbers_as_control_lines_write_them(text: str, value: Any) -> None:
    assert number(text) == value
