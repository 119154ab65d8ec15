"""What people owe the library: noted by an interface and by a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from helpers import House, open_house, person

from matchpoint.accounts.purge import purge
from matchpoint.accounts.store import Act
from matchpoint.errors import ExtractError
from matchpoint.leavers.obligations import Noted, Obligation, note_obligations, read_obligations
from matchpoint.store.leavers_tables import obligations
from matchpoint.store.obligations import owed_by

TODAY = date(2026, 9, 1)


@pytest.fixture
def house(store_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(store_url, tmp_path) as opened:
        opened.run("first", [person(1), person(2), person(3)])
        yield opened


def owed(house: House) -> dict[str, list[str]]:
    names = {row["id"]: name for name, row in house.users().items()}
    with house.engine.connect() as connection:
        return {names[user_id]: words for user_id, words in owed_by(connection, names).items()}


def test_what_is_owed_is_found_by_any_identifier_and_told_in_words(house: House) -> None:
    some = [Obligation("S1", loans=1), Obligation("net2", 1, 0, 3, Decimal("0.10")), Obligation("nobody", loans=1)]
    assert note_obligations(house.engine, some, source="api", as_of=TODAY) == Noted(2, 1)
    assert owed(house) == {
        "s1": ["the user has loans"],
        "s2": ["the user has a block", "the user has requests", "the user has an open balance"],
    }
    (first, second) = house.rows("obligations")
    assert (first["loans"], first["as_of"], first["source"]) == (1, "2026-09-01", "api")
    assert second["fines"] == "0.10"


def test_what_is_told_anew_replaces_and_what_a_whole_source_no_longer_tells_goes(house: House) -> None:
    engine = house.engine
    note_obligations(engine, [Obligation("s1", loans=1), Obligation("s2", loans=1)], source="api", as_of=TODAY)
    note_obligations(engine, [Obligation("s3", loans=1)], source="desk", as_of=TODAY)
    note_obligations(engine, [Obligation("s1")], source="api", as_of=TODAY)
    assert owed(house) == {"s1": [], "s2": ["the user has loans"], "s3": ["the user has loans"]}
    note_obligations(engine, [Obligation("s1", requests=1)], source="api", as_of=TODAY, whole=True)
    assert owed(house) == {"s1": ["the user has requests"], "s3": ["the user has loans"]}


def test_a_file_is_read_with_the_columns_that_it_has(house: House) -> None:
    text = "identifier,loans,fines,name\ns1,2,,x\ncard2,,3.50,y\n"
    read = list(read_obligations(io.StringIO(text), "owed.csv"))
    assert read == [Obligation("s1", loans=2), Obligation("card2", fines=Decimal("3.50"))]
    assert note_obligations(house.engine, read, source="owed.csv", as_of=TODAY) == Noted(2, 0)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "row 1"),
        ("name,loans\ns1,1\n", "row 1"),
        ("identifier,name\ns1,x\n", "row 1"),
        ("identifier,loans\ns1,1\ns2,secret\n", "line 3"),
        ("identifier,loans\ns1,-1\n", "line 2"),
        ("identifier,fines\ns1,NaN\n", "line 2"),
        ('identifier,fines\ns1,"3,50"\n', "line 2"),
        ("identifier,loans\n,1\n", "line 2"),
        ('identifier,loans\ns1,1\ns2,"1\n', "after line 2"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_line_and_nothing_is_noted(
    house: House, text: str, place: str
) -> None:
    with pytest.raises(ExtractError, match=f"owed.csv, {place}") as raised:
        note_obligations(house.engine, read_obligations(io.StringIO(text), "owed.csv"), source="f", as_of=TODAY)
    assert "secret" not in str(raised.value)
    assert house.rows("obligations") == []


def test_the_purge_keeps_who_still_has_something_but_not_for_a_block(house: House) -> None:
    for name in ("s1", "s2", "s3"):
        house.edit(name, purge_date="2026-08-01")
    note_obligations(house.engine, [Obligation("s1", loans=1), Obligation("s2", 1)], source="api", as_of=TODAY)
    purged = purge(house.engine, Act("librarian", house.now()), as_of=TODAY, dry_run=False)
    assert (purged.deleted, purged.kept) == (2, {"s1": "the user has loans"})
    assert house.users().keys() == {"s1"}


def test_many_are_noted_in_few_statements(house: House) -> None:
    many = [Obligation(f"nobody{number}", loans=1) for number in range(12_000)]
    assert note_obligations(house.engine, [*many, Obligation("s2", loans=1)], source="api", as_of=TODAY).noted == 1
    with house.engine.connect() as connection:
        assert len(connection.execute(obligations.select()).all()) == 1
