"""What goes wrong between a client and Alma: an ASGI middleware that spoils a share of the requests, by a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

_LIMIT = (
    b'{"errorsExist":true,"errorList":{"error":[{"errorCode":"PER_SECOND_THRESHOLD","errorMessage":"too fast"}]}}'
)
_ANSWERS: dict[str, tuple[int, bytes, bytes]] = {
    "limit": (429, b"application/json", _LIMIT),
    "gateway": (502, b"text/html", b"<html><body>Bad gateway</body></html>"),
    "broken": (500, b"application/json", b"{"),
    "page": (200, b"text/html", b"<html><body>Maintenance</body></html>"),
}
"""Answers that the app knows nothing of."""
KINDS = (*_ANSWERS, "dropped", "lost", "garbled")
"""Besides: the connection breaks before the app is asked; it was asked, and the answer is lost, or becomes a page."""


class Faulty:
    """Spoil a share of the requests, from 0 to 1; ``done`` counts what was done by kind."""

    def __init__(self, app: Any, seed: int, share: float) -> None:
        self.app = app
        self.chance = random.Random(seed)
        self.share = share
        self.done: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer one request, or not."""
        if scope["type"] != "http" or self.chance.random() >= self.share:
            await self.app(scope, receive, send)
            return
        kind = self.chance.choice(KINDS)
        self.done[kind] += 1
        if kind in {"lost", "garbled"}:
            await self.app(scope, receive, _nowhere)
        if kind in {"lost", "dropped"}:
            raise ConnectionAbortedError("dropped on purpose")
        status, media_type, body = _ANSWERS["page" if kind == "garbled" else kind]
        headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _nowhere(_: Any) -> None:
    """Take an answer that nobody is to see."""
