"""Transform: one extract into users and findings, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from matchpoint.alma.check import Context, check_user
from matchpoint.alma.code_tables import CodeTables
from matchpoint.alma.fields import User
from matchpoint.alma.identifiers import identifiers
from matchpoint.chunks import chunks
from matchpoint.findings import Finding
from matchpoint.joined import read_joined
from matchpoint.judge import judge
from matchpoint.mapping import map_users
from matchpoint.precedence import rank_rows
from matchpoint.profile import AlmaXmlFormat, Profile
from matchpoint.read.alma_xml import read_alma_xml
from matchpoint.read.frames import CHUNK_ROWS
from matchpoint.run_folder import Extract, RunFolder

SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("rank", pa.int64()),
        ("user", pa.string()),
        ("identifiers", pa.string()),
        ("source_hash", pa.string()),
    ]
)
"""A transformed extract: row number, rank by the profile's precedence, the user in Alma's JSON form, its identifiers
as a JSON list of [type, value], and the hash of the user."""


def transform_extract(
    folder: RunFolder, extract: Extract, profile: Profile, as_of: date, tables: CodeTables | None = None
) -> dict[str, int]:
    """Write ``users/NNN.parquet`` and ``findings/NNN.jsonl`` of an extract; give counts of rows and findings.

    A row that a finding rejects is not among the users. ``tables`` are Alma's code tables, where they are known.
    Raises ExtractError when the extract as a whole cannot be read.
    """
    context = Context(tables or CodeTables(), profile.record_type)
    checks = {str(code): severity for code, severity in profile.checks.items()}
    number = f"{extract.number:03}"
    findings: list[Finding] = []
    rows = 0
    with (
        folder.path("users", f"{number}.parquet").open("wb") as file,
        pq.ParquetWriter(file, SCHEMA) as writer,
    ):
        for users, read, ranks in read_users(folder, extract, profile, as_of):
            found = list(read)
            for row, user in users.items():
                users[row], more = judge(row, user, check_user(user, context), checks)
                found += more
            found = _told_once(found)
            bad = _rejected(found)
            rows += len(users.keys() | bad)
            findings += found
            good = {row: user for row, user in users.items() if row not in bad}
            writer.write_table(_table(good, ranks))
    folder.write_lines(f"findings/{number}.jsonl", (asdict(finding) for finding in findings))
    counts = {"rows": rows, "rejected": len(_rejected(findings))}
    folder.write_json(f"users/{number}.json", counts)
    return counts


def _rejected(findings: list[Finding]) -> set[int]:
    return {finding.row for finding in findings if finding.severity == "reject"}


def _told_once(findings: list[Finding]) -> list[Finding]:
    """Leave out what the schema says of a field of which Alma's own words tell the same."""
    told = {(one.row, one.field.partition(".")[0]) for one in findings if one.code != "schema"}
    return [one for one in findings if one.code != "schema" or (one.row, one.field.partition(".")[0]) not in told]


def read_users(
    folder: RunFolder, extract: Extract, profile: Profile, as_of: date
) -> Iterator[tuple[dict[int, User], list[Finding], dict[int, int]]]:
    """Read an extract in chunks: users by row number, the findings so far, ranks by row number where not 0."""
    with folder.root.joinpath(extract.path).open("rb") as file:
        if not isinstance(profile.format, AlmaXmlFormat):
            for frame, ragged in read_joined(folder, file, extract, profile, profile.format):
                users, found = map_users(frame, profile, as_of)
                yield users, ragged + found, rank_rows(frame, profile.precedence)
        else:
            for chunk in chunks(read_alma_xml(file, extract.label, profile.format), CHUNK_ROWS):
                yield {row: user for row, user, _ in chunk}, [one for _, _, found in chunk for one in found], {}


def _table(users: dict[int, User], ranks: dict[int, int]) -> pa.Table:
    texts = [orjson.dumps(user, option=orjson.OPT_SORT_KEYS) for user in users.values()]
    return pa.table(
        {
            "row": list(users),
            "rank": [ranks.get(row, 0) for row in users],
            "user": [text.decode() for text in texts],
            "identifiers": [orjson.dumps(identifiers(user)).decode() for user in users.values()],
            "source_hash": [xxhash.xxh3_128_hexdigest(text) for text in texts],
        },
        schema=SCHEMA,
    )
