"""A small application behind the real access gate."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from service.access import AccessControl
from service.http.gate import AccessGate, SecurityHeaders

ONE_TIME = "one-time-secret"


def guarded(control: AccessControl) -> Starlette:
    """Return an application behind the gate that answers who called it."""

    async def who(request: Request) -> PlainTextResponse:
        principal = request.state.principal
        return PlainTextResponse(f"{principal.id} {' '.join(sorted(principal.roles))}")

    async def alive(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    return Starlette(
        routes=[
            Route("/healthz", alive),
            Route("/metrics", who),
            Route("/media/{name}", who),
            Route("/v1/recommendations/{id}/decision", who, methods=["POST"]),
            WebSocketRoute("/_stcore/stream", stream),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(AccessGate, control=control)],
    )
