"""The app: Alma's paths below ``/almaws/v1``, with a key for each caller and Alma's errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from matchpoint.errors import AccountError
from matchpoint_airflow.almaws import conf, users
from matchpoint_airflow.almaws.documents import REFUSALS
from matchpoint_airflow.almaws.server import Server
from matchpoint_airflow.almaws.wire import failed

ROOT = "/almaws/v1"
_PATHS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def create_app(open_server: Callable[[], Server]) -> FastAPI:
    """Make the app of a store, which is opened with the first request."""
    app = FastAPI(
        title="Users, as Alma's API has them",
        version="1",
        description="The user store behind Alma's REST API. Show a key as `Authorization: apikey KEY`.",
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=f"{ROOT}/docs",
        redoc_url=None,
        responses=REFUSALS,
    )
    app.state.open_server = open_server
    for router in (users.router, conf.router):
        app.include_router(router, prefix=ROOT)
    app.middleware("http")(_say_what_is_left)
    app.exception_handler(AccountError)(failed)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(HTTPException)(_no_such_path)
    return app


async def _say_what_is_left(request: Request, call_next: Callable[[Request], Any]) -> Any:
    response = await call_next(request)
    left = getattr(request.state, "remaining", None)
    if left is not None:
        response.headers["X-Exl-Api-Remaining"] = str(left)
    return response


def _not_valid(request: Request, error: RequestValidationError) -> Response:
    place = ".".join(str(one) for one in error.errors()[0]["loc"][1:])
    return failed(request, AccountError("401666", f"{place}: found a value that is not valid"))


def _no_such_path(request: Request, error: HTTPException) -> Response:
    return failed(request, AccountError(_PATHS.get(error.status_code, "401658"), str(error.detail)))
