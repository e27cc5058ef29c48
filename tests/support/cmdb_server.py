"""A small HTTP server that answers like a CMDB: in pages, with a token, and with faults on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "word-of-the-day"


@dataclass
class CmdbServer:
    """The rows that it serves, the faults it makes next, and the requests it has seen."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    """Status and body of the next answers, before the true ones."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers of the faults."""
    requests: list[str] = field(default_factory=list)
    page_size: int = 2
    next_host: str = ""
    url: str = ""

    def answer(self, path: str, token: str | None) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for a request."""
        self.requests.append(path)
        if self.faults:
            status, body = self.faults.pop(0)
            return status, self.headers, body
        if token != f"Bearer {TOKEN}":
            return 401, {}, b"{}"
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return _ANSWERS[parts.path](self, query)

    def _slice(self, number: int) -> list[dict[str, Any]]:
        return self.rows[number * self.page_size : (number + 1) * self.page_size]

    def _linked(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        number = int(query.get("cursor", 0))
        is_last = (number + 1) * self.page_size >= len(self.rows)
        following = None if is_last else f"{self.next_host}/linked?cursor={number + 1}"
        body = {"data": {"items": self._slice(number)}, "links": {"next": following}}
        return 200, {}, json.dumps(body).encode()

    def _headed(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        number = int(query.get("cursor", 0))
        is_last = (number + 1) * self.page_size >= len(self.rows)
        headers = {} if is_last else {"Link": f'</headed?cursor={number + 1}>; rel="next"'}
        return 200, headers, json.dumps(self._slice(number)).encode()

    def _numbered(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, json.dumps(self._slice(int(query["page"]) - 1)).encode()

    def _circle(self, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, json.dumps({"data": {"items": self.rows}, "links": {"next": "/circle"}}).encode()


_ANSWERS = {
    "/linked": CmdbServer._linked,
    "/headed": CmdbServer._headed,
    "/numbered": CmdbServer._numbered,
    "/circle": CmdbServer._circle,
}


@pytest.fixture
def cmdb_server() -> Iterator[CmdbServer]:
    """Start the server on a free loopback port for one test."""
    cmdb = CmdbServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = cmdb.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    cmdb.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield cmdb
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
