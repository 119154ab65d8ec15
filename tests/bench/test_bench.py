"""The benchmark measures what it says: its extracts, its limits, and that it would notice a difference."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import orjson
from bench.end_state import differences
from bench.generate import COLUMNS, next_day, people, write_all
from bench.job import AS_OF
from bench.limits import alma_xml
from bench.limits.straight import Mapper, header_of, mapped, raw_records, stored
from bench.measuring import Measured
from bench.peers.mapping import to_user
from bench.profiles import bench_profile
from bench.table import lines, verdicts
from lxml import etree

from matchpoint.alma.law import new_user
from matchpoint.alma.xml_files import write_users
from matchpoint.mapping import map_users
from matchpoint.read.rows import read_rows

ROWS = 1_000


def test_a_day_changes_one_percent_and_the_same_seed_gives_the_same_people() -> None:
    before, after = ({row[0]: row for row in some} for some in (people(ROWS), next_day(ROWS)))
    assert list(people(ROWS)) == list(before.values())
    assert len(before) == len(after) == ROWS
    assert len(after.keys() - before.keys()) == len(before.keys() - after.keys()) == 5
    assert sum(before[one] != after[one] for one in before.keys() & after.keys()) == 10


def test_an_extract_is_as_the_table_says(tmp_path: Path) -> None:
    extracts = write_all(tmp_path, ROWS)
    content = extracts["day1"].read_text(encoding="utf-8")
    assert len(COLUMNS) == 32
    assert 260 < len(content) / ROWS < 300
    assert '"' in content
    assert not content.isascii()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert rows == list(csv.DictReader(extracts["reformatted"].open(encoding="utf-8")))


def test_the_limits_and_the_peers_build_the_documents_of_the_library(tmp_path: Path) -> None:
    profile = bench_profile()
    for extract in write_all(tmp_path, ROWS).values():
        with extract.open("rb") as file:
            [(frame, ragged)] = read_rows(file, extract.name, profile.format, profile.columns)  # type: ignore[arg-type]
        users, findings = map_users(frame, profile, AS_OF)
        assert not ragged
        assert not findings
        with extract.open("rb") as file:
            pieces_of = Mapper(header_of(file.readline())).pieces
            pieces = [pieces_of(raw) for records in raw_records(file) for raw in records]
        documents = [new_user(user, profile_code="banner", record_type="PUBLIC") for user in users.values()]
        assert [orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in users.values()] == list(map(mapped, pieces))
        assert documents == [orjson.loads(stored(one)) for one in pieces]
        with extract.open(encoding="utf-8", newline="") as text:
            assert documents == [to_user(row) for row in csv.DictReader(text)]


def test_the_limit_writes_the_xml_of_the_library() -> None:
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in people(200))
    users = list(map(to_user, rows))
    ours, limit = io.BytesIO(), io.BytesIO()
    write_users(ours, users)
    with etree.xmlfile(limit, encoding="utf-8") as out:
        out.write_declaration()
        with out.element("users"):
            for user in users:
                out.write(alma_xml.element_of(user), "\n")
    assert limit.getvalue() == ours.getvalue()
    limit.seek(0)
    assert list(alma_xml.users_of(limit)) == users


def test_a_difference_is_told_by_its_place() -> None:
    one = {"users": {"a": (1, {"x": 1}), "b": 2}, "history": {}}
    assert differences(one, {"users": {"a": (1, {"x": 1}), "b": 2}, "history": {}}) == []
    [told] = differences(one, {"users": {"a": (1, {"x": 2}), "b": 2}, "history": {}})
    assert told.startswith("users: 1 of 2 differ")
    assert differences(one, {"users": {"a": (1, {"x": 1})}, "history": {}})


def test_the_table_gives_verdicts() -> None:
    def measured(contestant: str, seconds: float) -> Measured:
        run = {"seconds": seconds, "peak_mib": 100, "counts": {"created": 3, "updated": 4}}
        return Measured(1_000_000, "day2", "sqlite", contestant, [run])

    rows = [measured("csv.reader", 3), measured("limit", 4), measured("matchpoint", 9), measured("pandas", 80)]
    assert verdicts(rows) == {
        ((1_000_000, "day2", "sqlite"), "ratio"): False,
        ((1_000_000, "day2", "sqlite"), "seconds"): True,
        ((1_000_000, "day2", "sqlite"), "memory"): True,
        ((1_000_000, "day2", "sqlite"), "pandas"): False,
    }
    table = list(lines(rows))
    assert "missed: ratio" in table[4]
    assert "missed: 8.9x" in table[5]
