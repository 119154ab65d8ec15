"""Alma's Jobs API as the SFTP door needs it (reference 7.1), through almapy.

almapy asks for jobs with ``job_type`` and has no events: both are asked for here by the names in Alma's own OpenAPI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
from airflow.sdk.exceptions import AirflowFailException
from almapy.exceptions import APIClientError, ThresholdError

from matchpoint.deliver.answers import EVENTS
from matchpoint.run_folder import RunFolder
from matchpoint_airflow.doors.rest import LOST
from matchpoint_airflow.hooks.alma import Alma, AlmaHook

T = TypeVar("T")
AT_ONCE = 100
"""Events, jobs or instances in one answer: Alma's most."""
BUSY = {"402222", "402223", "60347"}
"""Alma's codes for: not now, other jobs run, or this one ran too often. Tried again later."""


def ask(conn_id: str, question: Callable[[Alma], Awaitable[T]]) -> T:
    """Ask Alma. A refusal fails the task with words; no answer is a ConnectionError, which Airflow tries again."""

    async def asked() -> T:
        async with AlmaHook(conn_id).alma() as alma:
            return await question(alma)

    try:
        return asyncio.run(asked())
    except APIClientError as error:
        if isinstance(error, ThresholdError):
            raise ConnectionError(f"connection {conn_id}: Alma takes no more requests now ({error.code})") from None
        raise AirflowFailException(
            f"connection {conn_id}: Alma refused to be asked about its jobs (code {error.code}); expected an answer. "
            "Give the API key the area Configuration, with writing, in Alma's Developer Network."
        ) from None
    except LOST as error:
        raise ConnectionError(f"connection {conn_id}: Alma did not answer ({type(error).__name__})") from None


async def jobs_of_profile(alma: Alma, profile_id: str) -> list[Any]:
    """List the scheduled jobs of an integration profile, by Alma's number of it."""
    answer = await _get(alma, "/conf/jobs", type="SCHEDULED", profile_id=profile_id, limit=AT_ONCE)
    return list(answer.get("job") or [])


async def instances_of(alma: Alma, job_id: str) -> list[Any]:
    """List the newest instances of a job, the newest first."""
    answer = await _get(alma, f"/conf/jobs/{job_id}/instances", limit=AT_ONCE)
    return sorted(answer.get("job_instance") or [], key=lambda one: str(one.get("submit_time", "")), reverse=True)


async def instance_of(alma: Alma, job_id: str, instance: str) -> dict[str, Any]:
    """Give an instance of a job as it is now."""
    return await _get(alma, f"/conf/jobs/{job_id}/instances/{instance}")


async def run(alma: Alma, job_id: str) -> str:
    """Ask Alma to run a job, and give the instance's id; "" when it is not now, or the answer was lost.

    Then look at the job's instances before it is asked again.
    """
    try:
        answer = await alma.client.config.jobs.submit_job(job_id, {})
    except APIClientError as error:
        if str(error.code) in BUSY or isinstance(error, ThresholdError):
            return ""
        raise
    except LOST:
        return ""
    return str(answer.additional_info.link).rstrip("/").rpartition("/")[2]


async def keep_events(alma: Alma, job_id: str, instance: str, folder: RunFolder) -> None:
    """Keep all events of an instance in the run folder, page by page: one for each rejected user."""
    path, offset, number = f"/conf/jobs/{job_id}/instances/{instance}/events", 0, 1
    with folder.path(*EVENTS.split("/")).open("wb") as file:
        while offset < number:
            page = await _get(alma, path, limit=AT_ONCE, offset=offset)
            some = page.get("event") or []
            for one in some:
                file.write(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE))
            offset, number = offset + len(some), int(page.get("total_record_count") or 0) if some else 0


async def _get(alma: Alma, path: str, **params: Any) -> dict[str, Any]:
    answer: Any = await alma.client.execute("GET", path, params=params, parser="json")
    return dict(answer.to_dict())
