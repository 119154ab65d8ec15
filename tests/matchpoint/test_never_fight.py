"""A property of profiles that share people: after each has spoken once, nobody writes anything, whatever they say.

Whatever the rows differ in, in whatever order the profiles run, and on whatever day.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from affiliated import affiliated, people, run, student
from helpers import House, Row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_against_model import clear

CODES = ["staff", "students", "visitors"]
ORDERS = [["staff", "students", "visitors"], ["students/UG", "visitors", "staff", "students"]]
DAYS = ["2026-09-01", "2027-01-01", "2027-07-01"]
PROPERTY = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
RUNS = count()


def rows(number: int) -> st.SearchStrategy[Row]:
    """Draw what a feed says of a person; one under another primary id is known by its card.

    Where an identifier is refused as taken, as from a row that is known by nothing, it may be free when a role ends.
    """
    some: dict[str, list[str]] = {
        "ID": [f"S{number}", f"s{number}", f"E{number}"],
        "CARD": ["", f"Card{number}", f"Badge{number}"],
        "NET": ["", f"net{number}"],
        "FIRST": ["", "Kit", "Christopher"],
        "LAST": ["Ito", "Diaz"],
        "GROUP": ["", "UG", "STAFF"],
        "JOB": ["", "DEAN"],
        "BORN": ["", "1990-01-01", "1990-10-01"],
        "END": ["", "2026-08-31", "2026-12-31", "2027-06-30"],
        "EMAIL": ["", "a@example.edu", "A@example.edu", "b@example.edu"],
        "NOTE": ["", "one", "two"],
        "PROGRAM": ["", "PHYSICS", "HISTORY"],
    }
    drawn = {name: st.sampled_from(values) for name, values in some.items()}
    known = {"CARD": f"Card{number}", "NET": ""}
    return st.fixed_dictionaries(drawn).map(
        lambda values: student(number, **values | (known if values["ID"].startswith("E") else {}))
    )


feeds = st.fixed_dictionaries({code: st.tuples(rows(1), rows(2)) for code in CODES})


@pytest.mark.law("shared")
@given(
    feeds=feeds,
    order=st.sampled_from(ORDERS),
    special=st.tuples(*(st.sampled_from(["keep", "clear"]) for _ in CODES)),
    rounds=st.lists(st.permutations(CODES), min_size=4, max_size=4),
    days=st.permutations(DAYS),
)
@PROPERTY
def test_profiles_that_share_never_fight(
    house: House, feeds: Any, order: list[str], special: Any, rounds: list[list[str]], days: list[str]
) -> None:
    clear(house)
    profiles = {
        code: affiliated(code, affiliation={"order": order}, empty_special=one)
        for code, one in zip(CODES, special, strict=True)
    }
    for day, first, second in ((days[0], *rounds[:2]), (days[1], *rounds[2:])):
        for code in first:
            run(house.on(day), profiles[code], f"run{next(RUNS)}", *feeds[code])
        before = people(house)
        for code in second:
            receipt = run(house.on(day), profiles[code], f"run{next(RUNS)}", *feeds[code])
            assert (receipt.total["created"], receipt.total["updated"]) == (0, 0)
            assert people(house) == before
