"""Loads for Alma's SIS job: everybody who is due is in them once, within the limits, as Alma takes it."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import START, House, open_house, person
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from matchpoint.accounts import one
from matchpoint.accounts.store import Act
from matchpoint.alma.xml import to_user
from matchpoint.alma.xml_files import iterate_users
from matchpoint.alma.xsd import schema
from matchpoint.deliver.files import Delivery, Load, overtaken, prefix_of, sent_in, write_load
from matchpoint.deliver.outbox import letters_of, note_delivered
from matchpoint.profile.destinations import AlmaSftp
from matchpoint.store import writing

TO = AlmaSftp(connection="alma_files", folder="in", profile_id="1", users_per_file=2, files_per_zip=2)


def deliver(house: House, to: AlmaSftp = TO, most: int = 1_000, run: str = "deliver/1", full: int = 1 << 30) -> Load:
    """Write a load into the folder of a run."""
    delivery = Delivery(run, "people", START, START)
    return write_load(house.folder(run), house.engine, to, delivery, most, full=full)


def inside(house: House, load: Load, run: str = "deliver/1") -> list[tuple[int, int, str]]:
    """Read zips back: zip, file and primary id of each person, everything valid by the published schema."""
    found = []
    for number, one_zip in enumerate(load.zips, start=1):
        with zipfile.ZipFile(house.folder(run).root / one_zip.path) as archive:
            for file, name in enumerate(archive.namelist(), start=1):
                assert schema().validate(etree.fromstring(archive.read(name)))
                with archive.open(name) as member:
                    found += [(number, file, to_user(one)["primary_id"]) for one in iterate_users(member, name)]
    return found


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with twelve people who are due."""
    root = tmp_path_factory.mktemp("twelve")
    with open_house(f"sqlite:///{root / 'store.sqlite'}", root) as house:
        house.run("import", [person(number) for number in range(12)])
        yield house


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(1, 15), st.sampled_from([1, 1 << 30]))
def test_everybody_is_in_one_file_and_limits_are_kept(
    twelve: House, per_file: int, per_zip: int, zips: int, most: int, full: int
) -> None:
    to = TO.model_copy(update={"users_per_file": per_file, "files_per_zip": per_zip, "zips_per_run": zips})
    load = deliver(twelve, to, most, full=full)
    found = inside(twelve, load)
    fits = min(12, most, to.most if full > 1 else per_file * zips)
    assert load.people == len(found) == len({name for *_, name in found}) == fits
    assert len(load.zips) <= zips
    assert max(Counter((zipped, file) for zipped, file, _ in found).values()) <= per_file
    assert max(file for _, file, _ in found) <= (per_zip if full > 1 else 1)
    told = [(one.zip, one.file, one.primary_id) for some in sent_in(twelve.folder("deliver/1")) for one in some]
    assert told == found


def test_the_same_load_has_the_same_names_and_bytes_and_no_other_has_them(twelve: House) -> None:
    first = deliver(twelve)
    content = [(twelve.folder("deliver/1").root / one.path).read_bytes() for one in first.zips]
    assert deliver(twelve) == first
    assert [(twelve.folder("deliver/1").root / one.path).read_bytes() for one in first.zips] == content
    names = [
        {one.name for one in load.zips}
        for load in (first, deliver(twelve, run="deliver/2"), deliver(twelve, most=11))
    ]
    assert not names[0] & names[1] and not names[0] & names[2]
    assert all(one.startswith(prefix_of("people")) for some in names for one in some)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(f"sqlite:///{tmp_path / 'store.sqlite'}", tmp_path) as house:
        yield house


def test_nothing_that_is_the_librarys_own_goes_out(house: House) -> None:
    house.run("import", [person(1), person(2)])
    user = house.users()["s1"]["document"]
    inner = {"note_type": {"value": "OTHER"}, "note_text": "Library's own", "segment_type": "Internal"}
    inner |= {"user_viewable": False, "popup_note": False}
    house.edit(
        "s1",
        user_note=[*user["user_note"], inner],
        user_role=[{"role_type": {"value": "200"}}],
        password="secret words",
        full_name="Worked out",
    )
    one.convert(house.engine, "s2", "INTERNAL", Act("desk", START))
    load = deliver(house)
    assert load.people == 1
    with zipfile.ZipFile(house.folder("deliver/1").root / load.zips[0].path) as archive:
        text = archive.read("users_001.xml").decode()
    assert "Notetext1" in text and "Card1" in text
    for own in (
        "Library's own",
        "secret words",
        "user_role",
        "Worked out",
        "Internal",
        "account_type",
        "segment_type",
    ):
        assert own not in text


def test_whom_the_schema_refuses_is_a_dead_letter_and_holds_nobody_back(house: House) -> None:
    house.run("import", [person(number) for number in range(3)])
    house.edit("s1", birth_date="not a day of Ann")
    load = deliver(house)
    assert (load.people, load.refused) == (2, 1)
    with house.engine.connect() as connection:
        letter = letters_of(connection, "people")[0]
    assert (letter["primary_id"], letter["code"]) == ("s1", "schema")
    assert "birth_date: found another form" in letter["message"] and "Ann" not in letter["message"]
    assert deliver(house).refused == 0


def test_a_load_that_was_overtaken_is_noticed(house: House) -> None:
    house.run("import", [person(1), person(2)])
    deliver(house)
    user_id = house.users()["s1"]["id"]
    assert overtaken(house.engine, house.folder("deliver/1")) == 0
    with writing(house.engine).begin() as connection:
        note_delivered(connection, [(user_id, 2)])
    assert overtaken(house.engine, house.folder("deliver/1")) == 1
