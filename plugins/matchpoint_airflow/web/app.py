"""The pages: so far plan and report of a run with its rejections files."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import FastAPI, HTTPException
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from matchpoint.plan_table import plan_table
from matchpoint_airflow.run import asked_by, run_folder
from matchpoint_airflow.web.security import MAY_SEE_RUNS

app = FastAPI(title="Matchpoint", docs_url=None, redoc_url=None, openapi_url=None)

_REPORTS = {
    "report.html": "text/html",
    "report.md": "text/markdown",
    "receipt.json": "application/json",
    "plan.html": "text/html",
    "clearance.csv": "text/csv",
}


@app.get("/runs/{dag_id}/{run_id}/plan.csv", dependencies=[MAY_SEE_RUNS])
def plan(dag_id: str, run_id: str) -> Response:
    """Give the plan of a run to download; it is written while it is sent."""
    folder = run_folder(dag_id, run_id)
    if not folder.root.joinpath("plan.parquet").exists():
        raise HTTPException(404, f"the run {run_id} of {dag_id} has no plan, or no longer")
    response = StreamingResponse(plan_table(folder), media_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="plan.csv"'
    return response


@app.get("/runs/{dag_id}/{run_id}/{name}", dependencies=[MAY_SEE_RUNS])
def report(dag_id: str, run_id: str, name: str) -> Response:
    """Give the report or the plan of a run. A run that answers a question has those of the run that asked."""
    if name not in _REPORTS:
        raise HTTPException(404, f"a run has {', '.join(_REPORTS)}")
    if asked := asked_by(dag_id, run_id):
        return RedirectResponse(f"../../{quote(asked[0], safe='')}/{quote(asked[1], safe='')}/{name}")
    return _file(dag_id, run_id, name, _REPORTS[name])


@app.get("/runs/{dag_id}/{run_id}/rejections/{name}", dependencies=[MAY_SEE_RUNS])
def rejections(dag_id: str, run_id: str, name: str) -> Response:
    """Give a rejections file to download."""
    if PurePosixPath(name).name != name:
        raise HTTPException(404, "no such rejections file")
    response = _file(dag_id, run_id, f"rejections/{name}", "application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    return response


def _file(dag_id: str, run_id: str, name: str, media_type: str) -> Response:
    path = run_folder(dag_id, run_id).root.joinpath(*name.split("/"))
    if not path.exists():
        raise HTTPException(404, f"the run {run_id} of {dag_id} has no {name}")
    return Response(path.read_bytes(), media_type=f"{media_type}; charset=utf-8")
