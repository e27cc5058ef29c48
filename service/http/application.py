"""One ASGI process: the boards (Streamlit) and the HTTP API, behind one gate.

The only module of service that knows Streamlit.
"""

from __future__ import annotations

import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp
from streamlit import config

from models.vocabulary.errors import (
    Conflict,
    Forbidden,
    InputError,
    MillicoreError,
    NotFound,
    StorageError,
    UsageError,
)
from service.access import AccessControl, Unauthenticated, install_access
from service.boards.texts import say
from service.http.gate import AccessGate, SecurityHeaders
from service.http.routes import create_routes
from service.runtime import Runtime, using

_log = logging.getLogger(__name__)
_LARGEST_MESSAGE_BYTES = 16 * 2**20

_SAFETY_OPTIONS: Final[dict[str, Any]] = {
    "client.showErrorDetails": "none",
    "client.disableDataExport": True,
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
    "server.fileWatcherType": "none",
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.trustedUserHeaders": {},
    "server.headless": True,
    "runner.magicEnabled": False,
}

_STATUS: Final[dict[type[MillicoreError], int]] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    InputError: 422,
    UsageError: 400,
    StorageError: 503,
    MillicoreError: 500,
}


def create_application(runtime: Runtime, *, one_time_token: str | None = None) -> ASGIApp:
    """Return boards and API of a runtime as one ASGI application.

    Parameters
    ----------
    runtime : Runtime
        Boards and routes of this process read from it while the application runs.
    one_time_token : str, optional
        Secret of the link that lets people in where there is no identity source.
    """
    control = AccessControl(runtime, one_time_token)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        with using(runtime):
            install_access(control)
            yield {}

    application = st.App(
        _boards_script(),
        lifespan=lifespan,
        routes=create_routes(runtime),
        middleware=[Middleware(SecurityHeaders), Middleware(AccessGate, control=control)],
        exception_handlers=problem_handlers(),
        on_script_error=_on_script_error,
    )
    for name, value in _SAFETY_OPTIONS.items():
        config.set_option(name, value)
    return application


def problem_handlers() -> dict[Any, Any]:
    """Return what turns the errors of Millicore into answers: status, and the message for people."""
    return dict.fromkeys(_STATUS, _answer_problem)


def serve(
    runtime: Runtime,
    host: str,
    port: int,
    *,
    one_time_token: str | None = None,
    on_started: Callable[[str], None] | None = None,
) -> None:
    """Serve boards and API until interrupted.

    Parameters
    ----------
    runtime : Runtime
    host, port : str, int
        Where to listen.
    one_time_token : str, optional
        Secret of the one-time link; a new one by default.
    on_started : callable, optional
        Called with the one-time link before serving begins, so that the caller can print it.

    Raises
    ------
    UsageError
        If the address cannot be listened on.
    """
    token = one_time_token or new_one_time_token()
    listening = _listen(host, port)
    with listening:
        application = create_application(runtime, one_time_token=token)
        if on_started is not None:
            on_started(link_of(host, listening.getsockname()[1], token))
        settings = uvicorn.Config(
            application,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="websockets-sansio",
            ws_max_size=_LARGEST_MESSAGE_BYTES,
            timeout_graceful_shutdown=5,
        )
        uvicorn.Server(settings).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as problem:
        raise UsageError(
            f"cannot listen on {host} port {port}: {problem.strerror}. Choose another with --host and --port"
        ) from problem


def new_one_time_token() -> str:
    """Return a secret for the link of one run of ``serve``."""
    return secrets.token_urlsafe(32)


def link_of(host: str, port: int, token: str) -> str:
    """Return the one-time link; an address that means all interfaces is named localhost."""
    shown = "localhost" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/?token={token}"


def _boards_script() -> Path:
    # found by name: the boards stand above the service, which therefore does not import them
    found = find_spec("dashboards")
    if found is None or not found.submodule_search_locations:
        raise UsageError("the boards are not installed: install the distribution millicore completely")
    return Path(next(iter(found.submodule_search_locations))).resolve() / "app.py"


def _on_script_error(problem: Exception) -> bool:
    _log.error("a board failed", exc_info=problem)
    st.error(say("state.unexpected"), icon=":material/error:")
    return True


async def _answer_problem(_: Request, problem: MillicoreError) -> Response:
    status = next(code for kind, code in _STATUS.items() if isinstance(problem, kind))
    return JSONResponse(
        {"code": status, "message": str(problem)}, status, headers={"cache-control": "no-store"}
    )
