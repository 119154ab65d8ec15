"""Transform: one extract into staged users and findings, in bounded memory.

Rows that a profile loaded before, and that are as they were, are recognised by their raw form and not even parsed. Of
the others those in which nothing can be wrong are mapped and written a column at a time, the rest one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from types import MappingProxyType
from typing import IO, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from matchpoint import staged
from matchpoint.alma.check import Context, check_user
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import User
from matchpoint.chunks import chunks, without_gc
from matchpoint.findings import Finding
from matchpoint.hashes import Hashes
from matchpoint.joined import read_joined
from matchpoint.judge import judge
from matchpoint.known import Known, KnownRows, mapping_version
from matchpoint.leavers.named import Named, forget_named, named_in_columns, named_in_users, write_named
from matchpoint.leavers.policy import leavers_of
from matchpoint.mapping.converters import Strings
from matchpoint.mapping.documents import identifier_hashes
from matchpoint.mapping.doubtful import doubtful_rows
from matchpoint.mapping.stand_ins import StandIn, stand_ins_of, with_defaults
from matchpoint.mapping.users import map_rows, users_of
from matchpoint.precedence import rank_rows
from matchpoint.profile import AlmaXmlFormat, CsvFormat, Profile
from matchpoint.read.alma_xml import read_alma_xml
from matchpoint.read.frames import CHUNK_ROWS
from matchpoint.read.raw_records import NotLineWise, RawRecords
from matchpoint.read.raw_rows import RawRows
from matchpoint.run_folder import Extract, RunFolder

Watch = Callable[[pd.DataFrame, dict[str, Strings]], None]
"""Is shown the rows of every frame and the columns they are mapped to; in several threads."""
WORKERS = 2
"""Pieces that are mapped side by side; Arrow leaves Python's lock alone meanwhile."""


@dataclass(frozen=True)
class Piece:
    """Some rows of an extract: staged users, findings, known rows with their users, whom rejected ones are about."""

    users: pa.Table = field(default_factory=staged.SCHEMA.empty_table)
    findings: list[Finding] = field(default_factory=list)
    known: KnownRows = field(default_factory=KnownRows.none)
    named: Named = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)

    @property
    def rejected(self) -> set[int]:
        """The rows that a finding rejects."""
        return {finding.row for finding in self.findings if finding.severity == "reject"}


