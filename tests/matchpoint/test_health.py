"""The feed health gate: every sign has its own words and its own action, and none is told of a feed that is well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from feeds import check, check_again, feed, good, only, people, said, with_health
from helpers import (
    COLUMNS,
    House,
    csv_text,
    make_profile,
    open_house,
    person,
    rendered,
)
from lxml import html

from matchpoint.health.judge import Feed, judge
from matchpoint.health.measured import Measured
from matchpoint.health.words import TITLES, TO_DO
from matchpoint.profile.health import CHECKS, Health
from matchpoint.report import render_html, render_json, render_markdown
from matchpoint.store import writing
from matchpoint.store.feeds import forget_feed


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


# --- well, and new ----------------------------------------------------------------------------------


def test_feeds_that_are_well_are_told_nothing(house: House) -> None:
    assert good(house, feed(60), feed(61, 2), feed(55, 3), feed(60, 4)) == [[], [], [], []]


def test_without_history_only_what_needs_none_is_judged(house: House) -> None:
    odd = csv_text(people(60), [*reversed(COLUMNS)])
    assert check(house, "first", {"people.csv": odd}) == []
    assert said(check(house, "cut", {"people.csv": odd[:-20]})) == [("truncated", "stop", "")]


def test_what_was_not_applied_is_no_history(house: House) -> None:
    check(house, "parked", feed(60))
    assert check(house, "next", feed(20, 2)) == []


def test_import_and_synchronize_have_their_own_history(house: House) -> None:
    good(house, feed(60))
    assert check(house, "import", feed(20, 2), mode="import") == []
    assert said(check(house, "synchronize", feed(20, 2))) == [("row_count", "hold", "")]


# --- each sign --------------------------------------------------------------------------------------


def test_every_sign_has_words_and_an_action_of_its_own() -> None:
    assert set(CHECKS) == TITLES.keys() - {"unreachable", "empty"}
    assert TO_DO.keys() == TITLES.keys() - {"unreachable"}
    assert len(set(TITLES.values())) == len(TITLES)
    assert len(set(TO_DO.values())) == len(TO_DO)


def test_a_header_without_rows_is_empty_and_always_stops(house: House) -> None:
    verdict = only(check(house, "run", {"people.csv": csv_text([])}))
    assert (verdict.code, verdict.action) == ("empty", "stop")
    assert verdict.text == "people.csv: found no rows; expected at least one. Ask the SIS for it."


@pytest.mark.parametrize(
    ("ending", "found"),
    [
        ("S99,Half,Na", "a last row of 3 fields where the others have 9"),
        ('S99,"Half', "a quote in the last row that never closes"),
    ],
)
def test_a_file_that_ends_within_a_row_is_cut_off(house: House, ending: str, found: str) -> None:
    verdict = only(check(house, "run", {"people.csv": csv_text(people(5)) + ending}))
    assert (verdict.code, verdict.action, verdict.found) == ("truncated", "stop", found)
    assert verdict.text == f"people.csv: found {found}; expected a whole file. Have it sent again, whole."


def test_a_last_line_without_its_end_is_cut_off_only_where_they_ever_had_one(house: House) -> None:
    without_end = {"people_9.csv": csv_text(people(60, 9)).rstrip("\r\n")}
    assert check(house, "cold", without_end) == []
    good(house, feed(60))
    verdict = only(check(house, "cut", without_end))
    assert (verdict.code, verdict.found) == ("truncated", "a last line without its end")
    good(house, {"people_7.csv": csv_text(people(60, 7)).rstrip("\r\n")})
    assert check(house, "as ever", without_end) == []


def test_the_content_of_the_last_feed_is_told(house: House) -> None:
    good(house, feed(60))
    again = {"people_2.csv": feed(60)["people_1.csv"]}
    verdict = only(check(house, "again", again))
    assert (verdict.code, verdict.action, verdict.subject) == ("same_as_before", "warn", "people_2.csv")
    good(house, feed(61))
    assert check(house, "older", again) == [], "the last one is another"


@pytest.mark.parametrize(("hours", "told"), [(2.0, []), (1.99, [("too_old", "hold", "")])])
def test_a_file_older_than_allowed(house: House, hours: float, told: list[Any]) -> None:
    house = house.with_profile(with_health(max_age_hours=hours))
    verdicts = check(house, "run", feed(5))
    assert said(verdicts) == told
    if told:
        assert "found a file 2 hours old; expected at most 1.99 when the run is due." in verdicts[0].text


def test_columns_that_are_new_gone_or_renamed(house: House) -> None:
    wide = [{**one, "OFFICE": "x", "FAX": "y"} for one in people(60)]
    good(house, {"people_1.csv": csv_text(wide, [*COLUMNS, "OFFICE", "FAX"])})
    renamed = [{**one, "OFFICES": "x"} for one in people(60, 2)]
    verdict = only(check(house, "renamed", {"people_2.csv": csv_text(renamed, [*COLUMNS, "OFFICES"])}))
    assert (verdict.code, verdict.action) == ("columns_changed", "warn")
    assert verdict.found == "no column 'OFFICE', 'FAX', the new column 'OFFICES', 'OFFICE' may now be 'OFFICES'"


def test_a_column_that_the_mapping_reads_is_gone_and_that_stops(house: House) -> None:
    good(house, feed(60))
    text = csv_text(people(60, 2)).replace("EMAIL", "E_MAIL", 1)
    verdict = check(house, "renamed", {"people_2.csv": text})[0]
    assert (verdict.code, verdict.action) == ("columns_changed", "stop")
    assert "found no column 'EMAIL', the new column 'E_MAIL', 'EMAIL' may now be 'E_MAIL'" in verdict.text


def test_a_row_of_a_person_in_the_place_of_the_header_is_not_told(house: House) -> None:
    good(house, feed(60))
    text = csv_text(people(60, 2)).split("\n", 1)[1]
    check(house, "headless", {"people_2.csv": text})
    assert "Lastname" not in (house.folder("headless").root / "health.json").read_text()


def test_columns_in_another_order(house: House) -> None:
    good(house, feed(60))
    order = ["ID", "LAST", "FIRST", *COLUMNS[3:]]
    verdict = only(check(house, "moved", {"people_2.csv": csv_text(people(60, 2), order)}))
    assert (verdict.code, verdict.action) == ("columns_moved", "warn")
    assert verdict.found == "'LAST', 'FIRST' in another place"


def test_another_encoding(house: House) -> None:
    house = house.with_profile(make_profile(format={"type": "csv", "encoding": "auto"}))
    good(house, feed(60))
    latin = {"people_2.csv": csv_text(people(60, 2)).encode("latin-1")}
    verdict = only(check(house, "latin", latin))
    assert (verdict.code, verdict.action) == ("encoding_changed", "hold")
    assert verdict.found == "text in an encoding of one byte a letter"
    assert verdict.expected == "utf-8, as in the last good file"


def test_letters_that_broke_on_the_way_and_letters_that_were_lost(house: House) -> None:
    broken = {"people_2.csv": csv_text(people(60, 2)).encode().decode("latin-1").encode()}
    told = only(check(house, "cold", broken))
    assert (told.code, told.found) == (
        "encoding_changed",
        "letters that broke on the way, such as Ã¼ for ü, in 33.3 % of rows",
    )
    good(house, feed(90))
    lost = {"people_2.csv": csv_text(people(90, 2)).replace("ë", "?")}
    told = only(check(house, "lost", lost))
    assert (told.code, told.found) == ("encoding_changed", "no letter with an accent at all")


@pytest.mark.parametrize(
    ("rows", "told"), [(70, False), (69, True), (130, False), (131, True)], ids=["low", "too low", "high", "too high"]
)
def test_the_number_of_rows_on_both_sides_of_its_limits(house: House, rows: int, told: bool) -> None:
    good(house, feed(100), feed(100, 2), feed(101, 3))
    verdicts = check(house, "run", feed(rows, 4))
    assert said(verdicts) == ([("row_count", "hold", "")] if told else [])
    if told:
        assert f"found {rows} rows; expected 70 to 130; 100 are usual." in verdicts[0].text


def _emails(empty: int) -> dict[str, str]:
    rows = people(100)
    for one in rows[:empty]:
        one["EMAIL"] = ""
    return {"people_1.csv": csv_text(rows)}


@pytest.mark.parametrize(("empty", "told"), [(10, False), (30, False), (9, True), (31, True)])
def test_how_often_a_column_is_empty_on_both_sides_of_its_limits(house: House, empty: int, told: bool) -> None:
    good(house, _emails(20))
    verdicts = check(house, "run", _emails(empty))
    assert said(verdicts) == ([("null_rate", "hold", "EMAIL")] if told else [])
    if told:
        share = f"found it empty in {empty}.0 % of rows; expected 10.0 % to 30.0 %; 20.0 % are usual."
        assert verdicts[0].text.startswith(f"people_1.csv, column EMAIL: {share}")


def _groups(**groups: int) -> dict[str, str]:
    codes = [code for code, times in groups.items() for _ in range(times)]
    return {"people_1.csv": csv_text(person(n, GROUP=code) for n, code in enumerate(codes))}


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ({"UG": 55, "GR": 40, "XX": 5}, ""),
        ({"UG": 54, "GR": 40, "XX": 6}, "new codes 'XX' (6.0 %)"),
        ({"UG": 100}, "no code 'GR' (40.0 %)"),
        ({"UG": 60, "GR": 33, "A": 4, "B": 3}, "values that few rows share in 7.0 % of rows"),
    ],
)
def test_the_codes_of_a_column_on_both_sides_of_the_limit(house: House, groups: dict[str, int], told: str) -> None:
    good(house, _groups(UG=60, GR=40))
    verdicts = check(house, "run", _groups(**groups))
    assert said(verdicts) == ([("codes", "hold", "GROUP")] if told else [])
    if told:
        assert verdicts[0].found == told
        assert verdicts[0].expected == "the codes of the last good files: 'GR', 'UG'"


def test_a_file_that_always_came_is_missed_but_not_by_a_run_for_one_file(house: House) -> None:
    both = [
        {f"north_{n}.csv": csv_text(people(60, n)), f"south_{n}.csv": csv_text(people(30, 100 + n))}
        for n in (1, 2, 3)
    ]
    assert good(house, *both) == [[], [], []]
    north = {"north_4.csv": csv_text(people(60, 4))}
    verdict = only(check(house, "half", north))
    assert (verdict.code, verdict.action, verdict.subject) == ("missing_file", "hold", "south_#.csv")
    assert check(house, "chosen", north, only_file="north_4.csv") == []


# --- again, repaired, dry -----------------------------------------------------------------------------


def test_a_check_that_is_run_again_says_the_same_and_notes_it_once(house: House) -> None:
    good(house, feed(60))
    first = check(house, "run", feed(20, 2))
    before, noted = house.folder("run").read_json("health.json"), house.rows("feeds")
    good(house, feed(21, 3))
    assert check_again(house, "run") == first
    assert house.folder("run").read_json("health.json") == before
    assert [one for one in house.rows("feeds") if one["run_id"] in {"run", "good 0"}] == noted


def test_a_repaired_feed_takes_the_place_of_the_bad_one(house: House) -> None:
    good(house, feed(60))
    bad = {"people_2.csv": csv_text(people(60, 2))[:-20]}
    assert said(check(house, "run", bad)) == [("truncated", "stop", "")]
    assert check(house, "run", feed(60, 2)) == []
    house.plan("run", feed(60, 2))
    house.apply("run")
    [noted] = [one for one in house.rows("feeds") if one["run_id"] == "run"]
    assert (noted["rows"], noted["measured"]["cut"]) == (60, "")


def test_a_dry_run_is_judged_and_notes_nothing(house: House) -> None:
    good(house, feed(60))
    noted = house.rows("feeds")
    assert said(check(house, "dry", feed(20, 2), dry_run=True)) == [("row_count", "hold", "")]
    assert house.rows("feeds") == noted


def test_a_feed_that_is_forgotten_is_compared_with_no_more(house: House) -> None:
    good(house, feed(100), feed(20, 2))
    [_, (last, *_)] = [(one["run_id"],) for one in house.rows("feeds")]
    assert said(check(house, "run", feed(20, 3))) == [("row_count", "hold", "")]
    with writing(house.engine).begin() as connection:
        forget_feed(connection, last)
        forget_feed(connection, "run")
    assert check(house, "run", feed(100, 3)) == []


def test_only_the_last_good_feeds_count(house: House) -> None:
    house = house.with_profile(with_health(feeds=2))
    good(house, feed(100), feed(60, 2), feed(60, 3))
    assert check(house, "run", feed(60, 4)) == []
    assert said(check(house, "run", feed(100, 4))) == [("row_count", "hold", "")]


@pytest.mark.parametrize("action", ["stop", "hold", "warn", "off"])
@pytest.mark.parametrize("code", CHECKS)
def test_the_profile_says_what_a_sign_does(code: str, action: str) -> None:
    old = Measured(0, "a", "", "a", "sha", 1, 0, rows=100, sampled=100, encoding="utf-8", ends_whole=True)
    old = Measured.of({**old.as_dict(), "header": ["A", "B"], "columns": {"A": _column(0.0, UG=1.0)}})
    odd: dict[str, dict[str, Any]] = {
        "truncated": {"cut": "x"},
        "control_count": {"control": {"rows": "1", "total": "1"}, "total": "1"},
        "control_total": {"control": {"rows": "100", "total": "2"}, "total": "1"},
        "too_old": {"modified": -999_999},
        "same_as_before": {"sha256": "sha"},
        "missing_file": {"family": "b"},
        "columns_changed": {"header": ["A", "B", "C"]},
        "columns_moved": {"header": ["B", "A"]},
        "encoding_changed": {"encoding": "8-bit"},
        "row_count": {"rows": 10},
        "null_rate": {"columns": {"A": _column(0.5, UG=1.0)}},
        "codes": {"columns": {"A": _column(0.0, GR=1.0)}},
    }
    well = {**old.as_dict(), "sha256": "other", "control": {"rows": "100", "total": "1"}, "total": "1"}
    one = Measured.of({**well, **odd[code]})
    if code == "row_count":
        one = Measured.of({**one.as_dict(), "control": {"rows": "10", "total": "1"}})
    trailer = {"line": "(?P<rows>.)(?P<total>.)", "total_of": "A"}
    health = Health.model_validate({code: action, "trailer": trailer, "max_age_hours": 1})
    verdicts = judge([one], [Feed("2026", [old])] * 3, health, due=0.0, reads=["A"])
    assert [(each.code, each.action) for each in verdicts] == ([] if action == "off" else [(code, action)])


def _column(empty: float, **codes: float) -> dict[str, Any]:
    return {"empty": empty, "codes": codes, "others": 0.0, "different": len(codes)}


# --- the report -----------------------------------------------------------------------------------------


def test_the_report_tells_the_verdicts_and_draws_the_last_feeds(house: House) -> None:
    good(house, feed(100), feed(110, 2))
    rows = people(40, 3)
    for one in rows:
        one["EMAIL"] = ""
    house.plan("run", {"people_3.csv": csv_text(rows)})
    check_again(house, "run")
    house.apply("run")
    receipt = house.receipt("run")
    page = html.document_fromstring(render_html(receipt).encode())
    [section] = page.xpath("//section[h2/@id='health']")
    verdicts, charts = ([[_text(cell) for cell in row] for row in table] for table in section.xpath(".//tbody"))
    assert [row[0] for row in verdicts] == ["held for approval", "held for approval"]
    assert verdicts[0][1].startswith("The number of rows is far from usual. Ask the SIS")
    assert verdicts[0][2:] == ["people_3.csv", "40 rows", "74 to 136; 105 are usual"]
    assert verdicts[1][2] == "people_3.csv, column EMAIL"
    assert [(row[1], row[3], row[4]) for row in charts] == [
        ("rows", "105", "40"),
        ("EMAIL, empty", "0.0 %", "100.0 %"),
    ]
    [rows_line, shares_line] = section.xpath(".//polyline/@points")
    assert rows_line == "3,4.6 60,3 117,14.5"
    assert shares_line == "3,21 60,21 117,3"
    assert not page.xpath("//script")
    markdown = render_markdown(receipt)
    assert "## Feed health\n\n2 things are not as they should be.\n" in markdown
    assert "| people\\_3.csv | rows | 105 | 40 | " in markdown
    assert json.loads(render_json(receipt))["health"]["verdicts"][0]["code"] == "row_count"


@pytest.mark.parametrize(
    ("feeds_before", "told"),
    [(0, "Nothing is wrong with the feed by itself"), (1, "The feed is as the last ones")],
)
def test_the_report_says_so_when_all_is_well(house: House, feeds_before: int, told: str) -> None:
    good(house, *[feed(60, n) for n in range(1, 1 + feeds_before)])
    house.plan("run", feed(60, 7))
    check_again(house, "run")
    house.apply("run")
    assert f"## Feed health\n\n{told}" in render_markdown(house.receipt("run"))


def test_a_run_without_a_check_has_no_such_section(house: House) -> None:
    receipt = house.run("run", people(3))
    assert receipt.health is None
    assert "Feed health" not in rendered(receipt)


def _text(element: Any) -> str:
    return " ".join(element.text_content().split()) if not element.xpath("./svg") else "chart"
