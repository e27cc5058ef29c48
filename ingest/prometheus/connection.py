"""One Prometheus over HTTP: our own session with timeouts, credentials and no redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests
from prometheus_api_client import PrometheusApiClientException, PrometheusConnect
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.retry import Retry

from ingest.prometheus.decode import Samples, decode_failure, decode_matrix
from ingest.prometheus.pacing import LoadCounter, QueryLoad, parse_retry_after
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.errors import SourceError, SourceRefused, SourceUnreachable

_CHUNK_BYTES = 1 << 20
_LONGEST_SHOWN = 200
_TOO_LARGE_PHRASES = (
    "too many samples",
    "exceeded maximum resolution",
    "maximum number of samples",
    "max-samples",
    "exceeds the limit",
    "exceeded limit",
    "the query hit",
    "would exceed",
    "query timed out",
    "maxsamplesperquery",
    "maxpointsperseries",
    "max number of series",
)
_TOO_LARGE_TYPES = frozenset({"timeout"})


class AnswerTooLarge(SourceError):
    """The server or this side refuses an answer of this size or duration: ask for less at once."""


class PushedBack(SourceError):
    """The server is busy or away for a moment: ask again later.

    Parameters
    ----------
    message : str
    retry_after_seconds : float or None
        What the server asked for.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class RangeRequest:
    """A range query: PromQL, first and last evaluation (Unix seconds), step in seconds."""

    promql: str
    start: int
    end: int
    step_seconds: int


class _Session(requests.Session):
    """A session that follows no redirect: credentials stay with the host they were given for."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return None: every redirect is handed back to the caller, who names it."""
        del resp
        return None


