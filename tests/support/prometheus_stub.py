"""A wire-level Prometheus that misbehaves on request, for faults that a real one does not show on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class StubAnswer:
    """What the server sends: status, body, headers, and how slowly."""

    status: int = 200
    body: bytes = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    drip_seconds: float = 0.0
    drops_connection: bool = False


@dataclass(frozen=True)
class StubRequest:
    """What the server was asked."""

    method: str
    path: str
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def hours(self) -> float:
        return (float(self.form["end"]) - float(self.form["start"])) / 3600


Behaviour = Callable[[StubRequest, int], StubAnswer]
"""``behaviour(request, number)``: the answer to the n-th request, from 1."""


def matrix(*series: tuple[dict[str, str], list[tuple[float, str]]], **extra: object) -> StubAnswer:
    """Return a successful answer with series."""
    result = [
        {"metric": labels, "values": [[moment, value] for moment, value in values]}
        for labels, values in series
    ]
    body = {"status": "success", "data": {"resultType": "matrix", "result": result}, **extra}
    return StubAnswer(body=json.dumps(body).encode())


def failure(status: int, error_type: str, error: str, **headers: str) -> StubAnswer:
    """Return an error as the API words it."""
    body = {"status": "error", "errorType": error_type, "error": error}
    return StubAnswer(status, json.dumps(body).encode(), {k.replace("_", "-"): v for k, v in headers.items()})


TOO_MANY_SAMPLES = failure(
    422, "execution", "query processing would load too many samples into memory in query execution"
)
TOO_MANY_POINTS = failure(
    400,
    "bad_data",
    "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution",
)
QUERY_TIMEOUT = failure(503, "timeout", "query timed out in expression evaluation")


@dataclass
class Stub:
    """A running stub: its address, and everything it was asked."""

    url: str
    requests: list[StubRequest] = field(default_factory=list)
    most_at_once: int = 0


@contextmanager
def run_stub(behaviour: Behaviour) -> Iterator[Stub]:
    """Serve a behaviour on a free loopback port."""
    server = _StubServer(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _StubServer(ThreadingHTTPServer):
    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.stub = Stub(f"http://127.0.0.1:{self.server_address[1]}")
        self._lock = threading.Lock()
        self._running = 0

    def begin(self, request: StubRequest) -> int:
        with self._lock:
            self.stub.requests.append(request)
            self._running += 1
            self.stub.most_at_once = max(self.stub.most_at_once, self._running)
            return len(self.stub.requests)

    def end(self) -> None:
        with self._lock:
            self._running -= 1


class _Handler(BaseHTTPRequestHandler):
    server: _StubServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *arguments: object) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        text = self.rfile.read(length).decode() if length else parts.query
        form = {name: values[0] for name, values in parse_qs(text).items()}
        request = StubRequest(self.command, parts.path, form, dict(self.headers.items()))
        number = self.server.begin(request)
        try:
            answer = self.server.behaviour(request, number)
            time.sleep(answer.delay_seconds)
        finally:
            # Before the answer leaves: whoever has it may ask again at once.
            self.server.end()
        self._answer(answer)

    def _answer(self, answer: StubAnswer) -> None:
        if answer.drops_connection:
            self.close_connection = True
            self.connection.close()
            return
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self._send(answer)

    def _send(self, answer: StubAnswer) -> None:
        if not answer.drip_seconds:
            self.wfile.write(answer.body)
            return
        for byte in answer.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(answer.drip_seconds)
