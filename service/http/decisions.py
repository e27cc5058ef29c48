"""Routes of decisions: accept, reject, snooze, withdraw; in bulk; exclusions; the regret rate.

A decision quotes in ``If-Match`` the etag of what the decider saw: 412 when it is another by now, 428 without
one, 409 when the state does not allow it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from models.vocabulary.errors import UsageError
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.suggestion_life import StaleContent
from service.http.answers import MOST_BODY_BYTES, in_thread, json_answer, principal_of
from service.http.decision_bodies import (
    AcceptBody,
    BulkBody,
    ExclusionBody,
    NoteBody,
    RejectBody,
    SignatureBody,
    SnoozeBody,
    exclusion_document,
    left_out_document,
    read_body,
    signature_document,
)
from service.http.documents import VERSION, event_document, parse_instant_field, parse_reason
from service.runtime import Runtime
from service.usecases import bulk_decisions, decisions, exclusions
from service.usecases.edited_values import parse_edits
from service.usecases.regret import read_regret
from warehouse.database.recommendations import RecommendationEvent

_EACH = "/v1/recommendations/{id}"


class DecisionApi:
    """The handlers of decisions on one runtime.

    Parameters
    ----------
    runtime : Runtime
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        post = ["POST"]
        return [
            Route(f"{_EACH}/accept", self.accept, methods=post),
            Route(f"{_EACH}/reject", self.reject, methods=post),
            Route(f"{_EACH}/snooze", self.snooze, methods=post),
            Route(f"{_EACH}/withdraw", self.withdraw, methods=post),
            Route(f"{_EACH}/events", self.events, methods=["GET"]),
            Route("/v1/bulk-acceptances", self.accept_bulk, methods=post),
            Route("/v1/exclusions", self.exclusions, methods=["GET"]),
            Route("/v1/exclusions", self.exclude, methods=post),
            Route("/v1/exclusions/{id}", self.end_exclusion, methods=["DELETE"]),
            Route("/v1/peak-signatures", self.sign, methods=post),
            Route("/v1/regret", self.regret, methods=["GET"]),
        ]

    async def accept(self, request: Request) -> Response:
        """Accept a suggestion, with edited quantities if the body names some, or its whole group."""
        body = read_body(await _bytes(request), AcceptBody)
        edits = parse_edits(
            {
                "cpu_request_cores": body.cpu_request,
                "cpu_limit_cores": body.cpu_limit,
                "memory_request_bytes": body.memory_request,
                "memory_limit_bytes": body.memory_limit,
            }
        )
        if body.group and edits is not None:
            raise UsageError("a group is accepted as advised: edit one suggestion at a time")
        if body.group:
            return await self._decide(request, partial(decisions.accept_group, note=body.note))
        work = partial(decisions.accept, edits=edits, is_signed=body.sign, note=body.note)
        return await self._decide(request, work)

    async def reject(self, request: Request) -> Response:
        """Reject a suggestion: ``{"reason", "note"?}``."""
        body = read_body(await _bytes(request), RejectBody)
        work = partial(decisions.reject, reason=parse_reason(body.reason), note=body.note)
        return await self._decide(request, work)

    async def snooze(self, request: Request) -> Response:
        """Put a suggestion off: ``{"until", "note"?}``."""
        body = read_body(await _bytes(request), SnoozeBody)
        until = parse_instant_field(body.until, "until")
        return await self._decide(request, partial(decisions.snooze, until=until, note=body.note))

    async def withdraw(self, request: Request) -> Response:
        """Take back an acceptance that is not applied yet, or end a snooze."""
        body = read_body(await _bytes(request), NoteBody)
        return await self._decide(request, partial(decisions.withdraw, note=body.note))

    async def events(self, request: Request) -> Response:
        """Answer the life of a suggestion, oldest event first."""
        found = await in_thread(
            decisions.explain, self._runtime, principal_of(request), request.path_params["id"]
        )
        return json_answer({"version": VERSION, "events": [event_document(event) for event in found.events]})

    async def accept_bulk(self, request: Request) -> Response:
        """Accept every low-risk suggestion of a scope, or preview it."""
        body = read_body(await _bytes(request), BulkBody)
        scope = bulk_decisions.BulkScope(
            body.team, body.cluster, body.maximum_risk_ratio, body.only_small, body.increases
        )
        principal = principal_of(request)

        def work() -> dict[str, Any]:
            plan = bulk_decisions.plan_bulk(self._runtime, principal, scope)
            accepted: Sequence[str] = [one.id for one in plan.accepted]
            left_out = plan.left_out
            if not body.preview:
                result = bulk_decisions.accept_bulk(self._runtime, principal, plan, note=body.note)
                accepted, left_out = result.accepted, result.left_out
            return {
                "version": VERSION,
                "is_preview": body.preview,
                "accepted": list(accepted),
                "left_out": [left_out_document(one) for one in left_out],
            }

        return json_answer(await in_thread(work))

    async def exclusions(self, request: Request) -> Response:
        """Answer the exclusions that the caller may see."""
        is_history_wanted = request.query_params.get("history", "false").lower() == "true"
        work = partial(exclusions.list_exclusions, is_history_wanted=is_history_wanted)
        found = await in_thread(work, self._runtime, principal_of(request))
        return json_answer({"version": VERSION, "exclusions": [exclusion_document(rule) for rule in found]})

    async def exclude(self, request: Request) -> Response:
        """Exclude containers from advice."""
        asked = read_body(await _bytes(request), ExclusionBody).request()
        rule = await in_thread(exclusions.add_exclusion, self._runtime, principal_of(request), asked)
        return json_answer(exclusion_document(rule), 201)

    async def end_exclusion(self, request: Request) -> Response:
        """End an exclusion."""
        rule = await in_thread(
            exclusions.remove_exclusion, self._runtime, principal_of(request), request.path_params["id"]
        )
        return json_answer(exclusion_document(rule))

    async def sign(self, request: Request) -> Response:
        """Sign a calendar peak of a workload."""
        body = read_body(await _bytes(request), SignatureBody)
        workload = WorkloadKey(body.cluster, body.namespace, body.kind, body.name)
        work = partial(exclusions.sign_peak, event=body.event, days=body.days, note=body.note)
        signature = await in_thread(work, self._runtime, principal_of(request), workload)
        return json_answer(signature_document(signature), 201)

    async def regret(self, request: Request) -> Response:
        """Answer how often applied suggestions were taken back."""
        rows = await in_thread(read_regret, self._runtime, principal_of(request))
        return json_answer({"version": VERSION, "regret": [asdict(row) for row in rows]})

    async def _decide(
        self, request: Request, work: Callable[..., RecommendationEvent | Sequence[RecommendationEvent]]
    ) -> Response:
        etag = _if_match(request)
        if etag is None:
            message = "quote the suggestion's etag in If-Match, so that only what was seen is decided"
            return json_answer({"code": 428, "message": message}, 428)
        try:
            found = await in_thread(
                work, self._runtime, principal_of(request), request.path_params["id"], etag
            )
        except StaleContent as problem:
            return json_answer({"code": 412, "message": str(problem)}, 412)
        if isinstance(found, RecommendationEvent):
            return json_answer(event_document(found))
        return json_answer({"version": VERSION, "events": [event_document(event) for event in found]})


def _if_match(request: Request) -> str | None:
    """Return the one strong etag of ``If-Match``; a weak one or ``*`` names nothing that was seen."""
    text = request.headers.get("if-match", "").strip()
    if not text:
        return None
    if len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return text[1:-1]
    raise UsageError('If-Match must hold one etag in quotes, like "0123456789abcdef"')


async def _bytes(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("send application/json")
    body = await request.body()
    if len(body) > MOST_BODY_BYTES:
        raise UsageError(f"the body is longer than {MOST_BODY_BYTES:,} bytes")
    return body