class PrometheusConnection:
    """Asks one server. Safe for use by several threads.

    Discovery goes through ``prometheus_api_client`` on the same session; range queries are posted and
    decoded here.

    Parameters
    ----------
    settings : PrometheusSettings
    """

    def __init__(self, settings: PrometheusSettings) -> None:
        self.settings = settings
        self._load = LoadCounter()
        self._timeouts = (settings.connect_timeout_seconds, settings.read_timeout_seconds)
        self._session = _open_session(settings)
        self._auth = (settings.username, settings.password or "") if settings.username else None
        self._client = PrometheusConnect(
            url=settings.url,
            retry=Retry(total=0, redirect=False),
            session=self._session,
            timeout=self._timeouts,
            auth=self._auth,
        )
        # the client mounts an adapter of ten connections of its own; ours must come after it
        pool = HTTPAdapter(pool_maxsize=settings.max_concurrency, max_retries=Retry(total=0, redirect=False))
        self._session.mount(settings.url, pool)

    @property
    def load(self) -> QueryLoad:
        """Everything asked of the server so far."""
        return self._load.total

    def query_range(self, request: RangeRequest) -> Samples:
        """Return the samples of a range.

        Raises
        ------
        AnswerTooLarge
            If the range must be asked for in smaller pieces.
        PushedBack
            If the server may answer later.
        SourceRefused, SourceUnreachable, SourceError
            If it will not.
        """
        form = {
            "query": request.promql,
            "start": str(request.start),
            "end": str(request.end),
            "step": str(request.step_seconds),
        }
        return self._post("/api/v1/query_range", form, request.step_seconds)

    def query(self, promql: str, moment: float) -> Samples:
        """Return one value per series at an instant. Raises as :meth:`query_range`."""
        return self._post("/api/v1/query", {"query": promql, "time": f"{moment:.3f}"}, None)

    def label_values(self, label: str, start: int, end: int, matchers: tuple[str, ...]) -> list[str]:
        """Return the values of a label in series that match within a time range. Raises as the queries."""
        parameters: dict[str, Any] = {"start": start, "end": end}
        if matchers:
            parameters["match[]"] = list(matchers)
        try:
            values = self._client.get_label_values(label_name=label, params=parameters)
        except requests.RequestException as problem:
            raise self._as_source_error(problem) from problem
        except (PrometheusApiClientException, ValueError, KeyError) as problem:
            # the client hides the status, so the question is put again to learn why
            self._get(f"/api/v1/label/{label}/values", parameters)
            raise SourceError(f"{self.settings.url} does not list the values of {label}") from problem
        return [str(value) for value in values]

    def label_names(self, start: int, end: int, matchers: tuple[str, ...]) -> list[str]:
        """Return the label names of series that match within a time range. Raises as the queries."""
        parameters: dict[str, Any] = {"start": start, "end": end, "match[]": list(matchers)}
        try:
            names = self._client.get_label_names(params=parameters)
        except requests.RequestException as problem:
            raise self._as_source_error(problem) from problem
        except (PrometheusApiClientException, ValueError, KeyError) as problem:
            self._get("/api/v1/labels", parameters)
            raise SourceError(f"{self.settings.url} does not list label names") from problem
        return [str(name) for name in names]

    def build_info(self) -> Mapping[str, str]:
        """Return what the server says about its version; empty where it does not offer it.

        Raises
        ------
        SourceRefused, SourceUnreachable
            If the server cannot be asked at all.
        """
        try:
            answer = self._get("/api/v1/status/buildinfo", {}).json()
        except (SourceRefused, SourceUnreachable, PushedBack):
            raise
        except (SourceError, ValueError):
            return {}
        data = answer.get("data") if isinstance(answer, dict) else None
        return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _post(self, path: str, form: Mapping[str, str], step_seconds: float | None) -> Samples:
        started = time.monotonic()
        body = b""
        samples: Samples | None = None
        try:
            with self._session.post(
                self.settings.url + path,
                data=dict(form),
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
                auth=self._auth,
            ) as response:
                body = self._read(response, started)
                self._check(response, body)
            samples = decode_matrix(body, step_seconds)
        except requests.RequestException as problem:
            raise self._as_source_error(problem) from problem
        except ReadTimeoutError as problem:
            raise AnswerTooLarge(
                f"{self.settings.url} stopped answering for {self._timeouts[1]:g} s"
            ) from problem
        except HTTPError as problem:
            raise PushedBack(f"{self.settings.url} broke off its answer: {_cause(problem)}") from problem
        finally:
            count = samples.raw_count if samples is not None else 0
            self._load.add(QueryLoad(1, count, len(body), 0, time.monotonic() - started))
        return samples

    def _get(self, path: str, parameters: Mapping[str, Any]) -> requests.Response:
        try:
            response = self._session.get(
                self.settings.url + path, params=parameters, timeout=self._timeouts, auth=self._auth
            )
        except requests.RequestException as problem:
            raise self._as_source_error(problem) from problem
        self._check(response, response.content)
        return response

    def _read(self, response: requests.Response, started: float) -> bytes:
        """Return the body, refusing one that is too large or drips in for longer than the read timeout."""
        pieces: list[bytes] = []
        size = 0
        # read1 returns what has arrived; iter_content would wait for a whole chunk, however slowly it drips
        while piece := response.raw.read1(_CHUNK_BYTES, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self.settings.answer_limit_bytes:
                raise AnswerTooLarge(f"the answer is larger than {self.settings.answer_limit_bytes} bytes")
            if time.monotonic() - started > self.settings.read_timeout_seconds:
                raise AnswerTooLarge(
                    f"the answer took longer than {self.settings.read_timeout_seconds:g} s to arrive"
                )
        return b"".join(pieces)

    def _check(self, response: requests.Response, body: bytes) -> None:
        """Raise what a status other than 200 means."""
        status = response.status_code
        if status == HTTPStatus.OK:
            return
        url = self.settings.url
        if response.is_redirect or 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere")
            raise SourceRefused(
                f"{url} redirects to {_shorten(target)}. Redirects are not followed, so that credentials "
                "stay with the host they were given for: set the URL to the final address"
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SourceRefused(_refusal(url, status, self.settings))
        error_type, error = decode_failure(body)
        if _is_too_large(status, error_type, error):
            raise AnswerTooLarge(error or f"{url} answered {status}")
        reason = _shorten(error) or f"{response.reason or ''}".strip()
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            wait = parse_retry_after(response.headers.get("Retry-After"))
            raise PushedBack(f"{url} answered {status} {reason}".strip(), wait)
        if status == HTTPStatus.NOT_FOUND:
            raise SourceUnreachable(
                f"{url} has no Prometheus API (404 on {response.request.path_url}). "
                "Check the URL and its path prefix"
            )
        raise SourceError(f"{url} refused the query: {status} {reason}".strip())

    def _as_source_error(self, problem: requests.RequestException) -> SourceError:
        """Say in plain words why there was no answer."""
        url = self.settings.url
        if isinstance(problem, requests.exceptions.SSLError):
            return SourceUnreachable(
                f"the certificate of {url} is not trusted; name its authority with tls_ca_file"
            )
        if isinstance(problem, requests.ConnectTimeout):
            return PushedBack(f"{url} did not accept a connection in {self._timeouts[0]:g} s")
        if isinstance(problem, requests.ReadTimeout):
            return AnswerTooLarge(f"{url} did not answer within {self._timeouts[1]:g} s")
        if isinstance(problem, requests.ConnectionError) and "timed out" in str(problem).lower():
            return AnswerTooLarge(f"{url} stopped answering for {self._timeouts[1]:g} s")
        if isinstance(problem, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
            return PushedBack(f"no connection to {url}: {_cause(problem)}. Is the address right?")
        return SourceUnreachable(f"{url} could not be asked: {_cause(problem)}")


def _open_session(settings: PrometheusSettings) -> requests.Session:
    session = _Session()
    # no proxy, .netrc or certificate of the environment may change where credentials go
    session.trust_env = False
    session.verify = settings.tls_ca_file or settings.tls_verify
    session.headers["User-Agent"] = "millicore"
    if settings.is_loopback:
        session.headers["Accept-Encoding"] = "identity"
    session.headers.update(settings.headers)
    if settings.bearer_token:
        session.headers["Authorization"] = f"Bearer {settings.bearer_token.strip()}"
    return session


def _is_too_large(status: int, error_type: str, error: str) -> bool:
    if error_type in _TOO_LARGE_TYPES or status == HTTPStatus.GATEWAY_TIMEOUT:
        return True
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return True
    folded = error.lower()
    return status in (400, 413, 422, 503) and any(phrase in folded for phrase in _TOO_LARGE_PHRASES)


def _refusal(url: str, status: int, settings: PrometheusSettings) -> str:
    if settings.bearer_token or settings.username:
        given = "the bearer token" if settings.bearer_token else "the user name and password"
        return f"{url} refused {given} ({status}); check that it is valid and may read metrics"
    return f"{url} wants credentials ({status}); give a bearer token or a user name with password"


def _cause(problem: BaseException) -> str:
    """Return the innermost reason of a failed request, without the object addresses around it."""
    reason: object = problem
    while getattr(reason, "args", None):
        inner = getattr(reason, "reason", None) or reason.args[-1]  # type: ignore[attr-defined]
        if not isinstance(inner, BaseException):
            break
        reason = inner
    return _shorten(str(reason).rpartition(": ")[2] or type(reason).__name__)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 1] + "…"
