"""The example profiles: each kind of extract by YAML alone, from the file to the user store and back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers import AS_OF, open_house, total
from test_samples import CODES, EXAMPLES, GOLDEN, PROFILES, TABLES, check

from matchpoint.check_profile import find_profile, find_samples, main
from matchpoint.profile import load_profile, load_profiles

KINDS = {"csv", "fixed_width", "json", "excel", "alma_xml"}


def test_there_is_an_example_of_every_format_and_no_dag_is_made_of_one() -> None:
    used = {load_profile(find_profile(PROFILES, code)).format.type for code in (*CODES, *EXAMPLES)}
    assert used == KINDS
    assert {"oneroster_1_1", "oneroster_1_2", "voyager_sif", "people_and_cards"} <= set(EXAMPLES)
    assert [one.code for one in load_profiles(PROFILES).good] == CODES


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_has_samples_and_a_golden_file(code: str) -> None:
    assert find_samples(PROFILES, code)
    assert (GOLDEN / f"{code}.json").exists()


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_loads_into_a_store_and_the_same_again_changes_nothing(code: str, tmp_path: Path) -> None:
    checked = check(code)
    good, bad = len(checked.users), len({(one.file, one.row) for one in checked.rejections})
    files = {path.name: path.read_bytes() for path in find_samples(PROFILES, code)}
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path, checked.profile) as house:
        house.tables = TABLES
        assert checked.as_of.isoformat() < AS_OF.isoformat()
        assert house.run("one", files, "import").total == total(created=good, rejected=bad)
        assert house.run("two", files).total == total(unchanged=good, rejected=bad)
        assert len(house.users()) == good


def test_make_profile_knows_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people_and_cards", "--profiles", str(PROFILES)]) == 0
    text = capsys.readouterr().out
    assert "Users: 4" in text
    assert "Rejected rows: 2" in text
    warnings = text.partition("Left out of what goes through")[2]
    assert "cards_2026-08-24.txt, row 11, joins.cards" in warnings
    [read] = re.findall(r"Columns that the mapping never reads\n-+\n(.+)", text)
    assert read == "none"
