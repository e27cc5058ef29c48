"""A wire-level Kubernetes API server for tests: HTTP(S), paging, watches, patches, counts, faults."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support import kubernetes_api_answers as answers
from support.kubernetes_api_answers import Refusal
from support.kubernetes_api_calls import Call, list_body, parse_call, watch_events, with_kind
from support.kubernetes_api_store import (
    BY_PLURAL,
    OPTIONAL_GROUPS,
    BadToken,
    Expired,
    ObjectStore,
    Page,
    resource_for,
)
from support.kubernetes_api_writes import PatchRequest, write_patch

JsonObject = dict[str, Any]
Rule = tuple[str, str]
"""Verb and ``plural`` or ``plural/subresource``; ``*`` stands for any."""


@dataclass
class Fault:
    """What goes wrong with the next ``times`` requests that match."""

    verb: str = "*"
    resource: str = "*"
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    drop_after_events: int | None = None
    drop: bool = False
    garbage: bool = False
    times: int = 1
    skip: int = 0


@dataclass(frozen=True)
class Request:
    """One request that the server answered."""

    verb: str
    resource: str
    path: str
    user: str
    limit: int | None
    continue_token: str | None
    resource_version: str | None
    accept: str
    status: int
    item_count: int | None = None


@dataclass
class ApiServer:
    """A running server. Use :func:`support.kubernetes_api.api_server` to start one."""

    store: ObjectStore = field(default_factory=ObjectStore)
    users: dict[str, str] = field(default_factory=lambda: {"test-token": "tester"})
    rules: dict[str, set[Rule]] = field(default_factory=lambda: {"tester": {("*", "*")}})
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    bookmark_seconds: float = 60.0
    version_info: JsonObject = field(default_factory=lambda: {"major": "1", "minor": "36"})
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    open_watches: int = 0
    installed_groups: set[str] = field(default_factory=set)
    """Groups of custom resources that the cluster serves."""
    serves_resize: bool = True
    kubelet: Callable[[JsonObject], JsonObject] | None = None
    """Returns a pod, just resized, as its kubelet reports it; None: no kubelet answers."""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, certificate: Path | None = None) -> None:
        server = _HttpServer(("127.0.0.1", 0), _Handler)
        server.api = self
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self._server = server
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        with self.store.changed:
            self.store.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, item: JsonObject) -> JsonObject:
        resource = resource_for(item["kind"], item.get("apiVersion"))
        self.installed_groups |= {resource.group} & OPTIONAL_GROUPS
        return self.store.put(resource, item)

    def delete(self, kind_plural: str, name: str, namespace: str = "") -> None:
        self.store.delete(BY_PLURAL[kind_plural], namespace, name)

    def count(self, verb: str = "*", resource: str = "*") -> int:
        """Return how many requests of a verb and resource were answered."""
        with self._lock:
            return sum(verb in ("*", r.verb) and resource in ("*", r.resource) for r in self.requests)

    def log(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def next_fault(self, verb: str, resource: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.verb in ("*", verb) and fault.resource in ("*", resource) and fault.times > 0:
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None

    def authorise(self, call: Call) -> None:
        rules = self.rules.get(call.user, set())
        what = f"{call.resource.plural}/{call.subresource}" if call.subresource else call.resource.plural
        if not any(verb in ("*", call.verb) and name in ("*", what) for verb, name in rules):
            raise answers.forbidden(
                call.resource, call.user, call.verb, call.namespace, call.name, call.subresource
            )

    def check_served(self, call: Call) -> None:
        """Refuse (404) what this cluster does not have: after the rights, as a real server does."""
        group = call.resource.group
        is_missing = group in OPTIONAL_GROUPS and group not in self.installed_groups
        if is_missing or (call.subresource == "resize" and not self.serves_resize):
            raise Refusal(404, "NotFound", "the server could not find the requested resource", {})

    def discover(self) -> JsonObject:
        """Return what the core group serves, as ``GET /api/v1`` does, pods only."""
        names = ["pods", "pods/status", *(["pods/resize"] if self.serves_resize else [])]
        found = [{"name": name, "namespaced": True, "kind": "Pod"} for name in names]
        return {"kind": "APIResourceList", "groupVersion": "v1", "resources": found}

    def list(self, call: Call) -> Page:
        # a real server ignores the limit when any version will do
        limit = 0 if call.query.get("resourceVersion") == "0" else int(call.query.get("limit") or 0)
        try:
            token, selector = call.query.get("continue"), call.query.get("labelSelector") or ""
            return self.store.list(call.resource, call.namespace, limit, token, selector)
        except Expired as problem:
            raise answers.expired(str(problem), problem.continue_token) from problem
        except BadToken as problem:
            raise answers.bad_token(str(problem)) from problem

    def get(self, call: Call) -> JsonObject:
        found = self.store.get(call.resource, call.namespace, call.name)
        if found is None:
            raise answers.not_found(call.resource, call.name)
        return found

    def patch(self, call: Call, content_type: str, patch: Any, agent: str) -> JsonObject:
        request = PatchRequest(call, content_type, patch, agent, self.now())
        return write_patch(self.store, self.get(call), request, self.kubelet)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    api: ApiServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of tests hang up on purpose; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _HttpServer

    def log_message(self, *_: Any) -> None:
        """Say nothing; requests are counted instead."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_PATCH(self) -> None:
        self._handle("PATCH")

    def _handle(self, method: str) -> None:
        api = self.server.api
        path = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call: Call | None = None
        try:
            user = self._user()
            if path.path == "/version":
                self._send(200, api.version_info)
                return
            if path.path == "/api/v1":
                self._send(200, api.discover())
                return
            call = parse_call(method, path.path, path.query, user)
            fault = api.next_fault(call.verb, call.resource.plural)
            if fault is not None and self._fail(call, fault):
                return
            api.authorise(call)
            api.check_served(call)
            self._answer(call, body, fault)
        except Refusal as refusal:
            self._log(call, refusal.code)
            self._send(refusal.code, refusal.body())

    def _answer(self, call: Call, body: bytes, fault: Fault | None) -> None:
        api = self.server.api
        if call.verb == "watch":
            self._watch(call, fault)
        elif call.verb == "list":
            page = api.list(call)
            self._log(call, 200, len(page.items))
            self._send(200, list_body(call, page, is_partial=self._wants_metadata()))
        elif call.verb == "get":
            self._log(call, 200, 1)
            self._send(200, with_kind(call.resource, api.get(call)))
        else:
            content_type = self.headers.get("Content-Type", "").split(";")[0]
            agent = self.headers.get("User-Agent") or "unknown"
            found = api.patch(call, content_type, json.loads(body), agent)
            self._log(call, 200, 1)
            self._send(200, with_kind(call.resource, found))

    def _user(self) -> str:
        scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
        user = self.server.api.users.get(token)
        if user is None or scheme.lower() != "bearer":
            raise answers.unauthorized()
        return user

    def _wants_metadata(self) -> bool:
        return "as=PartialObjectMetadata" in (self.headers.get("Accept") or "")

    def _fail(self, call: Call, fault: Fault) -> bool:
        if fault.delay_seconds:
            time.sleep(fault.delay_seconds)
        if fault.drop:
            self._log(call, 0)
            self.close_connection = True
            return True
        if fault.garbage:
            self._log(call, 200)
            self._send_bytes(200, b"<html>gateway</html>", "text/html")
            return True
        if fault.status is not None:
            self._log(call, fault.status)
            reason = {429: "TooManyRequests", 500: "InternalError", 410: "Expired"}.get(
                fault.status, "Unknown"
            )
            body = Refusal(fault.status, reason, "the server is failing on purpose").body()
            self._send(fault.status, body, fault.headers)
            return True
        return False

    def _log(self, call: Call | None, status: int, item_count: int | None = None) -> None:
        if call is None:
            return
        limit = call.query.get("limit")
        self.server.api.log(
            Request(
                call.verb,
                call.resource.plural,
                self.path,
                call.user,
                int(limit) if limit else None,
                call.query.get("continue"),
                call.query.get("resourceVersion"),
                self.headers.get("Accept") or "",
                status,
                item_count,
            )
        )

    def _send(self, status: int, body: JsonObject, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(body).encode(), "application/json", headers)

    def _send_bytes(
        self, status: int, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_hung_up(self) -> bool:
        if isinstance(self.connection, ssl.SSLSocket):
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _watch(self, call: Call, fault: Fault | None) -> None:
        self._log(call, 200)
        self.send_response(200)
        self.send_header("Cache-Control", "no-cache, private")
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        api = self.server.api
        api.open_watches += 1
        left = fault.drop_after_events if fault is not None else None
        try:
            self.wfile.flush()
            for event in watch_events(
                api.store,
                call,
                api.bookmark_seconds,
                lambda: api.is_stopping,
                is_partial=self._wants_metadata(),
            ):
                if self._is_hung_up():
                    return
                if not event:
                    continue
                if left is not None and left <= 0:
                    self.close_connection = True
                    return
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()
                left = left - 1 if left is not None else None
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            api.open_watches -= 1
