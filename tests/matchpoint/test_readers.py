"""Extracts of every format: what is read, which row is told, and that a mended file can be dropped back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from helpers import PEOPLE, House, make_profile, open_house, person, reasons, total
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from matchpoint.errors import ExtractError
from matchpoint.findings import Finding
from matchpoint.profile import JsonFormat, Profile, RowFormat
from matchpoint.read.json_records import read_json
from matchpoint.read.rows import column_names, read_rows, write_rejected

FORMAT: TypeAdapter[Any] = TypeAdapter(RowFormat)


def form(kind: str, **options: Any) -> Any:
    return FORMAT.validate_python({"type": kind, **options})


def read(content: bytes, how: Any, wanted: list[str]) -> tuple[dict[int, list[str]], list[Finding]]:
    """Give the wanted cells by row number, and the findings."""
    frames, findings = [], []
    for frame, found in read_rows(io.BytesIO(content), "people", how, wanted):
        frames.append(frame[wanted])
        findings += found
    whole = pd.concat(frames)
    return dict(zip(whole.index.tolist(), whole.to_numpy().tolist(), strict=True)), findings


# --- delimited text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({"delimiter": "\t"}, "A\tB\n1\t2\n", {2: ["1", "2"]}),
        ({"delimiter": ";", "quote": "'"}, "A;B\n'x;y';'it''s'\n", {2: ["x;y", "it's"]}),
        ({"quote": None}, 'A,B\n"1,2\n', {2: ['"1', "2"]}),
        ({"escape": "\\"}, 'A,B\n"a \\"b\\"",c\\,d\n', {2: ['a "b"', "c,d"]}),
        ({"skip_lines": 2}, "Report\nof today\nA,B\n1,2\n", {4: ["1", "2"]}),
        ({"columns": ["A", "B"]}, "1,2\n3,4\n", {1: ["1", "2"], 2: ["3", "4"]}),
        ({"comment": "#"}, "A,B\n# not a person\n1,2\n", {3: ["1", "2"]}),
        ({"trailer": "^TRAILER$"}, "A,B\n1,2\nTRAILER,1,x\n", {2: ["1", "2"]}),
    ],
)
def test_delimited_text_in_any_dialect(options: dict[str, Any], text: str, expected: dict[int, list[str]]) -> None:
    assert read(text.encode(), form("csv", **options), ["A", "B"]) == (expected, [])


# --- fixed width ----------------------------------------------------------------------------------

FIXED = form("fixed_width", columns=[{"name": "A", "start": 1, "width": 3}, {"name": "B", "start": 4, "width": 5}])
BLOCKS = form(
    "fixed_width",
    columns=[{"name": "ID", "start": 1, "width": 4}, {"name": "N", "start": 5, "width": 1}],
    blocks={
        "start": 6,
        "width": 6,
        "count": "N",
        "code": {"name": "KIND", "start": 1, "width": 1},
        "names": {"1": "home", "3": "email"},
        "columns": [{"name": "TEXT", "start": 2, "width": 5}],
    },
)


def test_fixed_columns_are_cut_where_the_profile_says() -> None:
    assert read(b"007Ada  \n\n 12X\n", FIXED, ["A", "B"]) == ({1: ["007", "Ada"], 3: ["12", "X"]}, [])
    assert column_names(io.BytesIO(b""), "x", FIXED) == ["A", "B"]


def test_a_line_that_is_too_long_is_told() -> None:
    _, findings = read(b"007Ada  \n007Ada  too long\n", FIXED, ["A", "B"])
    assert [(one.row, one.detail) for one in findings] == [(2, "found 16 characters; expected at most 8")]


def test_blocks_are_found_by_their_code_and_by_their_place_among_those() -> None:
    lines = b"s1  31one  3a@b  1two\ns2  0\n"
    wanted = ["ID", "home.TEXT", "home[1].TEXT", "email.TEXT"]
    assert read(lines, BLOCKS, wanted)[0] == {1: ["s1", "one", "two", "a@b"], 2: ["s2", "", "", ""]}
    assert column_names(io.BytesIO(b""), "x", BLOCKS) == ["ID", "N", "home.TEXT", "email.TEXT"]


@pytest.mark.parametrize(
    ("line", "said"), [("s1  21one  ", "found 1 blocks; expected 2"), ("s1  x", "found no number in N")]
)
def test_blocks_that_do_not_fit_their_count_are_told(line: str, said: str) -> None:
    _, findings = read(f"s2  0\n{line}\n".encode(), BLOCKS, ["ID"])
    assert said in findings[0].detail


def test_what_follows_the_last_block_is_a_column_of_its_own() -> None:
    how = BLOCKS.model_copy(update={"blocks": BLOCKS.blocks.model_copy(update={"rest": "NOTES"})})
    lines = b"s1  21one  3a@b  \t1a note\t2 3x\ns2  0\ns3  11two\n"
    wanted = ["ID", "home.TEXT", "email.TEXT", "NOTES"]
    assert read(lines, how, wanted)[0] == {
        1: ["s1", "one", "a@b", "1a note\t2 3x"],
        2: ["s2", "", "", ""],
        3: ["s3", "two", "", ""],
    }
    assert "NOTES" in column_names(io.BytesIO(b""), "x", how)
    _, findings = read(b"s1  0\ns2  21one  \n", how, ["ID"])
    assert findings[0].detail == "found 1 blocks; expected 2, as N says"


@pytest.mark.parametrize("change", [{"count": None}, {"rest": "ID"}])
def test_what_follows_the_last_block_needs_their_number_and_a_name_of_its_own(change: dict[str, Any]) -> None:
    written = BLOCKS.model_dump()
    written["blocks"] |= {"rest": "NOTES"} | change
    with pytest.raises(ValidationError):
        form("fixed_width", **{name: value for name, value in written.items() if name != "type"})


def test_a_column_that_the_format_does_not_name_is_told() -> None:
    with pytest.raises(ExtractError, match=r"no column 'post\.TEXT'"):
        read(b"s1  0\n", BLOCKS, ["ID", "post.TEXT"])


# --- JSON -----------------------------------------------------------------------------------------

RECORDS = [
    {"id": "007", "name": {"first": "Ada"}, "mails": [{"kind": "home", "at": "a@x"}, {"kind": "work", "at": "b@x"}]},
    {"id": 12, "name": None, "mails": [], "staff": True, "share": 1.50},
]
PATHS = ["id", "name.first", "mails[?kind=='work'].at | [0]", "staff", "share"]
CELLS = [["007", "Ada", "b@x", "", ""], ["12", "", "", "true", "1.5"]]


def test_json_lines_are_read_by_path() -> None:
    lines = "\n".join(["", *map(json.dumps, RECORDS)])
    assert read(lines.encode(), form("json", lines=True), PATHS) == ({2: CELLS[0], 3: CELLS[1]}, [])


@pytest.mark.parametrize(
    ("records", "document"), [("", RECORDS), ("data.people", {"v": 1, "data": {"people": RECORDS}})]
)
def test_a_json_document_is_read_from_where_its_records_are(records: str, document: Any) -> None:
    how = form("json", records=records)
    assert read(json.dumps(document).encode(), how, PATHS) == ({1: CELLS[0], 2: CELLS[1]}, [])
    assert column_names(io.BytesIO(json.dumps(document).encode()), "x", how) == ["id", "name", "mails"]


def test_numbers_stay_as_they_are_written() -> None:
    lines = b'{"a": 1.0, "b": 12345678901234567890, "c": 1e3}\n'
    assert read(lines, form("json", lines=True), ["a", "b", "c"])[0] == {1: ["1.0", "12345678901234567890", "1E+3"]}


def test_a_bad_line_is_rejected_alone_and_a_bad_document_whole() -> None:
    cells, findings = read(b'{"a": 1}\n{"a": \n[1]\n{"a": 2}\n', form("json", lines=True), ["a"])
    assert (list(cells), [one.row for one in findings]) == ([1, 4], [2, 3])
    for text in (b'[{"a": 1}', b"", b'{"a": 1}', b"[]"):
        with pytest.raises(ExtractError):
            read(text, form("json"), ["a"])


@pytest.mark.parametrize("options", [{"records": "a[0]"}, {"lines": True, "records": "a"}])
def test_where_records_are_is_a_plain_path(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        form("json", **options)


def test_an_expression_that_is_none_is_told_with_the_profile() -> None:
    with pytest.raises(ValidationError, match="accepted is JMESPath"):
        make_profile(PEOPLE, format={"type": "json"}, mapping={"first_name": "name["})


# --- Excel ----------------------------------------------------------------------------------------


def workbook(rows: list[list[Any]], title: str = "People") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_sheet_is_read_as_a_person_sees_it() -> None:
    from datetime import UTC, date, datetime

    cells = [
        "007",
        7,
        7.0,
        7.25,
        True,
        date(2026, 2, 1),
        datetime(2026, 2, 1, 12, 30, tzinfo=UTC).replace(tzinfo=None),
        None,
    ]
    content = workbook([["Title"], list("ABCDEFGH"), [None], cells])
    expected = ["007", "7", "7", "7.25", "true", "2026-02-01", "2026-02-01 12:30:00", ""]
    assert read(content, form("excel", header_row=2), list("ABCDEFGH")) == ({4: expected}, [])


def test_what_is_no_workbook_or_has_no_such_sheet_is_refused() -> None:
    with pytest.raises(ExtractError, match="what is no Excel workbook"):
        read(b"A,B\n1,2\n", form("excel"), ["A"])
    with pytest.raises(ExtractError, match="no sheet 'Staff'"):
        read(workbook([["A"], ["1"]]), form("excel", sheet="Staff"), ["A"])


# --- encodings ------------------------------------------------------------------------------------

NAMES = ["René Étienne", "Jürgen Müller", "Zoë Brontë", "Søren Ågård", "François Lefèvre", "Ângela Gonçalves"] * 20


OTHERS = {"cp1251": ["Анна Ахматова", "Фёдор Достоевский"] * 40, "gb18030": ["李小龙", "王伟", "张丽华"] * 40}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", *OTHERS])
def test_an_encoding_that_leaves_no_doubt_is_found(encoding: str) -> None:
    names = OTHERS.get(encoding, NAMES)
    content = "\n".join(["NAME", *names, ""]).encode(encoding)
    cells, _ = read(content, form("csv", encoding="auto"), ["NAME"])
    assert [cell for [cell] in cells.values()] == names


def test_western_names_could_be_in_many_encodings_and_are_not_guessed() -> None:
    content = "\n".join(["NAME", *NAMES, ""]).encode("cp1252")
    with pytest.raises(ExtractError, match=r"candidates: .*cp1252.*Set format\.encoding"):
        read(content, form("csv", encoding="auto"), ["NAME"])
    assert read(content, form("csv", encoding="cp1252"), ["NAME"])[0][2] == ["René Étienne"]


def test_text_without_letters_beyond_ascii_needs_no_guess() -> None:
    assert read(b"NAME\nAda\n", form("csv", encoding="auto"), ["NAME"])[0] == {2: ["Ada"]}


def test_an_encoding_in_doubt_is_refused_and_the_candidates_are_named() -> None:
    with pytest.raises(ExtractError, match="cannot be told for sure"):
        read(b"NAME\n\xa4\xe9\xf0\n", form("csv", encoding="auto"), ["NAME"])


def test_a_wrong_byte_late_in_a_file_is_told_by_its_line() -> None:
    with pytest.raises(ExtractError, match="line 4: found bytes that are not utf-8"):
        read(b"007Ada\n008Bob\n009Cy\n010\xff\n", FIXED, ["A"])


def in_every_text_format(names: list[str], encoding: str, declared: str) -> list[tuple[bytes, Any]]:
    """Give the same names as an extract of every text format."""
    places = [{"name": "NAME", "start": 1, "width": 30}]
    records = [{"NAME": name} for name in names]
    texts: list[tuple[str, Any]] = [
        ("\n".join(["NAME", *names, ""]), form("csv", encoding=declared)),
        ("".join(f"{name}\n" for name in names), form("fixed_width", columns=places, encoding=declared)),
        (json.dumps(records, ensure_ascii=False), form("json", encoding=declared)),
        (
            "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records),
            form("json", lines=True, encoding=declared),
        ),
    ]
    return [(text.encode(encoding), how) for text, how in texts]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "cp1251", "gb18030"])
def test_every_text_format_is_read_in_the_encoding_that_is_declared(encoding: str) -> None:
    names = OTHERS.get(encoding, NAMES)
    for content, how in in_every_text_format(names, encoding, encoding):
        cells, findings = read(content, how, ["NAME"])
        assert ([cell for [cell] in cells.values()], findings) == (names, [])


@pytest.mark.parametrize(
    ("encoding", "declared", "said"),
    [
        ("cp1252", "utf-8", "bytes that are not utf-8"),
        ("utf-8", "latin-1", "found text in utf-8"),
        ("utf-8", "cp1252", "found text in utf-8"),
        ("utf-16", "utf-8", "found text in utf-16"),
        ("utf-8-sig", "cp1252", "found text in utf-8"),
        ("cp1252", "ascii", "bytes that are not ascii"),
        ("cp1252", "auto", "cannot be told for sure"),
    ],
)
def test_in_every_text_format_a_wrong_encoding_is_refused_loudly(encoding: str, declared: str, said: str) -> None:
    for content, how in in_every_text_format(NAMES, encoding, declared):
        with pytest.raises(ExtractError, match=said) as told:
            read(content, how, ["NAME"])
        assert "encoding" in str(told.value)
        assert "René" not in str(told.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", *OTHERS])
def test_every_text_format_may_have_its_encoding_found(encoding: str) -> None:
    names = OTHERS.get(encoding, NAMES)
    for content, how in in_every_text_format(names, encoding, "auto"):
        assert [cell for [cell] in read(content, how, ["NAME"])[0].values()] == names, how.type


# --- all of them ----------------------------------------------------------------------------------

cell = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), max_size=8).map(str.strip)
tables = st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6)


@given(tables)
@settings(max_examples=60, deadline=None)
def test_any_table_comes_back_as_it_was_written(table: list[tuple[str, str, str]]) -> None:
    rows = [("x", *row) for row in table]  # a row without any value is no row
    columns = list("KABC")
    expected = [list(row) for row in rows]
    buffer = io.StringIO()
    pd.DataFrame(rows, columns=columns, dtype="str").to_csv(buffer, index=False)
    lines = "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
    fixed = "".join("".join(f"{one:<8}" for one in row) + "\n" for row in rows)
    places = [{"name": name, "start": 1 + 8 * place, "width": 8} for place, name in enumerate(columns)]
    written: list[tuple[bytes, Any]] = [
        (buffer.getvalue().encode(), form("csv")),
        (lines.encode(), form("json", lines=True)),
        (json.dumps([dict(zip(columns, row, strict=True)) for row in rows]).encode(), form("json")),
        (fixed.encode(), form("fixed_width", columns=places)),
    ]
    for content, how in written:
        cells, findings = read(content, how, columns)
        assert findings == []
        assert list(cells.values()) == expected, how.type


@given(tables)
@settings(max_examples=20, deadline=None)
def test_any_table_of_a_sheet_comes_back(table: list[tuple[str, str, str]]) -> None:
    safe = [tuple(f"x{one}" for one in row) for row in table]
    cells, _ = read(workbook([list("ABC"), *map(list, safe)]), form("excel"), list("ABC"))
    assert [tuple(row) for row in cells.values()] == safe


def test_a_huge_field_and_a_thousand_columns_are_just_data() -> None:
    columns = [f"C{n}" for n in range(1_000)]
    content = f"{','.join(columns)}\n{','.join('x' for _ in columns)}\n".encode()
    assert len(read(content, form("csv"), columns)[0][2]) == 1_000
    huge = json.dumps({"a": "x" * 10_000_000})
    assert len(read(huge.encode(), form("json", lines=True), ["a"])[0][1][0]) == 10_000_000
    with pytest.raises(ExtractError, match="field larger than field limit"):
        read(f"a\n{'x' * 10_000_000}\n".encode(), form("csv"), ["a"])


# --- mended files ---------------------------------------------------------------------------------


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as one:
        yield one


def profile_of(how: dict[str, Any]) -> Profile:
    values = make_profile().model_dump(by_alias=True, exclude_unset=True)
    return Profile.model_validate({**values, "format": how})


PEOPLE_ROWS = [person(1), person(2, BORN="not yet"), person(3, NOTE="=1+1", BORN="never")]
COLUMNS = list(person(0))
PLACES = [{"name": name, "start": 1 + 30 * place, "width": 30} for place, name in enumerate(COLUMNS)]


def as_csv(rows: list[dict[str, str]], header: bool = True, before: str = "") -> str:
    out = io.StringIO()
    pd.DataFrame(rows, columns=COLUMNS, dtype="str").to_csv(out, index=False, header=header)
    return before + out.getvalue()


FILES: dict[str, tuple[dict[str, Any], str, bytes]] = {
    "csv behind other lines": (
        {"type": "csv", "skip_lines": 1},
        "p.csv",
        as_csv(PEOPLE_ROWS, before="A report\n").encode(),
    ),
    "csv without header": ({"type": "csv", "columns": COLUMNS}, "p.csv", as_csv(PEOPLE_ROWS, header=False).encode()),
    "fixed width": (
        {"type": "fixed_width", "columns": PLACES},
        "p.txt",
        "".join("".join(f"{row[name]:<30}" for name in COLUMNS) + "\n" for row in PEOPLE_ROWS).encode(),
    ),
    "json lines": ({"type": "json", "lines": True}, "p.jsonl", "\n".join(map(json.dumps, PEOPLE_ROWS)).encode()),
    "json": ({"type": "json", "records": "d.p"}, "p.json", json.dumps({"d": {"p": PEOPLE_ROWS}}).encode()),
    "excel": ({"type": "excel"}, "p.xlsx", workbook([COLUMNS, *[list(row.values()) for row in PEOPLE_ROWS]])),
}


@pytest.mark.parametrize(("how", "name", "content"), FILES.values(), ids=FILES.keys())
def test_a_rejections_file_mended_and_dropped_back_loads_the_rest(
    house: House, how: dict[str, Any], name: str, content: bytes
) -> None:
    house = house.with_profile(profile_of(how))
    receipt = house.run("run", {name: content})
    assert receipt.total == total(created=1, rejected=2)
    assert reasons(receipt) == {("rejected", "bad_value", "birth_date"): 2}
    stem, _, ending = name.partition(".")
    rejected = house.rejected_file("run", f"{stem}.rejected.{ending}")
    mended = mend(rejected, how["type"])
    assert mended != rejected
    again = house.run("again", {name: mended})
    assert again.total == total(created=2)
    born = {user["document"]["birth_date"] for user in house.users().values()}
    assert born == {"1911-02-03", "2000-01-01"}
    if how["type"] != "excel":
        assert house.users()["s3"]["document"]["user_note"][0]["note_text"] == "=1+1"


def mend(content: bytes, kind: str) -> bytes:
    """Mend the dates, as a person would in an editor or in a spreadsheet."""
    if kind != "excel":
        for wrong in (b"not yet", b"never"):
            padding = b" " * (len(b"2000-01-01") - len(wrong)) if kind == "fixed_width" else b""
            content = content.replace(wrong + padding, b"2000-01-01")
        return content
    book = openpyxl.load_workbook(io.BytesIO(content))
    for row in book.active.iter_rows():
        for one in row:
            if one.value in {"not yet", "never"}:
                one.value = "2000-01-01"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_rejected_record_that_could_not_be_read_is_given_back_as_it_came() -> None:
    lines = b'{"a": 1}\n{"a": \n'
    kept = write_rejected(io.BytesIO(lines), "x", form("json", lines=True), {2: Finding(2, "", "bad_value", "why")})
    assert json.loads(kept) == {
        "matchpoint_row": 2, "matchpoint_field": "", "matchpoint_reason": "The value cannot be converted: why",
        "record": '{"a": ',
    }  # fmt: skip


@pytest.mark.parametrize("depth", [20_000, 6_000])
def test_a_nest_that_is_closed_again_is_refused_before_the_parser_meets_it(depth: int) -> None:
    document = b'[{"a": ' + b"[" * depth + b"]" * depth + b"}]"
    form = JsonFormat.model_validate({"type": "json"})
    with pytest.raises(ExtractError, match="nested without end"):
        list(read_json(io.BytesIO(document), "people.json", form, ["a"]))