class Transformer:
    """What transforming the rows of one profile needs to know."""

    def __init__(
        self,
        profile: Profile,
        as_of: date,
        tables: CodeTables,
        known: Known | None = None,
        *,
        fast: bool = True,
        watch: Watch | None = None,
    ) -> None:
        self.profile = profile
        self.as_of = as_of
        self.context = Context(tables, profile.record_type)
        self.known = known or Known.nothing()
        self.fast = fast
        self.names_rejected = leavers_of(profile) is not None
        self.watch = watch

    def pieces(self, folder: RunFolder, extract: Extract, wanted: Hashes | None = None) -> Iterator[Piece]:
        """Transform an extract piece by piece; ``wanted`` are the row numbers to take, all when None.

        Raises :class:`NotLineWise` when that cannot be done by raw rows, and ExtractError as the readers do.
        """
        form = self.profile.format
        if isinstance(form, CsvFormat) and self.fast and not self.profile.joins:
            with folder.root.joinpath(extract.path).open("rb") as file:
                yield from self._by_raw_rows(file, extract.label, form, wanted)
        else:
            yield from self.plain_pieces(folder, extract)

    def plain_pieces(self, folder: RunFolder, extract: Extract) -> Iterator[Piece]:
        """Transform an extract without raw rows."""
        form = self.profile.format
        with folder.root.joinpath(extract.path).open("rb") as file:
            if isinstance(form, AlmaXmlFormat):
                for chunk in chunks(read_alma_xml(file, extract.label, form), CHUNK_ROWS):
                    found = [one for _, _, some in chunk for one in some]
                    yield self._one_by_one({row: user for row, user, _ in chunk}, found)
            else:
                for frame, ragged in read_joined(folder, file, extract, self.profile, form):
                    yield self._of_frame(frame, ragged)

    def _by_raw_rows(self, file: IO[bytes], label: str, form: CsvFormat, wanted: Hashes | None) -> Iterator[Piece]:
        raw = RawRows(file, label, form, self.profile.columns)
        seed = mapping_version(self.profile, self.context.tables, raw.raw_header)
        coming: deque[Future[Piece]] = deque()
        with ThreadPoolExecutor(WORKERS) as pool:
            for known, records in raw.split(seed, self.known, wanted):
                yield Piece(known=known)
                if records is not None:
                    coming.append(pool.submit(self._of_records, raw, records))
                if len(coming) > WORKERS:
                    yield coming.popleft().result()
            yield from (piece.result() for piece in coming)
        if raw.is_empty:
            raise NotLineWise

    def _of_records(self, raw: RawRows, records: RawRecords) -> Piece:
        frame, ragged = raw.frame(records)
        return self._of_frame(frame, ragged, records)

    def _of_frame(self, frame: pd.DataFrame, ragged: list[Finding], raw: RawRecords | None = None) -> Piece:
        columns, mapped = map_rows(frame, self.profile, self.as_of)
        columns, stand_ins = with_defaults(columns, self.profile.defaults, self.context)
        if self.watch:
            self.watch(frame, columns)
        found = ragged + mapped
        rows = frame.index.to_numpy()
        identifiers = identifier_hashes(columns)
        faulty = np.isin(rows, [finding.row for finding in found])
        doubtful = (
            doubtful_rows(columns, identifiers, faulty, self.profile, self.context)
            if self.fast
            else np.ones(len(rows), dtype=bool)
        )
        odd = rows[doubtful].tolist()
        users = users_of({name: one[doubtful] for name, one in columns.items()}, odd, self.profile) if odd else {}
        piece = self._one_by_one(users, found)
        sure = ~doubtful
        if sure.any():
            clean = {name: one[sure] for name, one in columns.items()} if odd else columns
            quick = staged.of_columns(clean, rows[sure], [one[sure] for one in identifiers], self.profile)
            whole = pa.concat_tables([quick, piece.users])
            piece = Piece(whole.sort_by("row") if odd else whole, piece.findings)
        table = staged.with_ranks(piece.users, rank_rows(frame, self.profile.precedence))
        table = staged.with_row_hashes(table, raw.rows, raw.hashes) if raw else table
        named = named_in_columns(columns, piece.rejected) if self.names_rejected else []
        return Piece(table, piece.findings, named=named, stand_ins=stand_ins)

    def _one_by_one(self, users: dict[int, User], found: list[Finding]) -> Piece:
        checks = {str(code): severity for code, severity in self.profile.checks.items()}
        findings = list(found)
        for row, user in users.items():
            users[row], more = judge(row, user, check_user(user, self.context), checks)
            findings += more
        piece = Piece(findings=_told_once(findings))
        rejected = piece.rejected
        good = {row: user for row, user in users.items() if row not in rejected}
        named = named_in_users(users, rejected) if self.names_rejected else []
        return Piece(staged.of_users(good, self.profile), piece.findings, named=named)


