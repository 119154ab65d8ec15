"""Alma's code tables: read from YAML and from Alma's exports, kept in the store, asked by the check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from helpers import open_house

from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.code_tables import files_of, main, read_all
from matchpoint.errors import CodeTableError
from matchpoint.read.code_tables import read_code_tables
from matchpoint.store import open_store
from matchpoint.store.code_tables import load_code_tables, save_code_tables

PUBLISHED = Path(__file__).resolve().parents[2] / "include" / "code_tables"
YAML = """
UserGroups:
  STAFF: Staff
  NO: Norwegian
  GUEST: {description: Guest, record_types: [PUBLIC, CONTACT], enabled: false, default: true}
"""
STAFF = Code("UserGroups", "STAFF", "Staff")
OLD = Code("UserGroups", "007", "Old, but kept", enabled=False)
API = {"name": "UserGroups", "row": [
    {"code": "STAFF", "description": "Staff", "enabled": True, "default": False},
    {"code": "007", "description": "Old, but kept", "enabled": False},
]}  # fmt: skip
XML = (
    "<code_table><name>UserGroups</name><rows><row><code>STAFF</code><description>Staff</description></row>"
    "<row><code>007</code><description>Old, but kept</description><enabled>false</enabled></row></rows></code_table>"
)
ROWS = [["User Groups", None, None, None], ["Code", "Description", "Default Value", "Enabled"],
        ["STAFF", "Staff", "No", "Yes"], ["007", "Old, but kept", None, "No"], [None, None, None, None]]  # fmt: skip


def saved(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.law("code-tables")
def test_yaml_may_hold_many_tables_and_says_more_where_there_is_more(tmp_path: Path) -> None:
    guest = {"description": "Guest", "enabled": False, "is_default": True}
    assert read_code_tables(saved(tmp_path, "a.yaml", YAML)) == [
        STAFF,
        Code("UserGroups", "NO", "Norwegian"),
        Code("UserGroups", "GUEST", scope="PUBLIC", **guest),
        Code("UserGroups", "GUEST", scope="CONTACT", **guest),
    ]


def sheet(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(path)
    return path


def exports(folder: Path) -> Iterator[Path]:
    yield sheet(folder / "UserGroups.xlsx")
    yield saved(folder, "UserGroups.csv", "\n".join(",".join(f'"{cell or ""}"' for cell in row) for row in ROWS))
    yield saved(folder, "any.json", json.dumps(API))
    yield saved(folder, "any.xml", XML)


@pytest.mark.law("code-tables")
def test_what_alma_exports_is_read_in_all_its_forms(tmp_path: Path) -> None:
    for path in exports(tmp_path):
        assert read_code_tables(path) == [STAFF, OLD], path.name


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "x", "found .txt; expected one of .yaml"),
        ("a.yaml", "", "found what is no code table"),
        ("a.yaml", "UserGroups: [STAFF]", "found what is no code table"),
        ("a.yaml", "UserGroups: {}", "found no code"),
        ("a.csv", "Name,Text\nSTAFF,Staff\n", "found no header; expected one with the columns Code and Description"),
        ("a.csv", "Code,Description\nA,x\nA,y\n", "table a: found the code 'A' twice"),
        ("a.json", "{}", "found what is no code table"),
        ("a.xml", "<code_table>", "found what is no code table"),
        ("a.xml", "<code_table/>", "no <name>"),
    ],
)
def test_what_is_no_code_table_is_told_with_its_file(tmp_path: Path, name: str, content: str, told: str) -> None:
    path = saved(tmp_path, name, content)
    with pytest.raises(CodeTableError) as caught:
        read_code_tables(path)
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_one_table_in_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CodeTableError, match=r"found the table UserGroups of .*a\.yaml again"):
        read_all([saved(tmp_path, "a.yaml", YAML), saved(tmp_path, "b.yaml", YAML)])
    with pytest.raises(CodeTableError, match="found no file"):
        files_of(tmp_path / "nowhere")


@pytest.mark.law("code-scope")
@pytest.mark.parametrize(
    ("table", "code", "record_type", "problem"),
    [
        ("UserGroups", "STAFF", "PUBLIC", None),
        ("UserGroups", "GUEST", "PUBLIC", "code_unknown"),
        ("UserGroups", "staff", "PUBLIC", "code_unknown"),
        ("UserEmailTypes", "school", "PUBLIC", None),
        ("UserEmailTypes", "school", "STAFF", "code_not_for_record_type"),
        ("UserEmailTypes", "school", "", None),
        ("Genders", "ANY", "PUBLIC", None),
    ],
    ids=["known", "disabled", "another case", "for it", "for others", "record type unknown", "table not loaded"],
)
def test_a_code_is_good_for_its_record_types(table: str, code: str, record_type: str, problem: str | None) -> None:
    school = Code("UserEmailTypes", "school", scope="PUBLIC")
    tables = CodeTables([STAFF, Code("UserGroups", "GUEST", enabled=False), school])
    assert tables.problem(table, code, record_type) == problem


def test_the_store_keeps_tables_and_replaces_them_whole(store_url: str, tmp_path: Path) -> None:
    with open_house(store_url, tmp_path) as house:
        published = read_all(files_of(PUBLISHED))
        counts = save_code_tables(house.engine, published)
        assert counts["UserGroups"] == 7
        assert set(load_code_tables(house.engine)) == set(published)
        save_code_tables(house.engine, [STAFF])
        kept = load_code_tables(house.engine)
        assert [one for one in kept if one.table == "UserGroups"] == [STAFF]
        assert "CountryCodes" in kept.names


def test_the_command_loads_files_into_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert main([*map(str, files_of(PUBLISHED)), "--store", url]) == 0
    assert "UserGroups: 7 codes" in capsys.readouterr().out
    assert main([str(saved(tmp_path, "bad.yaml", "")), "--store", url]) == 1
    assert "bad.yaml: found what is no code table" in capsys.readouterr().err
    assert "Genders" in load_code_tables(open_store(url)).names
