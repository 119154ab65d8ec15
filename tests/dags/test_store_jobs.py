"""The DAGs that staff start by hand on a user store, whole, in Airflow."""

from __future__ import annotations

import csv
import io
from typing import Any

import extracts
import pytest
from harness import START, Matchpoint, Result
from sqlalchemy import select

from matchpoint.store import open_store
from matchpoint.store.code_tables import load_code_tables
from matchpoint.store.leavers_tables import obligations


@pytest.fixture
def loaded(on_sqlite: Matchpoint) -> Matchpoint:
    """Give a store with the people of the sample extract."""
    on_sqlite.remote.joinpath("students_2026-08-24.csv").write_text(extracts.day_1(), encoding="utf-8")
    assert on_sqlite.run("sis_import__students").state == "success"
    return on_sqlite


def report(matchpoint: Matchpoint, result: Result) -> str:
    return matchpoint.run_folder(result).root.joinpath("report.html").read_text()


def types(matchpoint: Matchpoint) -> dict[str, str]:
    return {who: user["account_type"]["value"] for who, (_, user) in matchpoint.store()["users"].items()}


def test_users_are_converted_first_tried_then_done_then_nothing_is_left(loaded: Matchpoint) -> None:
    people = sorted(types(loaded))
    how: dict[str, Any] = {"to": "INTERNAL", "ids": people[:2], "passwords": True}
    tried = loaded.run("users_convert", **how, dry_run=True)
    assert (tried.state, set(types(loaded).values())) == ("success", {"EXTERNAL"})
    assert "2 of 2 users converted to INTERNAL." in report(loaded, tried)
    assert "Dry run" in report(loaded, tried)
    done = loaded.run("users_convert", **how)
    assert done.state == "success"
    assert [who for who, kind in sorted(types(loaded).items()) if kind == "INTERNAL"] == people[:2]
    secrets = loaded.run_folder(done).root.joinpath("one_time_passwords.csv").read_text()
    assert [line.split(",")[0] for line in secrets.split()] == people[:2]
    again = loaded.run("users_convert", **how)
    assert "0 of 0 users" in report(loaded, again)


@pytest.mark.parametrize("how", [{"to": "INTERNAL"}, {"to": "EXTERNAL", "profile": "students"}])
def test_everybody_and_nobody_s_profile_are_refused(loaded: Matchpoint, how: dict[str, Any]) -> None:
    assert loaded.run("users_convert", **how).state == "failed"
    assert set(types(loaded).values()) == {"EXTERNAL"}


def test_users_are_purged_when_their_day_has_come(loaded: Matchpoint) -> None:
    store = open_store(loaded.store_url)
    from matchpoint.accounts import one
    from matchpoint.accounts.store import Act
    from matchpoint.alma.fields import NOTES

    first, second, *others = sorted(types(loaded))
    act = Act("test", START)
    for who in (first, second):
        one.edit(store, who, {"purge_date": "2026-01-01"}, act)
    note = {"note_type": {"value": "OTHER"}, "note_text": "NOSYNC"}
    one.add_segment(store, second, NOTES, note, act)
    tried = loaded.run("users_purge", dry_run=True)
    assert "1 users deleted, 1 kept." in report(loaded, tried)
    assert first in types(loaded)
    done = loaded.run("users_purge")
    assert done.state == "success"
    assert sorted(types(loaded)) == [second, *others]
    kept = loaded.run_folder(done).root.joinpath("rejections", "left_as_they_were.csv").read_text()
    assert list(csv.reader(io.StringIO(kept)))[1] == [second, "a note says NOSYNC"]
    assert second not in report(loaded, done)


def test_people_in_several_profiles_are_handed_over_when_a_role_has_ended(loaded: Matchpoint) -> None:
    from matchpoint.accounts.store import find
    from matchpoint.affiliations import Facet, said_before
    from matchpoint.store import writing
    from matchpoint.store.affiliations import as_text, replace_facets

    first = min(types(loaded))
    with writing(open_store(loaded.store_url)).begin() as connection:
        account = find(connection, first)
        student = Facet("students", 1, {**said_before(account.user, {}), "first_name": "Handed"})
        ended = Facet("staff", 0, {"primary_id": first, "last_name": "Over", "expiry_date": "2020-01-31"})
        replace_facets(connection, {account.id: as_text([], [ended, student])}, START)
    tried = loaded.run("users_hand_over", dry_run=True)
    assert "1 users handed over, 0 left." in report(loaded, tried)
    assert loaded.store()["users"][first][1]["first_name"] != "Handed"
    assert loaded.run("users_hand_over").state == "success"
    assert loaded.store()["users"][first][1]["first_name"] == "Handed"
    assert "0 users handed over" in report(loaded, loaded.run("users_hand_over"))


def test_code_tables_are_loaded_and_then_hold(loaded: Matchpoint) -> None:
    folder = loaded.base / "tables"
    folder.mkdir()
    loaded.monkeypatch.setenv("MATCHPOINT_CODE_TABLES", str(folder))
    assert loaded.run("code_tables_load").state == "failed", "an empty folder is a mistake"
    folder.joinpath("groups.yaml").write_text("UserGroups: {GONE: No longer given}")
    assert loaded.run("code_tables_load").state == "success"
    assert load_code_tables(open_store(loaded.store_url)).names == ["UserGroups"]
    loaded.remote.joinpath("students_2026-08-25.csv").write_text(extracts.day_1(), encoding="utf-8")
    receipt = loaded.receipt(loaded.run("sis_synchronize__students"))
    assert receipt["total"]["rejected"] == receipt["total"]["processed"] > 0
    assert {one["code"] for one in receipt["reasons"]} >= {"code_unknown"}


def test_what_is_owed_is_loaded_whole_or_not_at_all(loaded: Matchpoint) -> None:
    folder = loaded.base / "owed"
    folder.mkdir()
    loaded.monkeypatch.setenv("MATCHPOINT_OBLIGATIONS", str(folder))
    assert loaded.run("obligations_load").state == "failed", "an empty folder is a mistake"
    first, second, *_ = sorted(types(loaded))
    folder.joinpath("loans.csv").write_text(f"identifier,loans\n{first},2\nnobody,1\n")
    folder.joinpath("fines.csv").write_text(f"identifier,fines\n{second},3.50\n")
    assert loaded.run("obligations_load").state == "success"
    assert owed(loaded) == {(2, "0"), (0, "3.50")}
    folder.joinpath("loans.csv").write_text(f"identifier,loans\n{first},many\n")
    assert loaded.run("obligations_load").state == "failed"
    assert owed(loaded) == {(2, "0"), (0, "3.50")}
    folder.joinpath("loans.csv").unlink()
    assert loaded.run("obligations_load").state == "success"
    assert owed(loaded) == {(0, "3.50")}


def owed(matchpoint: Matchpoint) -> set[tuple[int, str]]:
    with open_store(matchpoint.store_url).connect() as connection:
        return {tuple(one) for one in connection.execute(select(obligations.c.loans, obligations.c.fines))}
