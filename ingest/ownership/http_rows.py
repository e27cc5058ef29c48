"""Rows of a CMDB over HTTP: page after page of JSON, with patience for a server that is busy."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from ingest.ownership.settings import CmdbSource, Paging
from ingest.ownership.values import at_path
from ingest.prometheus.pacing import parse_retry_after
from models.vocabulary.errors import SourceError, SourceRefused, SourceUnreachable

_MOST_PAGES = 10_000
_MOST_ROWS = 1_000_000
_MOST_BYTES = 256 << 20
_LONGEST_WAIT_SECONDS = 60.0
_FIRST_WAIT_SECONDS = 0.5


class _Later(Exception):
    """The server may answer if it is asked again."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class _Page:
    content: Any
    link_next: str | None


def read_http_rows(source: CmdbSource) -> list[Mapping[str, Any]]:
    """Return the rows of every page, in order.

    Raises
    ------
    SourceRefused
        If the credentials are refused, or an answer leads to another host.
    SourceUnreachable
        If there is no answer after every repeat, or it is not JSON.
    SourceError
        If the answer holds no list of rows, pages never end, or there are more than a million rows.
    """
    with requests.Session() as session:
        # no proxy, .netrc or certificate of the environment may change where credentials go
        session.trust_env = False
        session.verify = source.tls_ca_file or True
        session.headers["Accept"] = "application/json"
        session.headers["User-Agent"] = "millicore"
        if source.token:
            session.headers["Authorization"] = f"Bearer {source.token.strip()}"
        session.headers.update(source.headers)
        found: list[Mapping[str, Any]] = []
        for rows in _pages(session, source):
            found += rows
            if len(found) > _MOST_ROWS:
                raise SourceError(f"{source.name}: more than {_MOST_ROWS:,} rows; check paging")
        return found


def _pages(session: requests.Session, source: CmdbSource) -> Iterator[list[Mapping[str, Any]]]:
    paging, address = source.paging, str(source.url)
    seen: set[str] = set()
    for number in range(_MOST_PAGES):
        parameters = _page_parameters(paging, number)
        page = _ask(session, source, address, parameters)
        rows = _rows(page.content, source, address)
        yield rows
        if paging.page_param:
            if len(rows) < paging.page_size:
                return
            continue
        following = page.link_next if paging.link_header else _next_path(page.content, paging)
        if not following:
            return
        seen.add(address)
        address = _same_host(urljoin(address, following), source)
        if address in seen:
            raise SourceError(f"{source.name}: its pages lead in a circle, back to {_shown(address)}")
    raise SourceError(f"{source.name}: more than {_MOST_PAGES} pages; check paging")


def _page_parameters(paging: Paging, number: int) -> dict[str, str]:
    if not paging.page_param:
        return {}
    parameters = {paging.page_param: str(paging.first_page + number)}
    return parameters | ({paging.size_param: str(paging.page_size)} if paging.size_param else {})


def _next_path(content: Any, paging: Paging) -> str | None:
    following = at_path(content, paging.next_path) if paging.next_path else None
    return str(following) if following else None


def _same_host(address: str, source: CmdbSource) -> str:
    """Refuse a next page elsewhere: credentials stay with the host they were given for."""
    own, other = urlsplit(str(source.url)), urlsplit(address)
    if (own.scheme, own.netloc) != (other.scheme, other.netloc):
        raise SourceRefused(
            f"{source.name}: its next page is on {other.scheme}://{other.netloc}, not on "
            f"{own.scheme}://{own.netloc}. Credentials are not sent to another host"
        )
    return address


def _rows(content: Any, source: CmdbSource, address: str) -> list[Mapping[str, Any]]:
    found = at_path(content, source.json_path)
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        place = f"at {source.json_path}" if source.json_path else "in the answer"
        raise SourceError(f"{source.name}: {_shown(address)} holds no list of objects {place}: set json_path")
    return found


def _ask(session: requests.Session, source: CmdbSource, address: str, parameters: dict[str, str]) -> _Page:
    """Return one page, asked for again with growing, jittered waits while the server may recover."""
    wait = _FIRST_WAIT_SECONDS
    for attempt in range(source.retry_limit + 1):
        try:
            return _ask_once(session, source, address, parameters)
        except _Later as problem:
            if attempt == source.retry_limit:
                raise SourceUnreachable(
                    f"{source.name}: {problem.message}, also after {attempt} repeats. Nothing was changed"
                ) from problem
            asked = problem.retry_after_seconds
            # jitter keeps several readers from coming back at the same instant
            pause = asked if asked is not None else wait * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            time.sleep(min(pause, _LONGEST_WAIT_SECONDS))
            wait *= 2
    raise AssertionError("the last attempt returns or raises")


def _ask_once(
    session: requests.Session, source: CmdbSource, address: str, parameters: dict[str, str]
) -> _Page:
    try:
        with session.get(
            address,
            params=parameters,
            timeout=source.timeout_seconds,
            allow_redirects=False,
            stream=True,
        ) as response:
            _check_status(response, source, address)
            body = _body(response, source)
            link = response.links.get("next", {}).get("url")
    except requests.exceptions.SSLError as problem:
        raise SourceUnreachable(
            f"{source.name}: the certificate of {_shown(address)} is not trusted; name its authority "
            "with tls_ca_file"
        ) from problem
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as problem:
        raise _Later(f"{_shown(address)} does not answer ({type(problem).__name__})") from problem
    except requests.RequestException as problem:
        raise SourceUnreachable(f"{source.name}: {_shown(address)} cannot be asked") from problem
    try:
        return _Page(json.loads(body), link)
    except ValueError as problem:
        raise SourceUnreachable(
            f"{source.name}: {_shown(address)} did not answer in JSON. Nothing was changed"
        ) from problem


def _check_status(response: requests.Response, source: CmdbSource, address: str) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    shown = _shown(address)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise SourceRefused(
            f"{source.name}: {shown} refuses the credentials ({status}): check token and headers"
        )
    if 300 <= status < 400:
        raise SourceRefused(
            f"{source.name}: {shown} redirects to {_shown(response.headers.get('Location', 'elsewhere'))}. "
            "Redirects are not followed: set url to the final address"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        wait = parse_retry_after(response.headers.get("Retry-After"))
        raise _Later(f"{shown} answered {status}", wait)
    raise SourceError(f"{source.name}: {shown} answered {status}")


def _body(response: requests.Response, source: CmdbSource) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(1 << 16):
        size += len(piece)
        if size > _MOST_BYTES:
            raise SourceError(f"{source.name}: one page is larger than {_MOST_BYTES >> 20} MiB: ask in pages")
        pieces.append(piece)
    return b"".join(pieces)


def _shown(address: str) -> str:
    """Return an address without user, password and query, which may hold secrets."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
