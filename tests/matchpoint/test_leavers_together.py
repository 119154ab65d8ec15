"""Two profiles with a policy for leavers, whose people come and go: they never fight, and no role is forgotten.

And a kill in the middle of many hand-overs loses and doubles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from affiliated import document, employee, facets, feed, people, student
from helpers import AS_OF, House, Row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from killing import kill_in_the_middle
from shared_leavers import ENOUGH, PURGE, STAFF, STUDENTS, Nights, counted, leaving
from test_against_model import clear
from test_leavers_model import CHILD, stepped

PROFILES, ROWS = {"staff": STAFF, "students": STUDENTS}, {"staff": employee, "students": student}
NUMBERS = (1, 2)
PROPERTY = settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass
class Roles:
    """Who has which role, as a person would say it: by profile and number its last day, and nights missing."""

    ends: dict[tuple[str, int], int | None] = field(default_factory=dict)
    missing: dict[tuple[str, int], int] = field(default_factory=dict)

    def meet(self, code: str, there: dict[int, int | None]) -> None:
        """Note who is in a feed, each with the last day of the role."""
        for number in NUMBERS:
            if number in there:
                self.ends[code, number], self.missing[code, number] = there[number], 0
            elif (code, number) in self.ends:
                self.missing[code, number] += 1

    def forget(self, code: str) -> None:
        """Forget who is missing for long enough."""
        for one in [one for one, nights in self.missing.items() if one[0] == code and nights >= ENOUGH]:
            self.ends.pop(one, None)

    def lasting(self, number: int, day: int, *, but: str = "") -> set[str]:
        """Give the profiles in which somebody has a role on a day."""
        mine = {code: end for (code, one), end in self.ends.items() if one == number and code != but}
        return {code for code, end in mine.items() if end is None or end >= day}


# For each person None when absent, else after how many days from the first the role ends; 0 for never.
says = st.sampled_from([None, None, 0, 2, 20, 900])
night = st.tuples(
    st.sampled_from([1, 1, 3, 7]),
    st.permutations(sorted(PROFILES)),
    st.fixed_dictionaries({code: st.tuples(*[says] * len(NUMBERS)) for code in PROFILES}),
)


def rows_of(code: str, said: tuple[int | None, ...]) -> list[Row]:
    """Write a feed; somebody else is always in it."""
    rows = [ROWS[code](8 if code == "staff" else 9)]
    for number, days in zip(NUMBERS, said, strict=True):
        if days is not None:
            rows.append(ROWS[code](number, END=(AS_OF + timedelta(days=days)).isoformat() if days else ""))
    return rows


def check(nights: Nights, roles: Roles, code: str, there: dict[int, int | None]) -> None:
    """Check what a run made of people: steps by who is left without a role, and nobody INACTIVE who has one."""
    house = nights.house
    names = {row["id"]: name for name, row in house.users().items()}
    for entry in house.rows("history"):
        number = int(names[entry["user_id"]][1:])
        if entry["run_id"] != nights.last or number not in NUMBERS:
            continue
        if entry["rule"] == "leave":
            assert roles.missing[code, number] >= ENOUGH
            assert roles.lasting(number, nights.day, but=code) == set()
        if entry["rule"] == "hand_over":
            assert roles.missing[code, number] >= ENOUGH
            assert entry["after"].get("external_id") != code
    for name, row in house.users().items():
        lasting = roles.lasting(int(name[1:]), nights.day)
        if lasting:
            assert row["document"]["status"]["value"] == "ACTIVE"
    assert not [one for one in there if f"s{one}" not in house.users()]


@given(st.lists(night, min_size=3, max_size=6))
@PROPERTY
def test_people_of_two_profiles_come_and_go(house: House, drawn: Any) -> None:
    clear(house)
    nights, roles = Nights(house), Roles()
    for days, order, said in [(1, sorted(PROFILES), {code: (0, 0) for code in PROFILES}), *drawn]:
        nights.day += days
        for code in order:
            there = {n: one or None for n, one in zip(NUMBERS, said[code], strict=True) if one is not None}
            nights.run(PROFILES[code], *rows_of(code, said[code]))
            roles.meet(code, there)
            check(nights, roles, code, there)
            roles.forget(code)
    for days in (0, 2 * PURGE, 1000):
        nights.day += days
        for _ in range(ENOUGH + 3):  # each absence counted, each step taken, and the rows met once more
            settle(nights, said)
        before = {**people(house), "facets": house.rows("facets")}
        settle(nights, said)
        assert {**people(house), "facets": house.rows("facets")} == before


def settle(nights: Nights, said: dict[str, Any]) -> None:
    """Let both profiles run with feeds that stay as they are."""
    for code, profile in PROFILES.items():
        nights.run(profile, *rows_of(code, said[code]))


# --- killed in the middle -------------------------------------------------------------------------

MANY = 300


def test_a_kill_while_people_are_handed_over_loses_and_doubles_nothing(house: House) -> None:
    plans_again = house.engine.dialect.name == "postgresql"  # each way on one of the databases
    nights, staff = Nights(house), leaving("staff", after_feeds=1)
    nights.run(STUDENTS, *(student(number) for number in range(MANY)))
    nights.run(staff, *(employee(number, ID=f"S{number}") for number in range(MANY)))
    assert len(facets(house)) == 2 * MANY
    versions = {name: row["version"] for name, row in house.users().items()}
    own = nights.plan(staff, employee(0))
    assert 0 < kill_in_the_middle(own, nights.last, CHILD, stepped, 20) < MANY - 1
    if plans_again:
        own.plan(nights.last, feed(employee(0)))
    own.apply(nights.last)
    assert counted(own.receipt(nights.last)) == {"handed_over": MANY - 1}
    gone = {name for name, row in house.users().items() if row["external_id"] == "students"}
    assert gone == versions.keys() - {"s0"}
    grown = {name: row["version"] - versions[name] for name, row in house.users().items()}
    assert grown == {name: int(name in gone) for name in versions}
    assert {document(house, name)["user_group"]["value"] for name in gone} == {"UNDERGRAD"}
    assert len(facets(house)) == 2
