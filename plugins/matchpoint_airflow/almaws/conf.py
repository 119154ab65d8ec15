"""Alma's configuration API, as far as loading users needs it: the code tables."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from lxml import etree

from matchpoint.errors import AccountError
from matchpoint.store.code_tables import load_code_tables
from matchpoint_airflow.almaws.documents import EMPTY
from matchpoint_airflow.almaws.server import ServerOf, caller
from matchpoint_airflow.almaws.wire import answer

router = APIRouter(prefix="/conf", tags=["Configuration"], dependencies=[Depends(caller)])


@router.get("/code-tables", responses=EMPTY)
def list_code_tables(request: Request, here: ServerOf) -> Response:
    """Give the names of the code tables."""
    names = load_code_tables(here.alma.engine).names
    tables = [{"name": name, "link": f"/almaws/v1/conf/code-tables/{name}"} for name in names]
    value = {"code_table": tables, "total_record_count": len(tables)}
    return answer(request, value, lambda: _list("code_tables", "code_table", tables))


@router.get("/code-tables/{name}", responses=EMPTY)
def get_code_table(request: Request, here: ServerOf, name: str, scope: str = "") -> Response:
    """Give the codes of a table, all of them or those for users of one record type."""
    tables = load_code_tables(here.alma.engine)
    if name not in tables.names:
        raise AccountError("402119", f"code table {name}: found none of that name")
    rows = [
        {
            "code": one.code,
            "description": one.description,
            "default": _flag(one.is_default),
            "enabled": _flag(one.enabled),
        }
        for one in tables
        if one.table == name and scope in {"", one.scope}
    ]
    return answer(request, {"name": name, "row": rows}, lambda: _table(name, rows))


def _table(name: str, rows: list[dict[str, Any]]) -> etree._Element:
    root = etree.Element("code_table")
    etree.SubElement(root, "name").text = name
    root.append(_list("rows", "row", rows))
    return root


def _list(name: str, one: str, rows: list[dict[str, Any]]) -> etree._Element:
    root = etree.Element(name, total_record_count=str(len(rows)))
    for row in rows:
        home = etree.SubElement(root, one)
        for key, value in row.items():
            etree.SubElement(home, key).text = str(value)
    return root


def _flag(value: bool) -> str:
    """Write a flag as Alma does here, in JSON too: as a word."""
    return str(value).lower()
