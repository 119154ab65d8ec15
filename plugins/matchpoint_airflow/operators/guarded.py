"""No operator tells a person's data by an error that nobody foresaw.

Errors that Matchpoint makes hold none, and those of a connection have no row at hand. Any other may quote the very
value that it stumbled over, and Airflow would write it into the log.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from matchpoint.errors import MatchpointError
from matchpoint_airflow.retry import RETRY_CONNECTIONS
from matchpoint_airflow.run import run_folder


class Guarded:
    """Put before the operator among the bases of a class, it guards the ``execute`` of that class and its heirs.

    What is not foreseen fails the task with its kind and place only; the words go to ``errors/`` of the run folder,
    which is private and has its retention clock.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        execute = cls.__dict__.get("execute")
        if execute is not None:
            cls.execute = _guarded(execute)  # type: ignore[attr-defined]


def _guarded(execute: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute)
    def guarded(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return execute(self, context, *args, **kwargs)
        except Exception as error:
            if _may_be_told(error):
                raise
            raise AirflowFailException(_withheld(error, context)) from None

    return guarded


def _may_be_told(error: Exception) -> bool:
    if isinstance(error, AirflowException | MatchpointError | ConnectionError):
        return True
    return RETRY_CONNECTIONS["retry_policy"].evaluate(error, 1, 1).action is RetryAction.RETRY


def _withheld(error: Exception, context: Any) -> str:
    """Keep an error in the run folder, and give what may be said of it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "matchpoint" in Path(one.filename).parts] or frames
    where = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}, {ours[-1].name}"
    return (
        f"found an error that nobody foresaw, {type(error).__name__} at {where}; expected none. Its words may hold a "
        f"person's data: they are not told here, {_keep(error, context)}. Tell a data engineer."
    )


def _keep(error: Exception, context: Any) -> str:
    run, task = context["dag_run"], context["ti"]
    try:
        path = run_folder(run.dag_id, run.run_id).path("errors", f"{task.task_id}.{task.map_index}.txt")
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except Exception as unwritten:
        return f"nor could they be kept ({type(unwritten).__name__})"
    return f"but in {path}"
