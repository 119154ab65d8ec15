"""Rows of people whom the SIS marks as confidential: found, counted, told of, and shown nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import COLUMNS, House, csv_text, make_profile, open_house, person, rendered

from matchpoint.confidential import MASK, confidential_rows, mask_changes
from matchpoint.notices import success_notice
from matchpoint.report import render_json

MARKED = {"column": "CONF", "values": ["Y", "yes"]}
WITH_MARK = [*COLUMNS, "CONF"]


def make_people(**changes: Any) -> Any:
    return make_profile(confidential=MARKED, notices={"webhook": {"connection": "x"}}, **changes)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, make_people()) as opened:
        yield opened


def rows(*marks: str) -> list[dict[str, str]]:
    return [person(number, CONF=mark, BORN="never") for number, mark in enumerate(marks, start=1)]


def test_the_report_says_that_a_file_to_mend_holds_them(house: House) -> None:
    text = csv_text([*rows("Y", "", " YES ", "N"), person(5, CONF="y")], WITH_MARK)
    receipt = house.run("run", {"people.csv": text})
    [file] = receipt.files
    assert (receipt.total["rejected"], file.confidential) == (4, 2)
    shown = rendered(receipt)
    assert shown.count("Pass their file on to nobody.") == 2, "on the page and in Markdown"
    assert '"confidential": 2' in shown
    for value in (value for row in rows("Y", "", "", "") for name, value in row.items() if name in COLUMNS):
        assert value in ("UG", "never") or value not in shown
    assert [row["LAST"] for row in house.rejected_rows("run")] == [f"Lastname{n}" for n in (1, 2, 3, 4)], "mendable"
    house.folder("run").path("receipt.json").write_text(render_json(receipt))
    notice = success_notice(house.profile, "synchronize", house.folder("run"), {})
    assert notice is not None
    assert notice.told[0].startswith("2 confidential:")


def test_nobody_marked_nothing_said(house: House) -> None:
    receipt = house.run("run", {"people.csv": csv_text(rows("", "N"), WITH_MARK)})
    assert receipt.files[0].confidential == 0
    assert "Pass their file" not in rendered(receipt)


def test_a_row_that_cannot_be_read_may_be_anybody_s(house: House) -> None:
    text = csv_text(rows("N"), WITH_MARK) + "too,few\n"
    receipt = house.run("run", {"people.csv": text})
    assert receipt.files[0].confidential == 1


def test_a_mended_file_is_read_the_same(house: House) -> None:
    house.run("run", {"people.csv": csv_text(rows("Y", "N"), WITH_MARK)})
    again = house.run("again", {"people.rejected.csv": house.rejected_file("run", "people.rejected.csv")})
    assert again.files[0].confidential == 1


def test_a_missing_column_is_a_fault_of_the_file_before_anything_is_written(house: House) -> None:
    from matchpoint.errors import ExtractError

    with pytest.raises(ExtractError, match="no column 'CONF'"):
        house.run("run", {"people.csv": csv_text([person(1)])})
    assert house.rows("users") == []


def test_other_formats_have_marks_too(house: House) -> None:
    lines = '{"ID": "S1", "LAST": "L", "BORN": "never", "CONF": "Y"}\n{"ID": "S2", "LAST": "L", "CONF": null}\n'
    folder = house.fetch("run", {"people.json": lines})
    assert confidential_rows(folder, folder.extracts[0], make_json()) == {1}


def make_json() -> Any:
    written = {
        "code": "people",
        "name": "People",
        "sis_type": "Banner",
        "connection": "sis",
        "format": {"type": "json", "lines": True},
        "mapping": {"primary_id": "ID", "last_name": "LAST"},
        "confidential": MARKED,
        "actions": {"import": {"path": "in"}},
    }
    from matchpoint.profile import Profile

    return Profile.model_validate(written)


def test_without_the_key_no_file_is_read_for_it(tmp_path: Path) -> None:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as house:
        folder = house.fetch("run", {"people.csv": csv_text(rows("Y"), WITH_MARK)})
        folder.root.joinpath(folder.extracts[0].path).unlink()
        assert confidential_rows(folder, folder.extracts[0], house.profile) == frozenset()


def test_changes_are_masked() -> None:
    assert mask_changes({"last_name": ["Old", "New"], "email": [[], ["a"]]}) == {
        "last_name": [MASK, MASK],
        "email": [MASK, MASK],
    }
