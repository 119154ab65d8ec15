"""Hostile files of every kind do no harm; ``python -m bench.hostile`` sends thousands more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.hostile import Castle, attack, castle
from bench.hostile_files import KINDS, PERSON, Hostile

from matchpoint.errors import ExtractError

CASES = 40


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[Castle]:
    with castle(tmp_path) as one:
        yield one


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_files_do_no_harm(attacked: Castle, kind: str) -> None:
    attack(attacked, kind, CASES if kind != "long fields" else 8)
    assert attacked.came_out.total() >= 8


def test_a_castle_notices_what_it_is_there_to_notice(attacked: Castle, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Hostile("csv", "people.csv", b"ID,FIRST,LAST,GROUP,BORN,CARD,EMAIL,NOTE\n,,,UG,=1+1,,,\n")
    attacked.withstand(good)
    assert attacked.came_out["loaded"] == 1

    def refuse(*_: object, **__: object) -> None:
        raise ExtractError("people.csv", PERSON, "nobody", "")

    monkeypatch.setattr("bench.hostile.keep", refuse)
    with pytest.raises(AssertionError, match="a person is named"):
        attacked.withstand(good)
    monkeypatch.undo()
    monkeypatch.setattr("matchpoint.read.delimited.guard", lambda value: value)
    with pytest.raises(AssertionError, match="a formula in a CSV"):
        attacked.withstand(good)

    def elsewhere(*_: object, **__: object) -> None:
        (attacked.root / "neighbour" / "x").write_text("")
        refuse_plainly()

    def refuse_plainly() -> None:
        raise ExtractError("people.csv", "x", "y", "")

    monkeypatch.setattr("bench.hostile.keep", elsewhere)
    with pytest.raises(AssertionError, match="outside of the run folder"):
        attacked.withstand(good)


@pytest.mark.parametrize("profile", ["json", "lines"])
def test_a_number_of_thousands_of_digits_does_not_kill_the_process(attacked: Castle, profile: str) -> None:
    for content in (f'[{{"ID": {"9" * 20_000}}}]', f'[{{"ID": "x", "LAST": [{" " * 65_000}{"9" * 5_000}]}}]'):
        attacked.withstand(Hostile(profile, "people.json", content.encode()))