@without_gc()
def transform_extract(
    folder: RunFolder,
    extract: Extract,
    profile: Profile,
    as_of: date,
    tables: CodeTables | None = None,
    *,
    known: Known | None = None,
    fast: bool = True,
    watch: Watch | None = None,
) -> dict[str, int]:
    """Write ``users/NNN.parquet``, ``known/NNN.parquet`` and ``findings/NNN.jsonl`` of an extract; give counts.

    A row that a finding rejects is not among the users. ``tables`` are Alma's code tables, where they are known;
    ``known`` are the raw rows that were loaded before. Without ``fast`` every row is read, mapped and checked alone:
    slow, and what the fast way is measured by. The counts are of rows, of known and of rejected ones. Raises
    ExtractError when the extract as a whole cannot be read.
    """
    transformer = Transformer(profile, as_of, tables or CodeTables(), known, fast=fast, watch=watch)
    try:
        counts = _write(folder, extract, transformer, plain=False)
    except NotLineWise:
        counts = _write(folder, extract, transformer, plain=True)
    pa.default_memory_pool().release_unused()  # where the next step runs in this process, it wants room too
    said = {**counts, "epoch": transformer.known.epoch, "as_of": as_of.isoformat()}
    folder.write_json(f"users/{extract.number:03}.json", said)
    folder.write_json(f"users/{extract.number:03}.profile.json", profile.model_dump(**_WRITTEN))
    return counts


_WRITTEN: Mapping[str, Any] = MappingProxyType({"mode": "json", "by_alias": True, "exclude_unset": True})
"""How a profile is written, to be read again as it was."""


def transform_again(folder: RunFolder, extract: Extract, transformer: Transformer, rows: Hashes) -> None:
    """Transform known rows of an extract after all, by number: ``users/NNN.woken.parquet`` and their findings."""
    number = f"{extract.number:03}"
    pieces = list(transformer.pieces(folder, extract, np.sort(rows)))
    with folder.path("users", f"{number}.woken.parquet").open("wb") as out:
        pq.write_table(pa.concat_tables(piece.users for piece in pieces), out, **staged.WRITING)
    findings = (asdict(finding) for piece in pieces for finding in piece.findings)
    folder.write_lines(f"findings/{number}.woken.jsonl", findings)
    if transformer.profile.defaults:
        folder.write_lines(stand_ins_of(extract, ".woken"), (one for piece in pieces for one in piece.stand_ins))
    if transformer.names_rejected:
        write_named(folder, extract, (one for piece in pieces for one in piece.named), ".woken")


def forget_woken(folder: RunFolder, extract: Extract) -> None:
    """Take away what :func:`transform_again` left: a plan that is made anew wakes rows anew."""
    for name in (f"users/{extract.number:03}.woken.parquet", f"findings/{extract.number:03}.woken.jsonl"):
        folder.path(*name.split("/")).unlink(missing_ok=True)
    forget_named(folder, extract)


def _write(folder: RunFolder, extract: Extract, transformer: Transformer, *, plain: bool) -> dict[str, int]:
    number = f"{extract.number:03}"
    findings: list[Finding] = []
    known: list[KnownRows] = []
    named: Named = []
    stand_ins: list[StandIn] = []
    rejected, rows = 0, 0
    work = transformer.plain_pieces if plain else transformer.pieces
    with (
        folder.path("users", f"{number}.parquet").open("wb") as out,
        pq.ParquetWriter(out, staged.SCHEMA, **staged.WRITING) as writer,
    ):
        for piece in work(folder, extract):
            if piece.users.num_rows:
                writer.write_table(piece.users)
            known.append(piece.known)
            findings += piece.findings
            named += piece.named
            stand_ins += piece.stand_ins
            refused = len(piece.rejected)
            rejected += refused
            rows += piece.users.num_rows + len(piece.known.rows) + refused
    folder.write_lines(f"findings/{number}.jsonl", (asdict(finding) for finding in findings))
    if transformer.profile.defaults:
        folder.write_lines(stand_ins_of(extract), stand_ins)
    if transformer.names_rejected:
        write_named(folder, extract, named)
    recognised = KnownRows.joined(known)
    recognised.write(folder, extract)
    return {"rows": rows, "known": len(recognised.rows), "rejected": rejected}


def _told_once(findings: list[Finding]) -> list[Finding]:
    """Leave out what the schema says of a field of which Alma's own words tell the same."""
    told = {(one.row, one.field.partition(".")[0]) for one in findings if one.code != "schema"}
    return [one for one in findings if one.code != "schema" or (one.row, one.field.partition(".")[0]) not in told]
