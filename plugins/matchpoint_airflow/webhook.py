"""JSON posted to a web address that an Airflow connection describes, signed, and tried again within bounds."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from airflow.sdk import BaseHook
from airflow.sdk.timezone import utcnow
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

if TYPE_CHECKING:
    from airflow.sdk import Connection

TRIES = 3
"""How often a notice is posted; all tries together end within 20 seconds: callbacks have not much longer."""
TIMEOUT_SECONDS = 3.0
"""For connecting, and again for the answer."""


def post(conn_id: str, payload: dict[str, Any]) -> None:
    """Post a payload to the address of a connection of type ``http``.

    ``X-Matchpoint-Signature`` is ``sha256=`` and the HMAC-SHA256, keyed with the connection's password, of the
    timestamp in ``X-Matchpoint-Timestamp`` (seconds since 1970), a dot and the body; without password it is left out.
    Every try has the same ``X-Matchpoint-Id``. Raises ConnectionError when no try was answered with success; it
    does not tell the address, which with many chat systems is the secret.
    """
    connection = BaseHook.get_connection(conn_id)
    body = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    headers = _headers(body, str(int(utcnow().timestamp())), connection.password)
    tries = Retrying(
        stop=stop_after_attempt(TRIES), wait=wait_fixed(1), retry=retry_if_exception(_may_pass), reraise=True
    )
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            for one in tries:
                with one:
                    client.post(address_of(connection), content=body, headers=headers).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise ConnectionError(f"the server answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError(f"the server did not answer: {type(error).__name__}") from None


def address_of(connection: Connection) -> httpx.URL:
    """Give the address: ``host`` as a whole URL, or ``schema``, ``host`` and ``port``; ``path`` from the extra."""
    host = connection.host or ""
    url = httpx.URL(host if "://" in host else f"{connection.schema or 'https'}://{host}")
    url = url.copy_with(port=connection.port) if connection.port else url
    path = connection.extra_dejson.get("path")
    return url.copy_with(path=path) if path else url


def _headers(body: bytes, stamp: str, password: str | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "X-Matchpoint-Timestamp": stamp,
        "X-Matchpoint-Id": hashlib.sha256(stamp.encode() + body).hexdigest()[:32],
    }
    if password:
        signed = hmac.new(password.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        headers["X-Matchpoint-Signature"] = f"sha256={signed.hexdigest()}"
    return headers


def _may_pass(error: BaseException) -> bool:
    """Tell whether another try may help: no answer, too many requests, or a fault of the server."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.is_server_error
    return isinstance(error, httpx.TransportError)
