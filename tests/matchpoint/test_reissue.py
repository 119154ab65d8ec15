"""A reissued card: what the user has, and what the history shows."""

from __future__ import annotations

from typing import Any

import pytest
from affiliated import (
    STAFF,
    STUDENTS,
    document,
    employee,
    run,
    student,
)
from helpers import House, total


def barcodes(parts: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["value"], one.get("status")) for one in parts if one["id_type"]["value"] == "BARCODE"]


@pytest.mark.law("identifier-moves")
@pytest.mark.law("reissued")
def test_a_reissued_barcode_turns_the_old_one_inactive_in_the_history(house: House) -> None:
    run(house, STUDENTS, "first", student(1))
    run(house, STUDENTS, "second", student(1, CARD="New1", NET="othernet"))
    told = house.rows("history")[-1]["after"]["user_identifier"]
    assert barcodes(told) == [("New1", None), ("Card1", "INACTIVE")]
    assert [one["value"] for one in told] == ["New1", "othernet", "Card1"]
    assert barcodes(document(house)["user_identifier"]) == [("New1", None)]
    assert "card1" not in house.identifiers()
    assert run(house, STUDENTS, "third", student(2, CARD="Card1")).total == total(created=1)


def test_a_barcode_that_is_taken_away_was_not_reissued(house: House) -> None:
    run(house, STUDENTS, "first", student(1))
    run(house, STUDENTS, "second", student(1, CARD=""))
    assert barcodes(house.rows("history")[-1]["after"]["user_identifier"]) == []


def test_the_card_of_another_role_is_not_a_reissued_one(both: House) -> None:
    run(both, STAFF, "staff2", employee(1, CARD="Badge9"))
    user_id = both.users()["s1"]["id"]
    _, shared, reissued = (row["after"] for row in both.rows("history") if row["user_id"] == user_id)
    assert barcodes(shared["user_identifier"]) == [("Badge1", None), ("Card1", None)]
    assert barcodes(reissued["user_identifier"]) == [("Badge9", None), ("Card1", None), ("Badge1", "INACTIVE")]


def test_a_profile_says_of_which_types_it_is_told(house: House) -> None:
    by_net = STUDENTS.model_copy(update={"reissue": ["INST_ID"]})
    run(house, by_net, "first", student(1))
    run(house, by_net, "second", student(1, CARD="New1", NET="othernet"))
    told = house.rows("history")[-1]["after"]["user_identifier"]
    assert [(one["value"], one.get("status")) for one in told] == [
        ("New1", None),
        ("othernet", None),
        ("net1", "INACTIVE"),
    ]
