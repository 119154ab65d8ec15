"""Import and synchronize of several files by two workers that share no disk; workers die in the middle of a task."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import psycopg
import pytest
from extracts import extract, student
from gate import Gate, closed_gate
from nodes import Node
from rest import Run
from servers import libpq
from waiting import wait_for
from whole import Cluster

pytestmark = pytest.mark.cluster
FILES, ROWS = 4, 700
ZERO = dict.fromkeys(("created", "updated", "unchanged", "skipped", "rejected", "conflict", "failed"), 0)


def counts(**given: int) -> dict[str, int]:
    return {"processed": sum(given.values()), **ZERO, **given}


def deliver(cluster: Cluster, day: int, rows: list[dict[str, str]]) -> None:
    """Do what the SIS does: lay the rows of a day into several files."""
    size = -(-len(rows) // FILES)
    for number in range(FILES):
        part = extract(rows[number * size : (number + 1) * size])
        (cluster.students / f"students_day{day}_{number}.csv").write_text(part)


def running_at_the_gate(cluster: Cluster, run: Run, gate: Gate) -> Node:
    """Wait until apply_plan stands in the middle of a transaction, and give the node on which it runs."""
    wait_for("a transaction at the gate", gate.waiting)
    task = run.tasks()["apply_plan"]
    assert task["state"] == "running"
    return cluster.node_of(task["pid"])


def users(cluster: Cluster) -> dict[str, tuple[int, dict[str, Any]]]:
    with psycopg.connect(libpq(cluster.store_url)) as connection:
        rows = connection.execute("SELECT primary_id, version, document FROM users").fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return {primary_id: (version, document) for primary_id, version, document in rows}


def history(cluster: Cluster) -> Counter[str]:
    with psycopg.connect(libpq(cluster.store_url)) as connection:
        return Counter(one for (one,) in connection.execute("SELECT outcome FROM history"))


def receipt(run: Run) -> dict[str, Any]:
    return dict(run.page("receipt.json").raise_for_status().json())


def first_day() -> list[dict[str, str]]:
    """Rows of which two cannot go in: a bad date, and the card of the row before."""
    rows = [student(number) for number in range(FILES * ROWS)]
    rows[5]["END_DATE"] = "next summer"
    rows[2000]["CARD_NUMBER"] = rows[1999]["CARD_NUMBER"]
    return rows


def second_day() -> list[dict[str, str]]:
    """Three changed, the two bad ones mended, three new, one gone, the rest as they were."""
    rows = [student(number) for number in range(FILES * ROWS + 3) if number != 9]
    for number in (0, 1499, 2700):
        rows[number]["LAST_NAME"] = "Family0000"
    return rows


def upgrade_store(cluster: Cluster) -> None:
    """Bring the store to its newest tables, as the first task of a run does, so that the gate has a place."""
    cluster.nodes["worker-1"].run(
        "-c", "from matchpoint_airflow.hooks.user_store import UserStoreHook; UserStoreHook('user_store').upgrade()"
    )


def come_back(cluster: Cluster, node: Node) -> None:
    """Start a dead worker anew; the next test has two again."""
    node.stop()
    node.start()
    cluster.wait_for("the worker's return", lambda: len(cluster.workers()) == 2)


def test_a_machine_dies_in_the_middle_of_an_import(cluster: Cluster) -> None:
    rows = first_day()
    deliver(cluster, 1, rows)
    upgrade_store(cluster)
    with closed_gate(cluster.store_url, "s01500") as gate:
        run = cluster.api.start("sis_import__students", as_of="2026-09-01")
        node = running_at_the_gate(cluster, run, gate)
        node.lose_power()
        # The database notices that its client is gone, although it waits: the store is free for the next.
        wait_for("the end of the dead session", lambda: not gate.waiting() and not gate.holds_the_store(), 60)
        assert len(users(cluster)) < len(rows) - 2
    run.succeeds()

    assert [one["state"] for one in run.tries("apply_plan")] == ["failed", "success"]
    assert {name for name, one in run.tasks().items() if one["try_number"] > 1} == {"apply_plan"}
    assert sum(name.startswith("transform_users[") for name in run.tasks()) == FILES
    assert receipt(run)["total"] == counts(created=len(rows) - 2, rejected=2)
    assert set(users(cluster)) == {f"s{number:05}" for number in range(len(rows)) if number not in {5, 2000}}
    assert {version for version, _ in users(cluster).values()} == {1}
    assert history(cluster) == {"created": len(rows) - 2}
    assert {path.suffix for path in cluster.students.iterdir()} == {".handled"}
    come_back(cluster, node)


def test_a_worker_is_killed_in_the_middle_of_a_synchronize_and_its_task_goes_on(cluster: Cluster) -> None:
    rows = second_day()
    before = users(cluster)
    deliver(cluster, 2, rows)
    with closed_gate(cluster.store_url, "s01500") as gate:
        run = cluster.api.start("sis_synchronize__students", as_of="2026-09-02")
        node = running_at_the_gate(cluster, run, gate)
        node.lose_worker()
        # Airflow tries again on the other worker, while the orphan still holds the store: it waits for its turn.
        wait_for("the second try at the store", gate.at_the_store)
        assert gate.waiting()
    run.succeeds()

    assert [one["state"] for one in run.tries("apply_plan")] == ["failed", "success"]
    total = counts(created=5, updated=3, unchanged=len(rows) - 8)
    assert receipt(run)["total"] == total
    assert receipt(run)["changed_fields"] == {"last_name": 3}
    after = users(cluster)
    assert set(after) == {*before, "s00005", "s02000", "s02800", "s02801", "s02802"}
    changed = {one for one in before if after[one] != before[one]}
    assert changed == {"s00000", "s01500", "s02701"}
    assert {after[one][0] for one in changed} == {2}
    assert history(cluster) == {"created": len(before) + 5, "updated": 3}
    come_back(cluster, node)


def test_pages_and_logs_come_from_the_object_store(cluster: Cluster) -> None:
    deliver(cluster, 3, [student(1, END_DATE="next summer"), student(2)])
    run = cluster.api.start("sis_synchronize__students", as_of="2026-09-02", only_file="students_day3_0.csv")
    run.succeeds()
    report = run.page("report.html").raise_for_status()
    assert report.headers["content-type"].startswith("text/html")
    assert receipt(run)["total"] == counts(rejected=1)
    assert "next summer" in run.page("rejections/students_day3_0.rejected.csv").raise_for_status().text
    assert run.page("rejections/none.csv").status_code == 404
    # A worker lays a task's log into the object store a moment after it has told that the task is done.
    wait_for("the log of write_report", lambda: "the report is in s3://" in run.log("write_report", 1))


def test_no_node_keeps_people_on_its_disk(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        files = [path for path in node.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        assert len(files) > 10
        for path in files:
            content = path.read_bytes()
            assert re.search(rb"(Family|Given)\d", content) is None, path.relative_to(node.folder)
            assert b"example.edu" not in content or "project" in path.parts, path.relative_to(node.folder)
