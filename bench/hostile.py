"""Hostile input: thousands of files that are out to do harm, through the whole library, which must withstand each.

``python -m bench.hostile --cases 10000`` (with ``PYTHONPATH=include:.``); ``make test`` runs a few hundred of them.
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy import Engine

from bench.hostile_files import FEW, KINDS, PERSON, PROFILES, Hostile
from matchpoint.errors import ExtractError
from matchpoint.fetch import keep
from matchpoint.make_plan import make_plan
from matchpoint.make_receipt import make_receipt
from matchpoint.read.limits import MAX_RATIO
from matchpoint.report import render_html, render_json, render_markdown
from matchpoint.run_folder import RunFolder
from matchpoint.store import open_store, upgrade
from matchpoint.transform import transform_extract

AS_OF = date(2026, 9, 1)
NOW = datetime(2026, 9, 1, 5, tzinfo=UTC)
SECONDS = 20.0
"""What one small file may take at most."""
ROOM = 1 << 20
"""Bytes that a run folder may hold beside a multiple of what came in."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@dataclass
class Castle:
    """What is attacked: a store, a place for run folders, and a neighbour that nobody may touch."""

    root: Path
    engine: Engine
    came_out: Counter[str] = field(default_factory=Counter)

    def withstand(self, file: Hostile) -> None:
        """Send a file through the library, and make sure that it did no harm."""
        run = self.root / "run"
        shutil.rmtree(run, ignore_errors=True)
        before, started = _outside(self.root), time.monotonic()
        try:
            self._load(file, RunFolder(run))
        except ExtractError as error:
            self.came_out["refused"] += 1
            said = "".join(traceback.format_exception(error))
            _must(str(error).startswith(file.name), "the message does not name the file")
            _must(PERSON not in said.replace(file.name, ""), "a person is named")
        else:
            self.came_out["loaded"] += 1
        _must(time.monotonic() - started < SECONDS, "it took too long")
        _must(_outside(self.root) == before, "something was written outside of the run folder")
        _check_bounds(run, len(file.content))

    def _load(self, file: Hostile, folder: RunFolder) -> None:
        profile, copy = PROFILES[file.profile], folder.path("fetched", "copy")
        copy.write_bytes(file.content)
        extracts = keep(folder, copy, f"/in/{file.name}", 1, 0, profile=profile)
        folder.write_manifest(extracts)
        for extract in extracts:
            transform_extract(folder, extract, profile, AS_OF)
        how = {"mode": "synchronize", "run_id": "run", "as_of": AS_OF.isoformat(), "dry_run": True}
        counts = make_plan(folder, self.engine, profile, now=NOW, **how)  # type: ignore[arg-type]
        receipt = make_receipt(folder, profile, now=NOW)
        _must(receipt.total == counts, "the receipt tells otherwise than the plan")
        _must(counts["processed"] == sum(counts.values()) - counts["processed"], "rows are missing")
        for text in (render_html(receipt), render_markdown(receipt), render_json(receipt)):
            _must(PERSON not in text.replace(file.name, ""), "a person is named in the report")
            _must("<script>a" not in text, "a script is in the report")
        for one in receipt.files:
            if one.rejections:
                _check_rejections(folder.root.joinpath("rejections", one.rejections))


def _must(holds: bool, harm: str) -> None:
    if not holds:
        raise AssertionError(harm)


def _outside(root: Path) -> dict[str, int]:
    skipped = {root / "run", root / "store"}
    files = (path for path in root.rglob("*") if not skipped & {path, *path.parents})
    return {str(path): path.stat().st_size for path in files}


def _check_bounds(run: Path, size: int) -> None:
    _must(all(path.resolve().is_relative_to(run.resolve()) for path in run.rglob("*")), "a link leads out")
    _must(not any(path.is_symlink() for path in run.rglob("*")), "a link was made")
    extracts = sum(path.stat().st_size for path in run.glob("extracts/*"))
    _must(extracts <= MAX_RATIO * size + ROOM, "it unpacked without bound")
    everything = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    _must(everything <= size + 30 * extracts + ROOM, "it grew without bound")


def _check_rejections(path: Path) -> None:
    """Make sure that a spreadsheet finds no formula in a rejections file."""
    content = path.read_bytes()
    if path.suffix == ".xlsx" or content.startswith(b"PK\x03\x04"):
        with _maybe_workbook(content) as rows:
            _must(not any(str(cell).startswith(_FORMULAS) for row in rows for cell in row), "a formula in a workbook")
    elif path.name.endswith(".rejected.csv"):
        try:
            rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        except (UnicodeDecodeError, csv.Error):
            return  # of a profile with another encoding or other quotes
        lead = rows[0][:1] == ["matchpoint_row"] if rows else False
        _must(not lead or not any(cell.startswith(_FORMULAS) for row in rows for cell in row), "a formula in a CSV")


@contextmanager
def _maybe_workbook(content: bytes) -> Iterator[Iterator[tuple[object, ...]]]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    except KeyError:  # a zip of another kind
        yield iter(())
        return
    yield (tuple(cell or "" for cell in row) for row in book.worksheets[0].iter_rows(values_only=True))
    book.close()


@contextmanager
def castle(root: Path) -> Iterator[Castle]:
    """Build what is attacked in an empty folder."""
    (root / "neighbour").mkdir()
    (root / "store").mkdir()
    (root / "neighbour" / "file").write_text("untouched")
    engine = open_store(f"sqlite:///{root / 'store' / 'store.sqlite'}")
    upgrade(engine)
    try:
        yield Castle(root, engine)
    finally:
        engine.dispose()


def attack(one: Castle, kind: str, cases: int, number: int = 0) -> None:
    """Send so many files of a kind, or as many as it has; the same ones for the same number."""

    @seed(number)
    @settings(
        max_examples=min(cases, FEW.get(kind, cases)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(KINDS[kind])
    def withstands(file: Hostile) -> None:
        one.withstand(file)

    withstands()


def main() -> None:
    """Attack with all kinds, and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=list(KINDS), default=list(KINDS), help="kinds, all unless named")
    options = parser.parse_args()
    each = -(-options.cases // len(options.only))
    with tempfile.TemporaryDirectory() as root, castle(Path(root)) as one:
        for kind in options.only:
            begun, before = time.monotonic(), one.came_out.copy()
            attack(one, kind, each, options.seed)
            came = one.came_out - before
            print(
                f"{kind:20} {came['loaded']:6,} loaded {came['refused']:6,} refused {time.monotonic() - begun:6.0f} s"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        print(f"{one.came_out.total():,} files, no harm done; peak memory {peak:,} MiB")


if __name__ == "__main__":
    main()
