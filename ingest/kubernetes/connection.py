"""A connection to a Kubernetes API server that counts, waits its turn and explains refusals."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

from ingest.kubernetes.resources import Resource
from ingest.kubernetes.settings import KubernetesSettings
from models.vocabulary.errors import SourceRefused, SourceUnreachable

logger = logging.getLogger(__name__)

JsonObject = dict[str, Any]
_RETRIED = frozenset({429, 500, 502, 503, 504})
_JITTER = random.SystemRandom()


class ResourceVersionExpired(SourceUnreachable):
    """The server no longer has the version asked for (410): list again."""


class ResourceForbidden(SourceRefused):
    """A right is missing (403)."""


class ResourceUnknown(SourceUnreachable):
    """The server does not serve this resource (404), as older ones do not serve newer groups."""


@dataclass(frozen=True)
class PatchBody:
    """What a PATCH sends: a JSON document and its media type."""

    content_type: str
    document: Any


@dataclass(frozen=True)
class Answered:
    """An answer as it came: status and JSON body (a ``Status`` object when it is a refusal)."""

    status: int
    body: JsonObject

    @property
    def message(self) -> str:
        """The server's own words, empty where it gave none."""
        return str(self.body.get("message") or "")


class RequestBudget:
    """Lets through so many requests a minute, evenly refilled. Safe for threads.

    Parameters
    ----------
    per_minute : int
    clock, sleep : callable
        Monotonic seconds, and how to wait.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate = per_minute / 60.0
        self._largest = float(per_minute)
        self._left = float(per_minute)
        self._clock, self._sleep = clock, sleep
        self._then = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait until one more request is within the budget."""
        with self._lock:
            now = self._clock()
            self._left = min(self._largest, self._left + (now - self._then) * self._rate)
            self._then = now
            self._left -= 1.0
            wait = -self._left / self._rate
        if wait > 0:
            self._sleep(wait)


