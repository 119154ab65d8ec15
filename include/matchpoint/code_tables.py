"""Loading Alma's code tables into a user store.

``python -m matchpoint.code_tables FILE... --store sqlite:///store.db`` reads files as
:mod:`matchpoint.read.code_tables` does and replaces the tables that they hold.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.errors import CodeTableError, MatchpointError
from matchpoint.read.code_tables import read_code_tables
from matchpoint.store import open_store, upgrade
from matchpoint.store.code_tables import save_code_tables


def files_of(folder: Path) -> list[Path]:
    """List the files of a folder that may hold code tables; raises :class:`CodeTableError` when there is none."""
    files = sorted(one for one in folder.glob("*") if one.is_file() and not one.name.startswith("."))
    if not files:
        raise CodeTableError(f"{folder}: found no file; expected at least one with code tables")
    return files


def read_all(files: Iterable[Path]) -> list[Code]:
    """Read the code tables of many files; a table in two of them is an error."""
    codes: list[Code] = []
    came_from: dict[str, Path] = {}
    for file in files:
        read = read_code_tables(file)
        for table in {one.table for one in read}:
            if table in came_from:
                raise CodeTableError(f"{file}: found the table {table} of {came_from[table]} again")
            came_from[table] = file
        codes += read
    return codes


def update_code_tables(engine: Engine, files: Iterable[Path]) -> dict[str, int]:
    """Read files, and when all are good replace their tables in the store; give the number of codes by table."""
    return save_code_tables(engine, read_all(files))


def with_scopes(codes: Iterable[Code], known: CodeTables) -> list[Code]:
    """Give codes for the record types for which they are known: a list by Alma's API does not tell those.

    Whether the API has a scope for each record type is not in the reference.
    """
    scopes: dict[tuple[str, str], list[str]] = {}
    for one in known:
        scopes.setdefault((one.table, one.code), []).append(one.scope)
    return [replace(one, scope=scope) for one in codes for scope in scopes.get((one.table, one.code), [""])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    parser = argparse.ArgumentParser(prog="matchpoint.code_tables", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="YAML, or Alma's export as CSV, Excel, JSON or XML")
    parser.add_argument("--store", required=True, help="SQLAlchemy URL of the user store")
    options = parser.parse_args(arguments)
    engine = open_store(options.store)
    try:
        upgrade(engine)
        counts = update_code_tables(engine, options.files)
    except MatchpointError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.writelines(f"{name}: {number} codes\n" for name, number in counts.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
