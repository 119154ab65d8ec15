"""``/almaws/v1/conf/jobs``: Alma's Jobs API over the SIS jobs of the double (reference 7.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, cast
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import RowMapping

from matchpoint.almaws import instances
from matchpoint.almaws.instances import Wanted
from matchpoint.almaws.jobs import CATEGORY, TYPE, Job
from matchpoint.almaws.shown_jobs import (
    Form,
    as_xml,
    event_form,
    instance_form,
    job_form,
    list_form,
    submitted_form,
)
from matchpoint.errors import JobError
from matchpoint_airflow.almaws.job_desk import JobDesk

router = APIRouter(prefix="/conf/jobs", tags=["jobs"])
EVERY = "ALL"
"""In place of a job's id: whatever job the instance is of."""
Limit = Annotated[int, Query(ge=0, le=100)]
Offset = Annotated[int, Query(ge=0)]


def add_jobs(app: FastAPI, desk: JobDesk, dependencies: Iterable[Any] = ()) -> None:
    """Serve the jobs of a desk below ``/almaws/v1``; ``dependencies`` check the key."""
    app.state.jobs = desk
    app.include_router(router, prefix="/almaws/v1", dependencies=list(dependencies))
    app.add_exception_handler(JobError, refused)


async def refused(request: Request, error: Exception) -> Response:
    """Answer as Alma does to what it cannot do: 400 with its code."""
    told = {"errorCode": cast("JobError", error).code, "errorMessage": str(error), "trackingId": uuid4().hex}
    form = {"errorsExist": True, "errorList": {"error": [told]}}
    return answer(request, "web_service_result", form, status=400)


def answer(request: Request, root: str, form: Form, status: int = 200) -> Response:
    """Answer in JSON where that is asked for, by ``Accept`` or ``format=json``, else in XML, as Alma does."""
    if "json" in request.query_params.get("format", request.headers.get("accept", "")):
        return JSONResponse(form, status)
    return Response(as_xml(root, form), status, media_type="application/xml")


def the_desk(request: Request) -> JobDesk:
    """Give the desk of the application."""
    desk: JobDesk = request.app.state.jobs
    return desk


Desk = Annotated[JobDesk, Depends(the_desk)]


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + "/almaws/v1/conf/jobs"


def _job(desk: JobDesk, job_id: str) -> Job:
    if job_id not in desk.jobs:
        raise JobError("402248", f"Found no job {job_id}; expected one of GET /conf/jobs.")
    return desk.jobs[job_id]


def _ids(desk: JobDesk, job_id: str) -> list[str]:
    return list(desk.jobs) if job_id == EVERY else [_job(desk, job_id).id]


def _instance(desk: JobDesk, job_id: str, instance: str) -> RowMapping:
    found = instances.find(desk.engine, _ids(desk, job_id), int(instance)) if instance.isdecimal() else None
    if found is None:
        raise JobError("60333", f"Found no instance {instance} of job {job_id}.")
    return found


@router.get("")
def get_jobs(
    request: Request,
    desk: Desk,
    *,
    type: str = "",
    category: str = "",
    profile_id: str = "",
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """List the jobs of a type, a category, an integration profile."""
    if category and category not in {CATEGORY, "SIS"}:
        raise JobError("402249", f"Found the category {category}; expected {CATEGORY}.")
    found = [
        job_form(job, _base(request))
        for job in desk.jobs.values()
        if type in {"", TYPE} and profile_id in {"", job.profile_id}
    ]
    return answer(request, "jobs", list_form("job", found[offset : offset + limit], len(found)))


@router.get("/{job_id}")
def get_job(request: Request, desk: Desk, job_id: str) -> Response:
    """Give a job."""
    return answer(request, "job", job_form(_job(desk, job_id), _base(request)))


@router.post("/{job_id}")
def submit_job(request: Request, desk: Desk, job_id: str, op: str = "") -> Response:
    """Run a job; a SIS job has no parameters, so the body is not looked at."""
    job = _job(desk, job_id)
    if op != "run":
        raise JobError("402248", f"Found the op {op or 'none'}; expected run.")
    return answer(request, "job", submitted_form(job, desk.submit(job), _base(request)))


@router.get("/{job_id}/instances")
def get_instances(
    request: Request,
    desk: Desk,
    job_id: str,
    *,
    submit_date_from: date | None = None,
    submit_date_to: date | None = None,
    status: str = "",
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """List instances, the newest first. Days are YYYY-MM-DD in UTC; both count."""
    wanted = Wanted(_ids(desk, job_id), status or None, submit_date_from, submit_date_to)
    number, some = instances.listed(desk.engine, wanted, limit, offset)
    found = [instance_form(one, _base(request)) for one in some]
    return answer(request, "job_instances", list_form("job_instance", found, number))


@router.get("/{job_id}/instances/{instance_id}")
def get_instance(request: Request, desk: Desk, job_id: str, instance_id: str) -> Response:
    """Give an instance."""
    return answer(request, "job_instance", instance_form(_instance(desk, job_id, instance_id), _base(request)))


@router.get("/{job_id}/instances/{instance_id}/events")
def get_events(
    request: Request, desk: Desk, job_id: str, instance_id: str, *, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """List the events of an instance: the users that were rejected."""
    instance = _instance(desk, job_id, instance_id)
    number, some = instances.events(desk.engine, instance["id"], limit, offset)
    return answer(request, "events", list_form("event", [event_form(one) for one in some], number))
