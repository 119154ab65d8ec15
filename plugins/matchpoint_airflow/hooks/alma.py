"""Alma's REST API as an Airflow connection of type ``alma``, spoken by almapy."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import niquests
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException
from almapy import AlmaClient, AlmapyError

ROOT = "/almaws/v1"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SECONDS = (10.0, 90.0)
"""How long to wait for a connection, and for an answer."""
_TELL_PEOPLE = ("almapy.error", "almapy.http", "almapy.retry", "stamina", "niquests", "urllib3", "urllib3_future")
"""Loggers that write addresses and Alma's words, both with people's identifiers in them."""


@dataclass
class Alma:
    """An open connection to Alma.

    ``remaining`` is how many requests the institution has left today, as Alma's last answer said; None before the
    first answer that says it. ``requests`` counts the answers.
    """

    client: AlmaClient
    remaining: int | None = None
    requests: int = 0

    def note(self, response: Any, **_: Any) -> None:
        """Take what the headers of an answer say."""
        self.requests += 1
        told = response.headers.get("X-Exl-Api-Remaining")
        if told and told.isdigit():
            self.remaining = int(told)

    async def ask_remaining(self) -> int | None:
        """Ask Alma how many requests are left today, by the cheapest request that it has."""
        await self.client.execute("GET", "/users/operation/test", parser="none")
        return self.remaining


class AlmaHook(BaseHook):
    """Connects to Alma's REST API.

    :param conn_id: a connection of type ``alma``: as host the address of the API of Alma's region, such as
        ``https://api-eu.hosted.exlibrisgroup.com``, as password the API key.
    """

    conn_name_attr = "conn_id"
    default_conn_name = "alma"
    conn_type = "alma"
    hook_name = "Alma"

    def __init__(self, conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.conn_id = conn_id

    @asynccontextmanager
    async def alma(
        self, *, rate: float = 15, at_once: int = 10, attempts: int = 4, patience: float = 5
    ) -> AsyncIterator[Alma]:
        """Open the API for so many requests a second, and so many at a time.

        What fails is tried again, up to so many ``attempts`` in all, where that cannot do a thing twice. When Alma
        says that it is too fast, or fails, nothing is asked for ``patience`` seconds, then at half the rate; it comes
        back by a quarter of the whole every two such times.
        """
        address, key = self._settings()
        for name in _TELL_PEOPLE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # One connection, one request: Alma's gateway and almapy's transport agree best on HTTP/1.1.
        session = niquests.AsyncSession(
            base_url=address + ROOT,
            timeout=_SECONDS,
            pool_connections=at_once,
            pool_maxsize=at_once,
            disable_http2=True,
            disable_http3=True,
        )
        client = AlmaClient(
            key,
            rate_limit=rate,
            concurrent_requests=at_once,
            retry_attempts=attempts,
            cooldown=patience,
            recovery_window=2 * patience,
            recovery_increment=rate / 4,
            client=session,
        )
        alma = Alma(client)
        session.hooks["response"].append(alma.note)
        async with session:
            yield alma

    def test_connection(self) -> tuple[bool, str]:
        """Tell whether Alma answers and takes the key: the button *Test* of the connection."""
        try:
            remaining = asyncio.run(self._tested())
        except (AlmapyError, niquests.exceptions.RequestException, AirflowFailException) as error:
            return False, f"Alma did not answer as expected: {_words(error)}"
        left = "" if remaining is None else f"; {remaining} requests are left today"
        return True, f"Alma answers and takes the key{left}"

    async def _tested(self) -> int | None:
        async with self.alma(attempts=1) as alma:
            return await alma.ask_remaining()

    def _settings(self) -> tuple[str, str]:
        connection = self.get_connection(self.conn_id)
        address = (connection.host or "").rstrip("/").removesuffix(ROOT)
        parts = urlsplit(address)
        if connection.conn_type != self.conn_type or not connection.password:
            key = "an" if connection.password else "no"
            raise AirflowFailException(
                f"connection {self.conn_id}: found type {connection.conn_type!r} and {key} API key; expected type "
                "alma with the API key as password. Change the connection in Admin > Connections."
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise AirflowFailException(
                f"connection {self.conn_id}: found the address {address!r}; expected one that begins with https://, "
                "such as https://api-eu.hosted.exlibrisgroup.com. Only on this machine http:// will do."
            )
        return address, connection.password


def _words(error: Exception) -> str:
    """Say what is wrong without what was sent: an address would show the key of a proxy, a body a person."""
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
