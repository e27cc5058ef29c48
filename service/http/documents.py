"""Values as JSON documents of the API, version 1, and decisions read from JSON.

Money is text, never a float.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from models.vocabulary.errors import InputError
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from models.vocabulary.windows import to_utc
from service.boards.leadership import LeadershipBoard
from service.usecases.chargeback_periods import PeriodRow
from warehouse.database.recommendations import RecommendationEvent, StoredRecommendation

VERSION = 1

_DECISIONS = frozenset(
    {RecommendationState.ACCEPTED, RecommendationState.REJECTED, RecommendationState.SNOOZED}
)


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a decision is sent as."""

    state: str
    etag: str
    reason: str | None = None
    until: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class DecisionRequest:
    """A decision that was asked for; rights and etag are checked where it is recorded."""

    state: RecommendationState
    etag: str
    reason: RejectionReason | None
    until: datetime | None
    note: str | None


def decision_of(body: bytes) -> DecisionRequest:
    """Read a decision.

    Raises
    ------
    InputError
        If the body is not a decision: the field and its value are named.
    """
    try:
        sent = msgspec.json.decode(body, type=DecisionBody)
    except msgspec.MsgspecError as problem:
        raise InputError(f"is not a decision: {problem}", field="body") from problem
    if sent.state not in _DECISIONS:
        raise InputError("is not accepted, rejected or snoozed", field="state", value=sent.state)
    return DecisionRequest(
        RecommendationState(sent.state),
        sent.etag,
        None if sent.reason is None else parse_reason(sent.reason),
        None if sent.until is None else parse_instant_field(sent.until, "until"),
        sent.note,
    )


def parse_reason(text: str) -> RejectionReason:
    """Return why somebody says no.

    Raises
    ------
    InputError
        If it is none of the known reasons.
    """
    try:
        return RejectionReason(text)
    except ValueError:
        names = ", ".join(RejectionReason)
        raise InputError(f"is not one of {names}", field="reason", value=text) from None


def parse_instant_field(text: str, field: str) -> datetime:
    """Return a time in UTC.

    Raises
    ------
    InputError
        If the text is none.
    """
    try:
        return to_utc(datetime.fromisoformat(text))
    except ValueError:
        raise InputError("is not a time like 2026-11-20T00:00:00Z", field=field, value=text) from None


def leadership_document(board: LeadershipBoard) -> dict[str, Any]:
    """Return the figures of the cost board, its sentence, causes and teams."""
    return {
        "version": VERSION,
        "period": board.period.name,
        "days": board.period.days_text,
        "final_day_count": len(board.period.covered),
        "currency": board.currency,
        "total_cost": str(board.total),
        "sentence": board.sentence,
        "figures": [
            {
                "key": figure.key,
                "label": figure.label,
                "value": figure.value,
                "change": figure.change.text if figure.change else None,
                "notes": [note for note in (figure.note, figure.detail) if note],
            }
            for figure in board.figures
        ],
        "causes": [
            {"cause": part.key, "cost": str(part.amount), "ratio": part.ratio} for part in board.causes
        ],
        "teams": [
            {
                "kind": row.kind,
                "team": row.label,
                "cost": str(row.cost),
                "share_ratio": row.share,
                "change": None if row.change is None else str(row.change),
                "change_ratio": row.change_ratio,
            }
            for row in board.teams
        ],
        "marks": [{"key": mark.key, "text": mark.text} for mark in board.header.marks],
        "data_until": board.header.data_until,
    }


def period_document(row: PeriodRow) -> dict[str, Any]:
    """Return a month that can be charged."""
    return asdict(row) | {
        "total_cost": str(row.total_cost),
        "correction_cost": str(row.correction_cost),
        "closed_at": _text(row.closed_at),
    }


def recommendation_document(stored: StoredRecommendation) -> dict[str, Any]:
    """Return a suggestion with its etag, which a decision must quote."""
    advice = stored.recommendation
    workload = advice.key.workload
    return {
        "id": stored.id,
        "etag": stored.etag,
        "state": stored.state,
        "state_since": _text(stored.state_since),
        "team": stored.team,
        "snoozed_until": _text(stored.snoozed_until),
        "cluster": workload.cluster,
        "namespace": workload.namespace,
        "workload_kind": workload.kind,
        "workload_name": workload.name,
        "container": advice.key.container,
        "policy": advice.policy,
        "risk_class": advice.risk_class,
        "as_of": _text(advice.as_of),
        "current": asdict(advice.current),
        "advised": asdict(advice.advised),
        "agreed": None if stored.agreed is None else asdict(stored.agreed),
        "agreed_risk": None if stored.agreed_risk is None else asdict(stored.agreed_risk),
        "applied_from": _text(stored.applied_from),
        "verified_request_saving_per_month": _text(stored.verified_saving_per_month),
        "verified_currency": stored.verified_currency,
        "replica_count_mean": advice.replica_count_mean,
        "requested_saving_per_month": _text(advice.requested_saving_per_month),
        "currency": advice.currency,
        "risk": asdict(advice.risk),
        "confidence": advice.confidence,
        "explanation": advice.explanation,
        "is_small_change": advice.is_small_change,
    }


def event_document(event: RecommendationEvent) -> dict[str, Any]:
    """Return one step in the life of a suggestion."""
    return {
        "recommendation_id": event.recommendation_id,
        "sequence": event.sequence,
        "state": event.state,
        "principal": event.principal,
        "occurred_at": _text(event.occurred_at),
        "reason": event.reason,
        "until": _text(event.until),
        "note": event.note,
        "evidence": None if event.evidence is None else dict(event.evidence),
    }


def _text(value: datetime | Decimal | None) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else format(value, "f")
