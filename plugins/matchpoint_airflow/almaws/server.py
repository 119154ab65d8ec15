"""What a running API has: its store, its clock, and who calls it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from matchpoint.accounts.store import Act
from matchpoint.almaws.keys import ApiKey, Limits, find_key
from matchpoint.almaws.users import Alma
from matchpoint.errors import AccountError


@dataclass
class Server:
    """A store that is served: ``clock`` gives the time in UTC, ``limits`` knows how often each key was used."""

    alma: Alma
    clock: Callable[[], datetime]
    limits: Limits


def server(request: Request) -> Server:
    """Give the server of a request; the store is opened when it is first asked for."""
    state = request.app.state
    if not hasattr(state, "server"):
        state.server = state.open_server()
    opened: Server = state.server
    return opened


ServerOf = Annotated[Server, Depends(server)]


def caller(request: Request, here: ServerOf, apikey: str = "") -> ApiKey:
    """Give the key of a request, from its header ``Authorization: apikey KEY`` or its query.

    Counts the request. Raises :class:`AccountError` when the key is none, may not write, or was used too often.
    """
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    key = find_key(here.alma.engine, shown.strip() if kind.lower() == "apikey" and shown else apikey)
    request.state.remaining = 0
    request.state.remaining = here.limits.take(key, here.clock())
    signs_in = request.query_params.get("op") == "auth"
    if request.method != "GET" and not signs_in and key.scope != "rw":
        raise AccountError("UNAUTHORIZED", "The API-key may read only.")
    return key


def acting(key: Annotated[ApiKey, Depends(caller)], here: ServerOf) -> Act:
    """Say who changes users by a request, and when."""
    return Act(f"API {key.name}", here.clock())


Acting = Annotated[Act, Depends(acting)]
