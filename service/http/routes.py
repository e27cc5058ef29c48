"""Every route of the HTTP API. Who may call each is decided by the gate; what they may see, by the reads."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from models.vocabulary.errors import MillicoreError
from service.boards.leadership import read_leadership
from service.http.allocation import parse_query, read_allocation
from service.http.answers import MOST_BODY_BYTES, NO_STORE, in_thread, json_answer, principal_of
from service.http.chargeback import export_bytes
from service.http.decisions import DecisionApi
from service.http.documents import (
    decision_of,
    event_document,
    leadership_document,
    period_document,
    recommendation_document,
)
from service.http.metrics import write_metrics
from service.runtime import Runtime
from service.usecases import decisions
from service.usecases import recommendations as life
from service.usecases.chargeback_periods import list_periods

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Api:
    """The handlers of the API on one runtime.

    Parameters
    ----------
    runtime : Runtime
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        read = ["GET"]
        return [
            Route("/healthz", self.health, methods=read),
            Route("/readyz", self.readiness, methods=read),
            Route("/metrics", self.metrics, methods=read),
            Route("/allocation", self.allocation, methods=read),
            Route("/allocation/compute", self.allocation, methods=read),
            Route("/v1/leadership", self.leadership, methods=read),
            Route("/v1/periods", self.periods, methods=read),
            Route("/v1/chargeback/{month}", self.chargeback, methods=read),
            Route("/v1/recommendations", self.recommendations, methods=read),
            Route("/v1/recommendations/{id}", self.recommendation, methods=read),
            Route("/v1/recommendations/{id}/decision", self.decide, methods=["POST"]),
        ]

    async def health(self, _: Request) -> Response:
        """Answer that the process lives."""
        return PlainTextResponse("ok\n", headers=NO_STORE)

    async def readiness(self, _: Request) -> Response:
        """Answer whether database and lake can be read at this version's schema."""
        try:
            await in_thread(self._runtime.warehouse.check)
        except MillicoreError:
            # anyone may ask, so the reason stays in the log: it may name hosts
            return PlainTextResponse("not ready\n", 503, headers=NO_STORE)
        return PlainTextResponse("ready\n", headers=NO_STORE)

    async def metrics(self, request: Request) -> Response:
        """Answer our own metrics in Prometheus' text format."""
        text = await in_thread(write_metrics, self._runtime, principal_of(request))
        return Response(text, media_type=_METRICS_TYPE, headers=NO_STORE)

    async def allocation(self, request: Request) -> Response:
        """Answer allocation in OpenCost's shape."""
        query = parse_query(self._runtime, request.query_params)
        sets = await in_thread(read_allocation, self._runtime, principal_of(request), query)
        return json_answer({"code": 200, "data": sets})

    async def leadership(self, request: Request) -> Response:
        """Answer the figures of the cost board."""
        asked = request.query_params
        board = await in_thread(
            read_leadership, self._runtime, principal_of(request), asked.get("period"), asked.get("currency")
        )
        return json_answer(leadership_document(board))

    async def periods(self, request: Request) -> Response:
        """Answer the months that can be charged."""
        rows = await in_thread(list_periods, self._runtime, principal_of(request))
        return json_answer({"version": 1, "periods": [period_document(row) for row in rows]})

    async def chargeback(self, request: Request) -> Response:
        """Answer a month's file: the bytes that the command line writes."""
        name = request.query_params.get("format", "summary")
        kind = request.query_params.get("file_type", "csv")
        month = request.path_params["month"]
        file = await in_thread(export_bytes, self._runtime, principal_of(request), month, name, kind)
        headers = {
            **NO_STORE,
            "content-disposition": f'attachment; filename="{file.name}"',
            "x-content-sha256": file.sha256,
        }
        return Response(file.content, media_type=file.media_type, headers=headers)

    async def recommendations(self, request: Request) -> Response:
        """Answer the suggestions that the caller may see."""
        asked = request.query_params

        def read() -> list[dict[str, Any]]:
            found = life.list_recommendations(
                self._runtime, principal_of(request), cluster=asked.get("cluster"), team=asked.get("team")
            )
            state = asked.get("state")
            return [recommendation_document(one) for one in found if state in (None, one.state)]

        return json_answer({"version": 1, "recommendations": await in_thread(read)})

    async def recommendation(self, request: Request) -> Response:
        """Answer one suggestion with its life."""
        found = await in_thread(
            decisions.explain, self._runtime, principal_of(request), request.path_params["id"]
        )
        document = recommendation_document(found.stored)
        answer = json_answer(document | {"events": [event_document(event) for event in found.events]})
        answer.headers["etag"] = f'"{found.stored.etag}"'
        return answer

    async def decide(self, request: Request) -> Response:
        """Record a decision: ``{"state", "etag", "reason"?, "until"?, "note"?}``."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return json_answer({"code": 415, "message": "send application/json"}, 415)
        body = await request.body()
        if len(body) > MOST_BODY_BYTES:
            return json_answer({"code": 413, "message": "the decision is too long"}, 413)
        decision = decision_of(body)
        identity = request.path_params["id"]

        def record() -> dict[str, Any]:
            event = self._runtime.warehouse.recommendations.decide(
                identity,
                etag=decision.etag,
                principal=principal_of(request),
                state=decision.state,
                at=self._runtime.now(),
                reason=decision.reason,
                until=decision.until,
                note=decision.note,
            )
            return event_document(event)

        return json_answer(await in_thread(record))


def create_routes(runtime: Runtime) -> list[BaseRoute]:
    """Return the routes of the API on a runtime."""
    return [*Api(runtime).routes(), *DecisionApi(runtime).routes()]
