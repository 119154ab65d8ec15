"""Code tables from files: YAML of one's own, or what Alma exports, as a sheet from its screens or by its API.

A YAML file has any number of tables; a code is a description, or a mapping where there is more to say::

    UserGroups:
      STAFF: Staff
      GUEST: {description: Guest, record_types: [PUBLIC], enabled: false}

An exported sheet (CSV or Excel) has one table and is named like it, ``UserGroups.xlsx``; its header has the columns
Code and Description, and may have Enabled and Default. The API's answer (JSON or XML) says its name itself.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import openpyxl
import yaml
from lxml import etree

from matchpoint.alma.code_tables import Code
from matchpoint.errors import CodeTableError

_YES = {"true", "yes", "y", "1", "x", "enabled"}
_HEADER_ROWS = 10
"""How far down the header of a sheet is looked for: exports have a title above it."""


def read_code_tables(path: Path) -> list[Code]:
    """Read the code tables of a file; raises :class:`CodeTableError` that says what was expected."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise CodeTableError(f"{path}: found {path.suffix or 'no ending'}; expected one of {', '.join(_READERS)}")
    try:
        codes = list(read(path))
    except (OSError, ValueError, yaml.YAMLError, etree.XMLSyntaxError, KeyError, TypeError, AttributeError) as error:
        raise CodeTableError(
            f"{path}: found what is no code table ({type(error).__name__}: {error}); expected one as the guide shows"
        ) from error
    if not codes:
        raise CodeTableError(f"{path}: found no code; expected at least one. An empty table would reject everybody.")
    _check_twice(path, codes)
    return codes


def _check_twice(path: Path, codes: list[Code]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for one in codes:
        if (one.table, one.scope, one.code) in seen:
            raise CodeTableError(f"{path}, table {one.table}: found the code {one.code!r} twice; expected it once")
        seen.add((one.table, one.scope, one.code))


def _from_yaml(path: Path) -> Iterator[Code]:
    written = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 (it makes texts only)
    for table, codes in written.items():
        for code, said in codes.items():
            more = said if isinstance(said, dict) else {"description": said or ""}
            for scope in more.get("record_types", [""]):
                yield _code(table, code, more, scope)


def _code(table: str, code: Any, more: dict[str, Any], scope: str = "") -> Code:
    return Code(
        table=table,
        code=str(code).strip(),
        description=str(more.get("description") or "").strip(),
        scope=scope,
        enabled=_is_yes(more.get("enabled"), default=True),
        is_default=_is_yes(more.get("default"), default=False),
    )


def _is_yes(value: Any, *, default: bool) -> bool:
    return default if value in {None, ""} else str(value).strip().lower() in _YES


def _from_csv(path: Path) -> Iterator[Code]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from _from_rows(path, csv.reader(file))


def _from_excel(path: Path) -> Iterator[Code]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        yield from _from_rows(path, book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _from_rows(path: Path, rows: Iterable[Iterable[Any]]) -> Iterator[Code]:
    header: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        cells = ["" if cell is None else str(cell).strip() for cell in row]
        if not header:
            header = _header(cells)
            if not header and number >= _HEADER_ROWS:
                break
        elif cells[header["code"]]:
            yield _code(path.stem, cells[header["code"]], {name: cells[place] for name, place in header.items()})
    if not header:
        raise CodeTableError(f"{path}: found no header; expected one with the columns Code and Description")


def _header(cells: list[str]) -> dict[str, int]:
    """Give the place of each known column, or nothing when this is no header."""
    names = [cell.lower() for cell in cells]
    found: dict[str, int] = {}
    for wanted in ("code", "description", "enabled", "default"):
        for place, name in enumerate(names):
            if name == wanted or (wanted == "default" and name.startswith("default")):
                found[wanted] = place
    return found if {"code", "description"} <= found.keys() else {}


def _from_json(path: Path) -> Iterator[Code]:
    yield from codes_of(json.loads(path.read_text(encoding="utf-8")))


def codes_of(table: dict[str, Any]) -> Iterator[Code]:
    """Give the codes of a table as Alma's API answers it in JSON; raises KeyError for what is none."""
    for row in table["row"]:
        yield _code(table["name"], row["code"], row)


def _from_xml(path: Path) -> Iterator[Code]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.parse(str(path), parser).getroot()
    name = root.findtext("name")
    if name is None:
        raise ValueError("no <name>")
    for row in root.iter("row"):
        yield _code(name, row.findtext("code", ""), {str(child.tag): child.text for child in row})


_READERS: MappingProxyType[str, Callable[[Path], Iterator[Code]]] = MappingProxyType(
    {
        ".yaml": _from_yaml,
        ".csv": _from_csv,
        ".xlsx": _from_excel,
        ".json": _from_json,
        ".xml": _from_xml,
    }
)
