"""``python -m matchpoint.check_profile``: the account it prints, and its exit code."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from matchpoint.check_profile import check_profile, main, newest_date
from matchpoint.profile import load_profile

PROFILES = Path(__file__).resolve().parents[2] / "include" / "profiles"


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """Give a copy of the published profiles and samples, to spoil."""
    return shutil.copytree(PROFILES, tmp_path / "profiles")


def section(text: str, title: str) -> str:
    """Give what stands below a title, up to the next one."""
    return text.split(f"{title}\n{'-' * len(title)}\n")[1].split("\n\n", maxsplit=1)[0]


def replace(path: Path, old: str, new: str, encoding: str = "utf-8") -> None:
    text = path.read_text(encoding=encoding)
    assert old in text
    path.write_text(text.replace(old, new), encoding=encoding)


def test_the_account_tells_everything(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["students", "--profiles", str(profiles)]) == 0
    text, errors = capsys.readouterr()
    assert errors == ""
    head = text.split("\n\n")[0]
    assert head.startswith("Students (students), from Banner\n")
    assert "format: delimited text, ',' between fields, quoted with '\"', utf-8" in head
    assert "synchronize: 0 5 * * * (UTC); takes students/students_*.csv" in head
    assert "match points: primary_id, BARCODE" in head
    assert "as of: 2026-08-24" in head
    assert "students_2026-08-24.csv, row 2:\n{\n" in section(text, "Users: 21")
    assert '"user_group": {"value": "UNDERGRAD"},' in text
    assert section(text, "Rejected rows: 3").splitlines() == [
        "students_2026-08-24.csv, row 10, user_group: The value cannot be converted: "
        "found 'XX'; expected a code of the crosswalk groups: GR, PH, UG",
        "students_2026-08-24.csv, row 13, user_identifier: "
        "Identifier is already taken AcrossInstitution in this feed: "
        "identifier of type BARCODE and value 0029000411",
        "students_2026-08-24.csv, row 15, expiry_date: The value cannot be converted: "
        "found 'summer 2027'; expected a date in the form %Y-%m-%d or %d/%m/%Y",
    ]
    assert section(text, "Columns that the mapping never reads") == "GPA, HOLD_FLAG"
    unfilled = section(text, "Alma fields that no user of the sample has").replace("\n", " ").split(", ")
    assert {"pin_number", "job_category", "addresses.line3", "notes.note_text"} <= set(unfilled)
    assert not {"primary_id", "last_name", "addresses.line2", "record_type", "emails.email_address"} & set(unfilled)


def test_other_formats_and_modes(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(profiles / "staff.yaml", "  import:\n", "  import:\n    active: false\n")
    assert main(["staff", "--profiles", str(profiles)]) == 0
    text = capsys.readouterr().out
    assert "'|' between fields, quoted with '\"', latin-1" in text
    assert "import: not active" in text
    assert "30 5 * * 1-5 (UTC); takes staff/hr_*.txt, complete when there is a .done" in text
    assert section(text, "Columns that the mapping never reads") == "COST CENTRE"
    assert main(["alma_xml", "--profiles", str(profiles)]) == 0
    text = capsys.readouterr().out
    assert "format: Alma user XML version 2" in text
    assert "import: started by hand; takes alma/users_*.zip" in text
    assert "users_2026-08-24.zip > users_2.xml, row 1:" in text
    assert section(text, "Columns that the mapping never reads") == "none"
    assert "blocks.item_loan_id" in section(text, "Alma fields that no user of the sample has")


def test_the_same_as_json(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staff", "--profiles", str(profiles), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["profile", "as_of", "users", "rejections", "warnings", "never_read", "never_filled"]
    assert told["profile"]["actions"]["synchronize"]["schedule"] == "30 5 * * 1-5"
    assert told["as_of"] == "2026-08-24"
    assert len(told["users"]) == 13
    assert told["users"][0]["user"]["last_name"] == "Müller-Nuñez"
    assert [(one["row"], one["field"]) for one in told["rejections"]] == [(9, "expiry_date")]
    assert told["never_read"] == ["COST CENTRE"]
    assert "purge_date" in told["never_filled"]


def test_the_as_of_date_may_be_given(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    born = {}
    for as_of in ("2026-08-24", "2061-12-31"):
        assert main(["staff", "--profiles", str(profiles), "--as-of", as_of, "--json"]) == 0
        born[as_of] = json.loads(capsys.readouterr().out)["users"][0]["user"]["birth_date"]
    assert born == {"2026-08-24": "1961-03-14", "2061-12-31": "2061-03-14"}


def test_the_newest_date_in_the_names_is_the_default() -> None:
    names = ["a_2026-08-24.csv", "b-2026-09-01T0500.csv", "c.csv", "d_12026-12-31.csv"]
    assert newest_date(map(Path, names)) == date(2026, 9, 1)


def test_two_samples_do_not_take_identifiers_from_each_other(profiles: Path) -> None:
    sample = profiles / "samples" / "students" / "students_2026-08-24.csv"
    profile = load_profile(profiles / "students.yaml")
    checked = check_profile(profile, [sample, sample], date(2026, 8, 24))
    assert (len(checked.users), len(checked.rejections)) == (42, 6)


def test_a_row_without_any_match_point_is_rejected(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(profiles / "students.yaml", "[primary_id, BARCODE]", "[BARCODE]")
    sample = profiles / "samples" / "students" / "students_2026-08-24.csv"
    replace(sample, "0029000401", "")
    assert main(["students", "--profiles", str(profiles)]) == 0
    assert "row 2, BARCODE: The row has no value for any match point" in capsys.readouterr().out


def test_columns_of_a_mended_file_are_no_columns_of_the_extract(profiles: Path) -> None:
    sample = profiles / "samples" / "students" / "mended_2026-08-26.csv"
    lines = (sample.parent / "students_2026-08-24.csv").read_text(encoding="utf-8").splitlines()
    mended = [f"{lines[0]},matchpoint_row,matchpoint_field,matchpoint_reason", f"{lines[1]},2,,mended"]
    sample.write_text("\n".join(mended), encoding="utf-8")
    checked = check_profile(load_profile(profiles / "students.yaml"), [sample], date(2026, 8, 26))
    assert checked.never_read == ["GPA", "HOLD_FLAG"]
    assert len(checked.users) == 1


def test_a_broken_profile_is_told_and_exits_1(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(profiles / "students.yaml", "crosswalk: groups", "crosswalk: levels")
    assert main(["students", "--profiles", str(profiles)]) == 1
    text, errors = capsys.readouterr()
    assert text == ""
    assert "students.yaml" in errors
    assert "mapping.user_group: found crosswalk 'levels'; accepted are the crosswalks of this profile" in errors


def test_no_such_profile_is_told_and_exits_1(profiles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nobody", "--profiles", str(profiles)]) == 1
    assert "nobody.yaml: found no such file" in capsys.readouterr().err


def test_a_sample_that_is_not_readable_is_told_and_exits_1(
    profiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace(profiles / "samples" / "students" / "students_2026-08-24.csv", "LEVEL_CODE", "LEVEL")
    assert main(["students", "--profiles", str(profiles)]) == 1
    assert "students_2026-08-24.csv, row 1: found no column 'LEVEL_CODE'" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "said"), [(None, "found no sample"), ("sample.csv", "found no date in the names")])
def test_missing_samples_and_dates_are_told(
    name: str | None, said: str, profiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = profiles / "samples" / "students" / "students_2026-08-24.csv"
    if name:
        sample.rename(sample.with_name(name))
    else:
        sample.unlink()
        (sample.parent / ".gitkeep").touch()
    assert main(["students", "--profiles", str(profiles)]) == 1
    assert said in capsys.readouterr().err
