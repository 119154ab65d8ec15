"""Real receivers of notices on loopback: an SMTP server and a web server, which keep what they are sent."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from servers import HOST, free_port


@dataclass
class Mailbox:
    """A running SMTP server and the mails it took."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    def connection(self, **extra: Any) -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        given = {"disable_ssl": True, "disable_tls": True, "from_email": "matchpoint@example.edu", "retry_limit": 0}
        return json.dumps({"conn_type": "smtp", "host": HOST, "port": self.port, "extra": given | extra})

    def bodies(self) -> list[str]:
        """Give the text of each mail's HTML part."""
        return [one.get_body(("html",)).get_content() for one in self.mails]  # type: ignore[union-attr]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """Run an SMTP server."""
    mailbox = Mailbox(free_port())
    controller = Controller(mailbox, hostname=HOST, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Hook:
    """A running web server and what was posted to it; ``answers`` are the next statuses, 200 when there are none.

    A GET with ``?challenge=`` is answered as Alma's webhooks ask, with what ``challenged`` makes of the text.
    """

    port: int
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    challenged: Callable[[str], str] = str

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{HOST}:{self.port}/hook"

    def connection(self, **more: Any) -> str:
        """Give the JSON for ``AIRFLOW_CONN_…``."""
        return json.dumps({"conn_type": "http", "host": f"http://{HOST}:{self.port}/hooks/token123"} | more)

    def payloads(self) -> list[dict[str, Any]]:
        """Give what was posted."""
        return [json.loads(body) for _, _, body in self.posts]


@contextmanager
def web_server() -> Iterator[Hook]:
    """Run a web server that takes posts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append((self.path, dict(self.headers), body))
            self.send_response(hook.answers.pop(0) if hook.answers else 200)
            self.end_headers()

        def do_GET(self) -> None:
            text = parse_qs(urlsplit(self.path).query)["challenge"][0]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"challenge": hook.challenged(text)}).encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    hook = Hook(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
