"""``/almaws/v1/conf/jobs``: Alma's Jobs API over the SIS jobs of the double (reference 7.1)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from sqlalchemy import RowMapping

from matchpoint.almaws import instances
from matchpoint.almaws.instances import Wanted
from matchpoint.almaws.jobs import CATEGORY, TYPE, Job
from matchpoint.almaws.shown_jobs import (
    Form,
    element_of,
    event_form,
    instance_form,
    job_form,
    list_form,
    submitted_form,
)
from matchpoint.errors import AccountError
from matchpoint_airflow.almaws.app import ROOT
from matchpoint_airflow.almaws.documents import EMPTY
from matchpoint_airflow.almaws.job_desk import JobDesk
from matchpoint_airflow.almaws.server import caller
from matchpoint_airflow.almaws.wire import answer

router = APIRouter(prefix="/conf/jobs", tags=["Jobs"], dependencies=[Depends(caller)])
EVERY = "ALL"
"""In place of a job's id: whatever job the instance is of."""
Limit = Annotated[int, Query(ge=0, le=100)]
Offset = Annotated[int, Query(ge=0, le=10**9)]
Status = Annotated[str, Query(pattern="^[A-Z_]*$")]
_LONGEST = 18
"""Digits of a number that a database takes."""


def add_jobs(app: FastAPI, desk: JobDesk) -> FastAPI:
    """Serve the jobs of a desk in the app of ``create_app``, and give it."""
    app.state.jobs = desk
    app.include_router(router, prefix=ROOT)
    return app


def _answer(request: Request, root: str, form: Form) -> Response:
    return answer(request, form, lambda: element_of(root, form))


def the_desk(request: Request) -> JobDesk:
    """Give the desk of the application."""
    desk: JobDesk = request.app.state.jobs
    return desk


Desk = Annotated[JobDesk, Depends(the_desk)]


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/") + f"{ROOT}/conf/jobs"


def _job(desk: JobDesk, job_id: str) -> Job:
    if job_id not in desk.jobs:
        raise AccountError("402248", f"Found no job {job_id}; expected one of GET /conf/jobs.")
    return desk.jobs[job_id]


def _ids(desk: JobDesk, job_id: str) -> list[str]:
    return list(desk.jobs) if job_id == EVERY else [_job(desk, job_id).id]


def _instance(desk: JobDesk, job_id: str, instance: str) -> RowMapping:
    is_number = instance.isdecimal() and len(instance) <= _LONGEST
    found = instances.find(desk.engine, _ids(desk, job_id), int(instance)) if is_number else None
    if found is None:
        raise AccountError("60333", f"Found no instance {instance} of job {job_id}.")
    return found


@router.get("", responses=EMPTY)
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
        raise AccountError("402249", f"Found the category {category}; expected {CATEGORY}.")
    found = [
        job_form(job, _base(request))
        for job in desk.jobs.values()
        if type in {"", TYPE} and profile_id in {"", job.profile_id}
    ]
    return _answer(request, "jobs", list_form("job", found[offset : offset + limit], len(found)))


@router.get("/{job_id}", responses=EMPTY)
def get_job(request: Request, desk: Desk, job_id: str) -> Response:
    """Give a job."""
    return _answer(request, "job", job_form(_job(desk, job_id), _base(request)))


@router.post("/{job_id}", responses=EMPTY)
def submit_job(request: Request, desk: Desk, job_id: str, op: str = "") -> Response:
    """Run a job; a SIS job has no parameters, so the body is not looked at."""
    job = _job(desk, job_id)
    if op != "run":
        raise AccountError("402248", f"Found the op {op or 'none'}; expected run.")
    return _answer(request, "job", submitted_form(job, desk.submit(job), _base(request)))


@router.get("/{job_id}/instances", responses=EMPTY)
def get_instances(
    request: Request,
    desk: Desk,
    job_id: str,
    *,
    submit_date_from: date | None = None,
    submit_date_to: date | None = None,
    status: Status = "",
    limit: Limit = 10,
    offset: Offset = 0,
) -> Response:
    """List instances, the newest first. Days are YYYY-MM-DD in UTC; both count."""
    wanted = Wanted(_ids(desk, job_id), status or None, submit_date_from, submit_date_to)
    number, some = instances.listed(desk.engine, wanted, limit, offset)
    found = [instance_form(one, _base(request)) for one in some]
    return _answer(request, "job_instances", list_form("job_instance", found, number))


@router.get("/{job_id}/instances/{instance_id}", responses=EMPTY)
def get_instance(request: Request, desk: Desk, job_id: str, instance_id: str) -> Response:
    """Give an instance."""
    return _answer(request, "job_instance", instance_form(_instance(desk, job_id, instance_id), _base(request)))


@router.get("/{job_id}/instances/{instance_id}/events", responses=EMPTY)
def get_events(
    request: Request, desk: Desk, job_id: str, instance_id: str, *, limit: Limit = 10, offset: Offset = 0
) -> Response:
    """List the events of an instance: the users that were rejected."""
    instance = _instance(desk, job_id, instance_id)
    number, some = instances.events(desk.engine, instance["id"], limit, offset)
    return _answer(request, "events", list_form("event", [event_form(one) for one in some], number))
