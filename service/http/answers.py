"""What every route needs: who asks, work in a thread, and answers that nobody may cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse

from models.vocabulary.identity import Principal

R = TypeVar("R")

NO_STORE = {"cache-control": "no-store"}
MOST_BODY_BYTES = 10_000


def principal_of(request: Request) -> Principal:
    """Return who asks, as the gate found out; without the gate there is nobody and therefore no answer."""
    principal: Principal = request.state.principal
    return principal


def json_answer(content: Any, status: int = 200) -> JSONResponse:
    """Return an answer in JSON."""
    return JSONResponse(content, status, headers=NO_STORE)


async def in_thread(work: Callable[..., R], *arguments: Any) -> R:
    """Run blocking work beside the event loop and return what it returns."""
    return await anyio.to_thread.run_sync(partial(work, *arguments))
