"""The pages: so far the report of a run with its rejections files."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi import FastAPI, HTTPException
from fastapi.responses import Response

from matchpoint_airflow.run import run_folder
from matchpoint_airflow.web.security import MAY_SEE_RUNS

app = FastAPI(title="Matchpoint", docs_url=None, redoc_url=None, openapi_url=None)

_REPORTS = {
    "report.html": "text/html",
    "report.md": "text/markdown",
    "receipt.json": "application/json",
    "clearance.csv": "text/csv",
}


@app.get("/runs/{dag_id}/{run_id}/{name}", dependencies=[MAY_SEE_RUNS])
def report(dag_id: str, run_id: str, name: str) -> Response:
    """Give the report of a run."""
    if name not in _REPORTS:
        raise HTTPException(404, f"a run has {', '.join(_REPORTS)}")
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
