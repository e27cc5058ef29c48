"""Calls an ASGI application as a server would, with any peer address and any header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.types import ASGIApp, Message

LOOPBACK = "127.0.0.1"
ELSEWHERE = "203.0.113.9"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def call(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    peer: str | None = LOOPBACK,
    host: str = "localhost:8710",
) -> Answer:
    """Send one HTTP request and return the answer."""
    return anyio.run(_call, app, _scope("http", path, headers, peer, host) | {"method": method}, body)


def open_websocket(
    app: ASGIApp,
    path: str = "/_stcore/stream",
    *,
    headers: Mapping[str, str] | None = None,
    peer: str | None = LOOPBACK,
    host: str = "localhost:8710",
) -> str:
    """Try to open a websocket; return ``accepted`` or ``refused``."""
    return anyio.run(_open, app, _scope("websocket", path, headers, peer, host) | {"subprotocols": []})


def _scope(
    kind: str, path: str, headers: Mapping[str, str] | None, peer: str | None, host: str
) -> dict[str, Any]:
    parts = urlsplit(path)
    sent = {"host": host, **{name.lower(): value for name, value in (headers or {}).items()}}
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
        "client": None if peer is None else (peer, 50000),
        "server": ("127.0.0.1", 8710),
        "state": {},
    }


async def _call(app: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer:
    sent: list[Message] = []
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], headers, content)


async def _open(app: ASGIApp, scope: dict[str, Any]) -> str:
    sent: list[Message] = []
    left = [{"type": "websocket.connect"}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "websocket.disconnect", "code": 1001}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return "accepted" if any(message["type"] == "websocket.accept" for message in sent) else "refused"
