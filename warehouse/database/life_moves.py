"""Moves of suggestions from state to state, each with its event, many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, func, insert, select, update

from models.vocabulary.suggestion_life import RecommendationState
from warehouse.database.life_agreed import Agreement, etag_of, to_document
from warehouse.database.recommendation_rows import RecommendationEvent, event_from_row
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT

T = TypeVar("T")
_R = RECOMMENDATION.c
_E = RECOMMENDATION_EVENT.c
_State = RecommendationState
_PER_STATEMENT = 5_000
"""Values in one IN list: SQLite takes 32,766, PostgreSQL 65,535."""


@dataclass(frozen=True)
class Step:
    """Who moves a suggestion, when, why, and on what evidence (JSON values only)."""

    principal: str
    at: datetime
    reason: str | None = None
    until: datetime | None = None
    note: str | None = None
    evidence: Mapping[str, Any] | None = None
    agreement: Agreement | None = None


def move(
    connection: Connection, row: Mapping[Any, Any], state: RecommendationState, step: Step
) -> RecommendationEvent:
    """Move one suggestion and append its event.

    Values are agreed with the acceptance and forgotten with its withdrawal; nothing else changes them.
    """
    changes: dict[str, Any] = {"state": state.value, "snoozed_until": step.until, "state_since": step.at}
    if state is _State.ACCEPTED and step.agreement is not None:
        changes["agreed"] = to_document(step.agreement)
    elif state is _State.PROPOSED:
        changes["agreed"] = None
    connection.execute(update(RECOMMENDATION).where(_R.id == row["id"]).values(**changes))
    return append_event(connection, {**row, **changes}, state, step)


def append_event(
    connection: Connection, row: Mapping[Any, Any], state: RecommendationState, step: Step
) -> RecommendationEvent:
    """Append one event to a suggestion's life."""
    last = connection.execute(
        select(func.max(_E.sequence)).where(_E.recommendation_id == row["id"])
    ).scalar_one()
    values = _event_values(row, (last or 0) + 1, state, step)
    connection.execute(insert(RECOMMENDATION_EVENT).values(**values))
    return event_from_row(values)


def move_all(
    connection: Connection, rows: Sequence[Mapping[Any, Any]], state: RecommendationState, step: Step
) -> None:
    """Move many suggestions in one way, in a few statements. Not for acceptances with agreed values."""
    if not rows:
        return
    statement = update(RECOMMENDATION).where(_R.id == bindparam("moved_id"))
    connection.execute(
        statement.values(state=state.value, snoozed_until=step.until, state_since=step.at),
        [{"moved_id": row["id"]} for row in rows],
    )
    last = _last_sequences(connection, [row["id"] for row in rows])
    append_events(connection, [(row, last.get(row["id"], 0) + 1) for row in rows], state, step)


def append_events(
    connection: Connection,
    rows: Iterable[tuple[Mapping[Any, Any], int]],
    state: RecommendationState,
    step: Step,
) -> None:
    """Append one event to each suggestion; its sequence stands beside the row."""
    values = [_event_values(row, sequence, state, step) for row, sequence in rows]
    if values:
        connection.execute(insert(RECOMMENDATION_EVENT), values)


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in parts that fit one IN list."""
    for first in range(0, len(values), _PER_STATEMENT):
        yield values[first : first + _PER_STATEMENT]


def _last_sequences(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in in_parts(ids):
        statement = (
            select(_E.recommendation_id, func.max(_E.sequence))
            .where(_E.recommendation_id.in_(part))
            .group_by(_E.recommendation_id)
        )
        found.update((row[0], row[1]) for row in connection.execute(statement))
    return found


def _event_values(
    row: Mapping[Any, Any], sequence: int, state: RecommendationState, step: Step
) -> dict[str, Any]:
    return {
        "recommendation_id": row["id"],
        "sequence": sequence,
        "state": state.value,
        "principal": step.principal,
        "occurred_at": step.at,
        "content_hash": etag_of(row),
        "reason": step.reason,
        "until": step.until,
        "note": step.note,
        "evidence": None if step.evidence is None else dict(step.evidence),
    }
