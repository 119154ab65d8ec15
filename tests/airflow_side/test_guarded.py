"""An error that nobody foresaw is told by kind and place; its words are kept where people's data are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred
from sqlalchemy.exc import OperationalError

from matchpoint.errors import ExtractError
from matchpoint_airflow import operators
from matchpoint_airflow.operators.guarded import Guarded, _guarded
from matchpoint_airflow.run import run_folder


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("MATCHPOINT_RUNS", tmp_path.as_uri())
    return {
        "dag_run": SimpleNamespace(dag_id="sis_import__students", run_id="run"),
        "ti": SimpleNamespace(task_id="transform_users", map_index=2),
    }


def raising(error: BaseException) -> Any:
    def execute(self: Any, context: Any) -> None:
        raise error

    return _guarded(execute)


def test_what_nobody_foresaw_is_withheld_and_kept(context: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException) as told:
        raising(KeyError("Ms Marked"))(None, context=context)
    said = str(told.value)
    assert "Marked" not in said
    assert "KeyError at test_guarded.py, line " in said
    assert told.value.__suppress_context__, "a traceback does not show it either"
    kept = run_folder("sis_import__students", "run").root / "errors" / "transform_users.2.txt"
    assert "KeyError: 'Ms Marked'" in kept.read_text()
    assert "errors/transform_users.2.txt" in said


def test_where_it_cannot_be_kept_that_is_told(context: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATCHPOINT_RUNS", "file:///dev/null/runs")
    with pytest.raises(AirflowFailException, match="nor could they be kept") as told:
        raising(ValueError("Ms Marked"))(None, context=context)
    assert "Marked" not in str(told.value)


@pytest.mark.parametrize(
    "error",
    [
        AirflowFailException("words"),
        AirflowSkipException("words"),
        ExtractError("a.csv", "x", "y", "z"),
        ConnectionResetError("gone"),
        OperationalError("SELECT", {}, Exception("gone")),
        TaskDeferred(trigger=SimpleNamespace(), method_name="execute_complete"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_meant_to_be_told_or_tried_again_goes_through(error: BaseException, context: dict[str, Any]) -> None:
    with pytest.raises(type(error)) as told:
        raising(error)(None, context=context)
    assert told.value is error


def test_every_operator_is_guarded() -> None:
    classes = [getattr(operators, name) for name in operators.__all__]
    assert classes
    for one in classes:
        assert issubclass(one, Guarded), one
        assert issubclass(one, BaseOperator)
        assert hasattr(one.execute, "__wrapped__")
