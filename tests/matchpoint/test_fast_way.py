"""The fast way of transforming, by raw records and a column at a time, against the plain one, row by row."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from helpers import AS_OF, PEOPLE, csv_text, make_profile, person
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.errors import ExtractError
from matchpoint.fetch import keep
from matchpoint.profile import Profile
from matchpoint.read.raw_records import NotLineWise, RawExtract, parse
from matchpoint.run_folder import RunFolder
from matchpoint.transform import Transformer, transform_extract

RICH = make_profile(
    PEOPLE,
    mapping={
        "status": "STATUS",
        "middle_name": {"from": ["MIDDLE", "FIRST"]},
        "emails": [
            {"types": ["work"], "preferred": True, "email_address": "EMAIL"},
            {"types": ["personal"], "preferred": True, "email_address": "EMAIL2", "description": "NOTE"},
        ],
        "addresses": [
            {"types": ["home"], "line1": "STREET", "city": "CITY", "country": {"constant": "GBR"}},
            {"types": ["work", "school"], "preferred": True, "city": "CITY2", "start_date": "SINCE"},
        ],
        "identifiers": [{"id_type": "BARCODE", "value": "CARD"}, {"id_type": "INST_ID", "value": "NET"}],
    },
)
"""A profile in which rows can be at fault in many ways."""
COLUMNS = [*person(0), "STATUS", "MIDDLE", "EMAIL2", "STREET", "CITY", "CITY2", "SINCE"]
TABLES = CodeTables(
    [Code("UserGroups", "UNDERGRAD"), Code("UserAddressTypes", "home"), Code("UserAddressTypes", "work")]
)

texts = st.one_of(
    st.sampled_from(
        ["", "", " ", "x", "UG", "GR", "2001-02-03", "ACTIVE", "active", 'a"b', "a\\b", "a,b", "é\u0301"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=5),
    st.sampled_from(["two\nlines", "tab\there", "\x0b", "\ufffe", "y" * 300, "Straße", "STRASSE", "s1", "S1"]),
)
rows = st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, texts))


def transformed(root: Path, content: bytes, profile: Profile, *, fast: bool) -> dict[str, Any]:
    """Transform an extract; give all that comes of it but the hashes of raw rows."""
    folder = RunFolder(root / str(fast))
    copy = folder.path("fetched", "people.csv")
    copy.write_bytes(content)
    (extract,) = keep(folder, copy, "/in/people.csv", 0, 0, profile=profile)
    try:
        counts = transform_extract(folder, extract, profile, AS_OF, TABLES, fast=fast)
    except ExtractError as error:
        return {"error": str(error)}
    transformer = Transformer(profile, AS_OF, TABLES, fast=fast)
    pieces = list(transformer.pieces(folder, extract) if not fast else _pieces(transformer, folder, extract))
    users = [row for piece in pieces for row in piece.users.drop_columns(["row_hash"]).to_pylist()]
    return {"counts": counts, "users": users, "findings": sorted(folder.findings(0), key=repr)}


def _pieces(transformer: Transformer, folder: RunFolder, extract: Any) -> list[Any]:
    try:
        return list(transformer.pieces(folder, extract))
    except NotLineWise:
        return list(transformer.plain_pieces(folder, extract))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(extract=st.lists(rows, min_size=1, max_size=8), address_type=st.sampled_from(["school", "home"]))
def test_both_ways_give_the_same_users_and_findings(
    tmp_path: Path, extract: list[dict[str, str]], address_type: str
) -> None:
    people = [{"ID": f"P{number}", "LAST": "Ito", **row} for number, row in enumerate(extract)]
    content = csv_text([{**dict.fromkeys(COLUMNS, ""), **one} for one in people], COLUMNS).encode()
    addresses = [{"types": [address_type], "line1": "STREET", "city": "CITY", "end_date": "SINCE"}]
    profile = RICH.model_copy(update={"mapping": make_profile(mapping={"addresses": addresses}).mapping})
    for one in (RICH, profile):
        assert transformed(tmp_path, content, one, fast=True) == transformed(tmp_path, content, one, fast=False)


LINES = (
    "ID,LAST,GROUP\n{}",
    "\ufeffID,LAST,GROUP\r\n{}\r\n",
)


@pytest.mark.parametrize("frame", LINES)
@pytest.mark.parametrize(
    "body",
    [
        "s1,Ito,UG\ns2,Diaz,GR",
        "s1,Ito,UG\n\n\ns2,Diaz,GR\n\n",
        's1,"Ito\nDiaz",UG\ns2,"O""Neil",GR',
        's1,"Ito\r\nDiaz",UG\r\ns2,X,GR',
        's1,I"to,UG\ns2,Di"az,GR\ns3,A,UG',
        's1,Ito",UG\ns2,Diaz,GR\ns3,"A,UG',
        's1,5" pipe,UG\ns2,"open,UG\ns3,close",UG',
        "s1,Ito\ns2,Diaz,GR\ns3,A,UG,more\n,,",
        's1,"never closed,UG\ns2,Diaz,GR',
        's1,"Ito"x,UG\ns2,Diaz,GR',
        "s1,Ito,UG\rs2,Diaz,GR",
        "",
        "\n\n",
    ],
)
def test_both_ways_read_the_same_rows(tmp_path: Path, frame: str, body: str) -> None:
    profile = _short()
    content = frame.format(body).encode()
    assert transformed(tmp_path, content, profile, fast=True) == transformed(tmp_path, content, profile, fast=False)


def _short() -> Profile:
    values = {"primary_id": "ID", "last_name": "LAST", "user_group": "GROUP"}
    return make_profile().model_copy(update={"mapping": type(make_profile().mapping).model_validate(values)})


def test_a_wrong_byte_is_told_with_its_line_by_the_fast_way_too(tmp_path: Path) -> None:
    found = transformed(tmp_path, b"ID,LAST,GROUP\ns1,Ito,UG\ns2,Di\xe4z,UG\n", _short(), fast=True)
    assert "line 3" in found["error"]


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab",\n\r '), max_size=6), min_size=2, max_size=3), min_size=1, max_size=12
    ),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(1, 40),
)
def test_raw_records_are_the_records_that_a_reader_reads(records: list[list[str]], quoting: Any, block: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows([["A", "B"], *records])
    form: Any = make_profile().format
    expected = list(csv.reader(io.StringIO(out.getvalue(), newline=""), strict=True))[1:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matchpoint.read.raw_records.BLOCK", block)
        try:
            raw = RawExtract(io.BytesIO(out.getvalue().encode()), "x.csv", form)
            lines = [line for some in raw.records(1) for line in some.lines]
        except NotLineWise:  # a quote stays open for longer than this tiny block
            return
    assert parse(lines, "utf-8", form) == expected