class KubernetesConnection:
    """Reads JSON from one API server.

    Built on the ``kubernetes`` client's configuration (exec plugins, TLS, token refresh) and its connection
    pool; answers are decoded as plain JSON, never into its model classes.

    Attributes
    ----------
    request_counts : Counter
        Requests sent, by (verb, plural resource); retries count.
    received_bytes : int
        Bytes of bodies received.

    Raises
    ------
    SourceRefused
        If the configuration holds no usable credentials.
    """

    def __init__(self, settings: KubernetesSettings) -> None:
        self.settings = settings
        self.request_counts: Counter[tuple[str, str]] = Counter()
        self.received_bytes = 0
        self._stop = threading.Event()
        self._budget = RequestBudget(settings.requests_per_minute, sleep=self._stop.wait)
        self._lock = threading.Lock()
        self._open_watches: set[urllib3.BaseHTTPResponse] = set()
        configuration = _load_configuration(settings)
        # retries are ours: they must be counted, and a POST body or a watch is never repeated blindly
        configuration.retries = False
        configuration.connection_pool_maxsize = 32
        self._client = ApiClient(configuration)
        self.server: str = configuration.host

    def get(self, path: str, parameters: Mapping[str, str | int], resource: Resource) -> JsonObject:
        """Return one answer as JSON, after retries.

        Raises
        ------
        SourceRefused
            On 401; on 403 as ``ResourceForbidden`` naming the missing verb.
        ResourceVersionExpired, ResourceUnknown
            On 410 and 404.
        SourceUnreachable
            When all tries failed, or the answer is not JSON.
        """
        verb = "list"
        for attempt in range(1, self.settings.attempts + 1):
            try:
                with self._open(
                    path, parameters, resource, verb, self.settings.read_timeout_seconds
                ) as answer:
                    body = answer.data
            except urllib3.exceptions.HTTPError as problem:
                self._pause_or_give_up(attempt, None, f"{type(problem).__name__}: {problem}")
                continue
            self._add_bytes(len(body))
            if answer.status in _RETRIED:
                self._pause_or_give_up(
                    attempt, answer.headers.get("Retry-After"), _describe(answer.status, body)
                )
                continue
            return self._checked(answer.status, body, resource, verb)
        raise AssertionError("unreachable: the last attempt raises")

    def send(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        resource: Resource,
        patch: PatchBody | None = None,
    ) -> Answered:
        """Read one object, or patch it, and return whatever the server says: refusals are answers here.

        Only 429 is tried again: it says that nothing was done. A patch whose answer is lost may have been
        carried out, so that is for the caller to find out.

        Raises
        ------
        SourceUnreachable
            If no answer came, or one that is not JSON.
        """
        verb = "get" if patch is None else "patch"
        for attempt in range(1, self.settings.attempts + 1):
            try:
                with self._open(
                    path, parameters, resource, verb, self.settings.read_timeout_seconds, patch
                ) as answer:
                    body = answer.data
            except urllib3.exceptions.HTTPError as problem:
                raise SourceUnreachable(f"{self.server} did not answer: {problem}") from problem
            self._add_bytes(len(body))
            if answer.status == 429:
                self._pause_or_give_up(attempt, answer.headers.get("Retry-After"), _describe(429, body))
                continue
            try:
                return Answered(answer.status, msgspec.json.decode(body, type=dict))
            except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
                raise SourceUnreachable(
                    f"{self.server} did not answer as a Kubernetes API: {_describe(answer.status, body)}"
                ) from problem
        raise AssertionError("unreachable: the last attempt raises")

    @contextmanager
    def watch(
        self, path: str, parameters: Mapping[str, str | int], resource: Resource
    ) -> Iterator[Iterator[bytes]]:
        """Open a watch and give its lines as they arrive; errors as :meth:`get`, without retries.

        Network trouble surfaces as ``SourceUnreachable`` while reading.
        """
        timeout = self.settings.watch_timeout_seconds + self.settings.silence_seconds
        try:
            with self._open(path, parameters, resource, "watch", timeout) as answer:
                if answer.status != 200:
                    self._checked(answer.status, answer.data, resource, "watch")
                    raise SourceUnreachable(f"{self.server} answered a watch with HTTP {answer.status}")
                with self._lock:
                    self._open_watches.add(answer)
                if self._stop.is_set():  # stop() came before it could see this watch
                    raise SourceUnreachable(f"reading {self.server} was stopped")
                yield self._lines(answer)
        except urllib3.exceptions.HTTPError as problem:
            raise SourceUnreachable(f"{self.server} broke off a watch: {problem}") from problem

    def stop(self) -> None:
        """End waiting and all open watches, from any thread. The connection cannot be used afterwards."""
        self._stop.set()
        with self._lock:
            answers = list(self._open_watches)
        for answer in answers:
            try:
                answer.shutdown()
            except (ValueError, OSError, RuntimeError):
                logger.debug("a watch was already closed when it was told to stop")

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def pause(self, attempt: int, least_seconds: float = 0.0) -> None:
        """Wait before another try: exponential, with jitter, cut short when the connection is stopped."""
        longest = min(self.settings.backoff_limit_seconds, self.settings.backoff_seconds * 2 ** (attempt - 1))
        self._stop.wait(max(least_seconds, longest * _JITTER.uniform(0.5, 1.0)))

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    @contextmanager
    def _open(
        self,
        path: str,
        parameters: Mapping[str, str | int],
        resource: Resource,
        verb: str,
        read_timeout: float,
        patch: PatchBody | None = None,
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        self._budget.take()
        with self._lock:
            self.request_counts[verb, resource.plural] += 1
        method = "GET" if patch is None else "PATCH"
        headers = {"Accept": "application/json"}
        if patch is not None:
            headers["Content-Type"] = patch.content_type
        self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        address = f"{self.server}{path}?{urlencode(parameters)}"
        timeouts = (self.settings.connect_timeout_seconds, read_timeout)
        try:
            response = self._client.rest_client.request(
                method,
                address,
                headers=headers,
                body=None if patch is None else patch.document,
                _request_timeout=timeouts,
            ).response
        except ApiException as problem:  # the client wraps TLS failures only
            raise SourceUnreachable(
                f"TLS with {self.server} failed: {problem.reason}. Check the certificate authority"
            ) from problem
        try:
            yield response
        finally:
            if verb == "watch":
                with self._lock:
                    self._open_watches.discard(response)
                response.close()
            else:
                response.drain_conn()
            response.release_conn()

    def _lines(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        rest = b""
        for chunk in answer.stream(None):
            self._add_bytes(len(chunk))
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line for line in lines if line)
        if rest.strip():
            raise urllib3.exceptions.ProtocolError("the stream ended inside an event")

    def _checked(self, status: int, body: bytes, resource: Resource, verb: str) -> JsonObject:
        if status == 401:
            raise SourceRefused(
                f"{self.server} refused the credentials (401): renew the token, or check the kubeconfig"
            )
        if status == 403:
            raise ResourceForbidden(
                f"{self.server} forbids to {verb} {resource.qualified} (403): grant get, list and watch on "
                f"{resource.plural} in API group {resource.group!r}, as deploy/kubernetes-rbac.yaml does. "
                f"{_message_of(body)}"
            )
        if status == 410:
            raise ResourceVersionExpired(f"{self.server} no longer has that version of {resource.qualified}")
        if status == 404:
            raise ResourceUnknown(f"{self.server} does not serve {resource.qualified} {resource.version}")
        if status != 200:
            raise SourceUnreachable(f"{self.server} answered {resource.qualified}: {_describe(status, body)}")
        try:
            decoded: JsonObject = msgspec.json.decode(body, type=dict)
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise SourceUnreachable(
                f"{self.server} did not answer as a Kubernetes API ({problem}). Check the server's address"
            ) from problem
        return decoded

    def _pause_or_give_up(self, attempt: int, retry_after: str | None, problem: str) -> None:
        if attempt >= self.settings.attempts:
            raise SourceUnreachable(f"{self.server} did not answer after {attempt} tries: {problem}")
        logger.info("Kubernetes API, try %d failed: %s", attempt, problem)
        stated = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
        self.pause(attempt, min(stated, self.settings.backoff_limit_seconds))

    def _add_bytes(self, count: int) -> None:
        with self._lock:
            self.received_bytes += count


def _load_configuration(settings: KubernetesSettings) -> Configuration:
    configuration = Configuration()
    try:
        if settings.server:
            configuration.host = settings.server.rstrip("/")
            configuration.ssl_ca_cert = settings.ca_file
            if settings.token:
                configuration.api_key["BearerToken"] = f"Bearer {settings.token}"
        elif settings.in_cluster:
            load_incluster_config(client_configuration=configuration)
        else:
            if settings.kubeconfig and not Path(settings.kubeconfig).is_file():
                raise SourceRefused(f"kubeconfig {settings.kubeconfig} is not a file")
            load_kube_config(
                config_file=settings.kubeconfig,
                context=settings.context,
                client_configuration=configuration,
                persist_config=False,
            )
    except ConfigException as problem:
        raise SourceRefused(f"no usable Kubernetes credentials: {problem}") from problem
    except (yaml.YAMLError, TypeError, AttributeError) as problem:
        raise SourceRefused(f"kubeconfig {settings.kubeconfig} is not a kubeconfig: {problem}") from problem
    return configuration


def _message_of(body: bytes) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")


def _describe(status: int, body: bytes) -> str:
    return f"HTTP {status}: {_message_of(body)}"
