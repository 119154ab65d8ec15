"""A small Alma on loopback for the API door: users in memory, with the rules of PUT, error bodies and limits.

Rules: reference 6.1 to 6.4. Faults come from outside of it: before a request is taken, or after, so that its answer
is lost.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import servers
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from waiting import wait_for

from matchpoint.alma.identifiers import identifiers, key
from matchpoint.alma.law import SPECIAL_FIELDS

KEY = "a key"


@dataclass
class SmallAlma:
    """A running Alma. ``edited`` are special fields edited by hand, by primary id, ``daily`` its requests of a day.

    ``share`` of the requests fail; ``refusals`` are error codes for new users, by primary id.
    """

    port: int
    daily: int | None = None
    share: float = 0.0
    kinds: tuple[str, ...] = ("429", "503", "html", "dropped", "lost", "lost html")
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    edited: dict[str, set[str]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(6))
    refusals: dict[str, str] = field(default_factory=dict)

    def connection(self) -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        return json.dumps({"conn_type": "alma", "host": f"http://{servers.HOST}:{self.port}", "password": KEY})

    def has(self, user: dict[str, Any], *edited: str) -> None:
        """Give it a user, of whom staff edited some special fields."""
        self.users[key(user["primary_id"])] = user
        self.edited[key(user["primary_id"])] = set(edited)

    # --- the answers ------------------------------------------------------------------------------

    def answer(self, method: str, path: str, params: dict[str, str], body: Any) -> Response:
        if path == "operation/test":
            return Response(status_code=200)
        if method == "POST":
            return self.post(body)
        found = self.find(path, params.get("user_id_type"))
        if found is None:
            return error("401861" if "user_id_type" not in params else "401890", f"User {path} was not found.")
        return JSONResponse(self.shown(found)) if method == "GET" else self.put(found, params, body)

    def find(self, value: str, id_type: str | None) -> str | None:
        for primary_id, user in self.users.items():
            if any(key(one) == key(value) and id_type in {None, kind} for kind, one in identifiers(user)):
                return primary_id
        return None

    def shown(self, primary_id: str) -> dict[str, Any]:
        """Give a user as Alma does: with more than it was sent."""
        user = json.loads(json.dumps(self.users[primary_id]))
        dates = {name: f"{user[name]}Z" for name in ("birth_date", "expiry_date", "purge_date") if name in user}
        user["user_identifier"] = [{"status": "ACTIVE", **one} for one in reversed(user.get("user_identifier", []))]
        return {**user, **dates, "full_name": "made", "loans": {"value": 1}, "link": "x", "password": ""}

    def post(self, user: dict[str, Any]) -> Response:
        if any(self.find(value, None) for _, value in identifiers(user)):
            return error("401851", "User with identifier X of type Y already exists")
        if user["primary_id"] in self.refusals:
            return error(self.refusals[user["primary_id"]], f"refused {user['last_name']}")
        self.has(user)
        return JSONResponse(self.shown(key(user["primary_id"])))

    def put(self, primary_id: str, params: dict[str, str], user: dict[str, Any]) -> Response:
        old, edited = self.users[primary_id], self.edited[primary_id]
        if user.get("external_id") != old.get("external_id"):
            return error("401858", "The external id in DB does not fit")
        override = set(params.get("override", "").split(","))
        for name in SPECIAL_FIELDS - override:
            if name in old and (name in edited or not user.get(name)):
                user[name] = old[name]
        if not user.get("user_role"):
            user["user_role"] = old.get("user_role", [])
        del self.users[primary_id]
        self.has(user, *(edited - override))
        return JSONResponse(self.shown(key(user["primary_id"])))


def error(code: str, message: str, status: int = 400) -> Response:
    found = {"errorCode": code, "errorMessage": message, "trackingId": "E01"}
    return JSONResponse({"errorsExist": True, "errorList": {"error": [found]}}, status_code=status)


class _DroppedError(Exception):
    """The connection breaks off without an answer."""


def _fault(alma: SmallAlma) -> str:
    return alma.chance.choice(alma.kinds) if alma.chance.random() < alma.share else ""


async def _serve(alma: SmallAlma, request: Request) -> Response:
    path = request.path_params.get("path", "")
    alma.asked.append((request.method, path))
    if request.headers.get("Authorization") != f"apikey {KEY}":
        return error("UNAUTHORIZED", "API-key not defined", 403)
    if alma.daily is not None and len(alma.asked) > alma.daily:
        return error("DAILY_THRESHOLD", "Daily API Request Threshold has been reached", 429)
    fault = _fault(alma)
    if fault == "429":
        return error("PER_SECOND_THRESHOLD", "too fast", 429)
    if fault == "503":
        return Response("<html>busy</html>", 503, media_type="text/html")
    if fault == "html":
        return Response("<html>maintenance</html>", 200, media_type="text/html")
    if fault == "dropped":
        raise _DroppedError
    body = await request.body()
    answer = alma.answer(request.method, path, dict(request.query_params), json.loads(body) if body else None)
    if fault == "lost":
        raise _DroppedError
    if fault == "lost html":
        return Response("<html>maintenance</html>", 200, media_type="text/html")
    if alma.daily is not None:
        answer.headers["X-Exl-Api-Remaining"] = str(max(0, alma.daily - len(alma.asked)))
    return answer


@contextmanager
def small_alma(**how: Any) -> Iterator[SmallAlma]:
    """Run one."""
    alma = SmallAlma(servers.free_port(), **how)

    async def answer(request: Request) -> Response:
        return await _serve(alma, request)

    routes = [
        Route("/almaws/v1/users", answer, methods=["GET", "POST"]),
        Route("/almaws/v1/users/{path:path}", answer, methods=["GET", "POST", "PUT"]),
    ]
    app = Starlette(routes=routes)

    async def dropping(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except _DroppedError:  # uvicorn breaks the connection off when nothing was sent and the app is over
            raise ConnectionAbortedError from None

    config = uvicorn.Config(
        dropping, host=servers.HOST, port=alma.port, log_config=None, access_log=False, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for("the small Alma", lambda: server.started)
        yield alma
    finally:
        server.should_exit = True
        thread.join()
