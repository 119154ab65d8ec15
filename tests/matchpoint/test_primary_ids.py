"""A new user without primary id gets one as Alma makes it: first and last name, then with a number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import XML_PEOPLE, House, Row, make_profile, open_house, person, reasons, total, xml_text, xml_user
from hypothesis import given
from hypothesis import strategies as st

from matchpoint.alma.identifiers import generated_id
from matchpoint.primary_ids import _sequence

BY_CARD = make_profile(
    mapping={"primary_id": "ID"}, actions={"synchronize": {"path": "in", "match_points": ["BARCODE"]}}
)


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path, BY_CARD) as one:
        yield one


def nameless(number: int, first: str = "Ada", last: str = "Lovelace", **more: str) -> Row:
    return person(number, ID="", FIRST=first, LAST=last, **more)


@pytest.mark.law("generated-primary-id")
@pytest.mark.parametrize("mode", ["import", "synchronize"])
def test_it_is_the_name_and_then_the_name_with_the_first_free_number(house: House, mode: Any) -> None:
    house.run("first", [person(1, ID="adalovelace0")], mode)
    receipt = house.run("run", [nameless(n) for n in range(2, 5)], mode)
    assert receipt.total == total(created=3)
    assert house.users().keys() == {"adalovelace0", "AdaLovelace", "AdaLovelace1", "AdaLovelace2"}
    for primary_id, user in house.users().items():
        assert user["document"]["primary_id"] == primary_id
        assert house.identifiers()[primary_id.casefold()][:2] == ("primary_id", primary_id)


@pytest.mark.law("generated-primary-id")
def test_it_avoids_the_identifiers_of_the_store_and_of_the_whole_feed(house: House) -> None:
    house.run("first", [person(1, NET="ADALOVELACE")])
    rows = [nameless(2), person(3, CARD="AdaLovelace0"), person(4, ID="adaLOVELACE1")]
    assert house.run("run", rows).total == total(created=3)
    assert "AdaLovelace2" in house.users()


def test_the_same_feed_again_makes_nobody_anew(house: House) -> None:
    rows = [nameless(n) for n in range(3)]
    house.run("run", rows)
    before = house.users()
    assert house.run("again", rows).total == total(unchanged=3)
    assert house.run("changed", [{**row, "EMAIL": "new@example.edu"} for row in rows]).total == total(updated=3)
    assert house.users().keys() == before.keys()


def test_a_user_found_by_another_match_point_keeps_the_primary_id(house: House) -> None:
    house.run("run", [person(1)])
    assert house.run("again", [person(1, ID="")]).total == total(unchanged=1)
    assert house.run("named", [person(1, ID="s77")]).total == total(updated=1)
    assert list(house.users()) == ["s77"]


def test_a_repeated_run_gives_the_same_ids(house: House) -> None:
    rows = [nameless(n) for n in range(3)]
    house.run("run", rows)
    before = house.people()
    assert house.run("run", rows).total == total(created=3)
    assert house.people() == before


def test_alma_xml_needs_no_primary_id_but_then_a_name(house: House) -> None:
    house = house.with_profile(make_profile(XML_PEOPLE))
    users = (xml_user(1, primary_id=""), xml_user(2, primary_id="", first_name="", last_name=""))
    receipt = house.run("run", {"people.xml": xml_text(*users)})
    assert reasons(receipt) == {("rejected", "mandatory", "primary_id"): 1}
    assert list(house.users()) == ["Firstname1Lastname1"]


def test_where_the_profile_requires_a_primary_id_a_row_without_is_rejected(house: House) -> None:
    receipt = house.with_profile(make_profile()).run("run", [nameless(1), person(2)])
    assert receipt.total == total(created=1, rejected=1)
    assert reasons(receipt) == {("rejected", "mandatory", "primary_id"): 1}


@given(st.text(), st.text())
def test_it_has_no_blank_and_fits_into_alma_with_its_number(first: str, last: str) -> None:
    made = generated_id({"first_name": first, "last_name": last})
    assert not any(one.isspace() for one in made)
    assert bool(made) == bool((first + last).strip())
    numbers = _sequence(made)
    assert [next(numbers) for _ in range(3)] == [made, f"{made}0", f"{made}1"]
    assert len(f"{made}999999999") <= 255
