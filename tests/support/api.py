"""The real API of a runtime behind the real gate, without Streamlit, which allows one per process."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware

from service.access import AccessControl
from service.http.application import problem_handlers
from service.http.gate import AccessGate, SecurityHeaders
from service.http.routes import create_routes
from service.runtime import Runtime


def api_of(runtime: Runtime) -> Starlette:
    """Return the API of a runtime."""
    control = AccessControl(runtime, None)
    return Starlette(
        routes=create_routes(runtime),
        middleware=[Middleware(SecurityHeaders), Middleware(AccessGate, control=control)],
        exception_handlers=problem_handlers(),
    )
