"""Codes that Alma lacks: a default stands in, the review list says for whom, and the code mends them all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import START, House, make_profile, open_house, person
from pydantic import ValidationError
from served import serving

from matchpoint.alma.code_tables import Code, CodeTables
from matchpoint.code_tables import with_scopes
from matchpoint.stand_ins import note_stand_ins, review_codes
from matchpoint.store import open_store, upgrade
from matchpoint.store.code_tables import save_code_tables
from matchpoint.used_codes import Used, tables_used, used_codes
from matchpoint_airflow.doors.code_tables import read_tables
from matchpoint_airflow.hooks.alma import AlmaHook

TABLE = "UserGroups"
WITHOUT = CodeTables([Code(TABLE, "UNDERGRAD"), Code(TABLE, "GUEST")])
WITH = CodeTables([*WITHOUT, Code(TABLE, "GRADUATE")])
GRADUATE = Used("user_group", TABLE, "GRADUATE")
ROWS = [person(1), person(2, GROUP="GR"), person(3, GROUP="GR")]


@pytest.fixture
def light(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as opened:
        yield opened


def groups(house: House) -> dict[str, str]:
    return {who: row["document"]["user_group"]["value"] for who, row in house.users().items()}


def run(house: House, run_id: str, rows: list[dict[str, str]] = ROWS) -> int:
    """Go the way of a run, and note who got a default as the task does; give how many."""
    house.run(run_id, rows)
    again = note_stand_ins(house.folder(run_id), house.engine)
    assert note_stand_ins(house.folder(run_id), house.engine) == again
    return again


def check_mended(house: House) -> None:
    """Load people whose code Alma lacks, let it appear, and see that all have it though their rows are the same."""
    lacking = house.with_profile(make_profile(defaults={"user_group": "GUEST"}))
    lacking.tables = WITHOUT
    assert run(lacking, "first") == 2
    assert groups(lacking) == {"s1": "UNDERGRAD", "s2": "GUEST", "s3": "GUEST"}
    assert review_codes(lacking.engine, lacking.profile, WITHOUT, START) == {GRADUATE: 2}
    listed = [(one["profile"], one["table_name"], one["people"]) for one in lacking.rows("missing_codes")]
    assert listed == [("people", TABLE, 2)]

    assert run(lacking, "second") == 0
    assert review_codes(lacking.engine, lacking.profile, WITHOUT, lacking.now()) == {GRADUATE: 2}
    assert lacking.rows("missing_codes")[0]["since"].replace(tzinfo=None) == START.replace(tzinfo=None)

    mended = replace(lacking, tables=WITH)
    assert review_codes(mended.engine, mended.profile, WITH, START) == {}
    assert run(mended, "third") == 0
    assert groups(mended) == {"s1": "UNDERGRAD", "s2": "GRADUATE", "s3": "GRADUATE"}
    assert (mended.rows("stand_ins"), mended.rows("missing_codes")) == ([], [])


def test_who_got_a_default_gets_the_code_when_it_appears(house: House) -> None:
    check_mended(house)


def test_a_crosswalk_that_gives_another_code_mends_them_too(light: House) -> None:
    lacking = light.with_profile(make_profile(defaults={"user_group": "GUEST"}))
    lacking.tables = WITHOUT
    run(lacking, "first")
    other = make_profile(
        defaults={"user_group": "GUEST"}, crosswalks={"groups": {"UG": "UNDERGRAD", "GR": "UNDERGRAD"}}
    )
    mended = lacking.with_profile(other)
    run(mended, "second")
    assert (set(groups(mended).values()), mended.rows("stand_ins")) == ({"UNDERGRAD"}, [])
    assert review_codes(mended.engine, other, WITHOUT, START) == {}


def test_without_a_default_the_row_is_rejected_and_the_mapping_s_code_is_listed(light: House) -> None:
    light.tables = WITHOUT
    light.run("first", ROWS)
    assert groups(light) == {"s1": "UNDERGRAD"}
    assert review_codes(light.engine, light.profile, WITHOUT, START) == {GRADUATE: 0}
    assert list(light.folder("first").root.glob("users/*stand_ins*")) == [], "costs nothing where there are none"


def test_a_default_that_alma_lacks_too_rejects_and_is_listed(light: House) -> None:
    other = light.with_profile(make_profile(defaults={"user_group": "NOBODY"}))
    other.tables = WITHOUT
    other.run("first", ROWS)
    assert groups(other) == {"s1": "UNDERGRAD"}
    assert Used("user_group", TABLE, "NOBODY") in review_codes(other.engine, other.profile, WITHOUT, START)


def test_the_codes_that_a_profile_names() -> None:
    assert {(one.field, one.code) for one in used_codes(make_profile())} == {
        ("user_group", "UNDERGRAD"),
        ("user_group", "GRADUATE"),
        ("user_identifier.id_type", "BARCODE"),
        ("user_identifier.id_type", "INST_ID"),
        ("email.email_type", "work"),
        ("user_note.note_type", "OTHER"),
    }
    assert {TABLE, "UserIdentifierTypes", "UserEmailTypes"} <= {*tables_used()}


@pytest.mark.parametrize("field", ["last_name", "campus_code", "nonsense"])
def test_a_default_for_what_has_no_code_table_or_is_not_mapped_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=r"accepted are the fields with a code table.*user_group"):
        make_profile(defaults={field: "GUEST"})


def test_tables_are_read_by_the_api_and_keep_the_record_types_they_had(
    light: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = open_store(f"sqlite:///{tmp_path / 'alma.sqlite'}")
    upgrade(double)
    theirs = [Code(TABLE, "GUEST", "Guest", is_default=True), Code(TABLE, "OLD", "Old", enabled=False)]
    save_code_tables(double, [*theirs, Code("UserEmailTypes", "work", "Work")])
    with serving(double) as served:
        connection = {"conn_type": "alma", "host": served.address, "password": served.read_key}
        monkeypatch.setenv("AIRFLOW_CONN_ALMA", json.dumps(connection))
        codes = asyncio.run(read_tables(AlmaHook("alma"), [TABLE, "UserEmailTypes", "UserTitles"]))
    double.dispose()
    assert codes == [*theirs, Code("UserEmailTypes", "work", "Work")]
    known = CodeTables([Code("UserEmailTypes", "work", "", "PUBLIC"), Code("UserEmailTypes", "work", "", "STAFF")])
    assert [(one.code, one.scope, one.description) for one in with_scopes(codes, known)][2:] == [
        ("work", "PUBLIC", "Work"),
        ("work", "STAFF", "Work"),
    ]
