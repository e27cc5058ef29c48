"""What the cluster and new data show of suggestions: read and recorded for the machine, not for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, update

from models.vocabulary.errors import Conflict
from models.vocabulary.identity import ContainerKey
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import RecommendationState, check_transition
from warehouse.database.connection import Database
from warehouse.database.life_decisions import locked_row
from warehouse.database.life_moves import Step, append_event, in_parts, move
from warehouse.database.life_runs import POLICY_PRINCIPAL
from warehouse.database.recommendation_rows import (
    KEY_COLUMNS,
    RecommendationEvent,
    StoredRecommendation,
    event_from_row,
    from_row,
    key_of,
)
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT

_R = RECOMMENDATION.c
_E = RECOMMENDATION_EVENT.c
_State = RecommendationState


@dataclass(frozen=True)
class LifeStep:
    """What the cluster or new data showed of one suggestion: a move, or an event without one.

    Parameters
    ----------
    recommendation_id : str
    state : RecommendationState
        That it moves to; of a note, that it must be in.
    at : datetime
    reason : str or None
        An `EventReason`.
    note : str
        The same in words.
    evidence : mapping
        JSON values only.
    is_note : bool
        An event that only reports.
    applied_from : datetime or None
        First hour that ran with the wanted values; None leaves it.
    verified_saving_per_month : Decimal or None
    verified_currency : str or None
        None leaves both.
    """

    recommendation_id: str
    state: RecommendationState
    at: datetime
    reason: str | None
    note: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    is_note: bool = False
    applied_from: datetime | None = None
    verified_saving_per_month: Decimal | None = None
    verified_currency: str | None = None


@dataclass(frozen=True)
class OpenValues:
    """What a proposal advises, and since when it stands."""

    id: str
    key: ContainerKey
    since: datetime
    advised: ResourceValues


@dataclass(frozen=True)
class RecordedStep:
    """A step that was recorded: which suggestion, its state now, and whether it moved there."""

    recommendation_id: str
    state: RecommendationState
    is_move: bool


class SuggestionEffects:
    """Suggestions whose effects are looked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_values(self, cluster: str) -> Sequence[OpenValues]:
        """Return what every proposal of a cluster advises."""
        columns = [_R[name] for name in (*KEY_COLUMNS, "id", "state_since", "as_of")]
        statement = select(*columns, _R.content["advised"].label("advised")).where(
            _R.cluster == cluster, _R.state == _State.PROPOSED.value
        )
        with self._database.read() as connection:
            return [
                OpenValues(
                    row["id"],
                    key_of(row),
                    row["state_since"] or row["as_of"],
                    ResourceValues(**row["advised"]),
                )
                for row in connection.execute(statement).mappings()
            ]

    def get_all(self, recommendation_ids: Collection[str]) -> Sequence[StoredRecommendation]:
        """Return suggestions by id, those that exist, by id."""
        found: dict[str, StoredRecommendation] = {}
        with self._database.read() as connection:
            for part in in_parts(sorted(recommendation_ids)):
                for row in connection.execute(select(RECOMMENDATION).where(_R.id.in_(part))).mappings():
                    found[row["id"]] = from_row(row)
        return [found[name] for name in sorted(found)]

    def in_states(
        self, cluster: str, states: Collection[RecommendationState]
    ) -> Sequence[StoredRecommendation]:
        """Return the suggestions of a cluster that are in some states, by id."""
        statement = (
            select(RECOMMENDATION)
            .where(_R.cluster == cluster, _R.state.in_([state.value for state in states]))
            .order_by(_R.id)
        )
        with self._database.read() as connection:
            return [from_row(row) for row in connection.execute(statement).mappings()]

    def events_of(self, recommendation_ids: Collection[str]) -> Mapping[str, Sequence[RecommendationEvent]]:
        """Return the lives of some suggestions by id, oldest event first."""
        found: dict[str, Any] = {}
        with self._database.read() as connection:
            for part in in_parts(sorted(recommendation_ids)):
                statement = select(RECOMMENDATION_EVENT).where(_E.recommendation_id.in_(part))
                for row in connection.execute(statement.order_by(_E.recommendation_id, _E.sequence)):
                    event = event_from_row(dict(row._mapping))
                    found.setdefault(event.recommendation_id, []).append(event)
        return found

    def record_steps(
        self, steps: Sequence[LifeStep], principal: str = POLICY_PRINCIPAL
    ) -> Sequence[RecordedStep]:
        """Record what the cluster showed, steps of one suggestion in the order given.

        A step that does not fit the state any more, because somebody decided meanwhile, is left out.
        """
        recorded = []
        with self._database.write() as connection:
            for step in sorted(steps, key=lambda one: one.recommendation_id):
                done = _record_step(connection, step, principal)
                if done is not None:
                    recorded.append(done)
        return recorded


def _record_step(connection: Connection, step: LifeStep, principal: str) -> RecordedStep | None:
    row = locked_row(connection, step.recommendation_id)
    current = _State(row["state"])
    done = Step(principal, step.at, step.reason, None, step.note, step.evidence)
    if step.is_note:
        if step.state is not current or _is_said(connection, step):
            return None
        append_event(connection, row, current, done)
        return RecordedStep(step.recommendation_id, current, is_move=False)
    try:
        check_transition(current, step.state)
    except Conflict:
        return None
    move(connection, row, step.state, done)
    extra = {
        "applied_from": step.applied_from,
        "verified_saving_per_month": step.verified_saving_per_month,
        "verified_currency": step.verified_currency,
    }
    known = {name: value for name, value in extra.items() if value is not None}
    if known:
        connection.execute(update(RECOMMENDATION).where(_R.id == row["id"]).values(**known))
    return RecordedStep(step.recommendation_id, step.state, is_move=True)


def _is_said(connection: Connection, step: LifeStep) -> bool:
    """Whether the same was noted before: two processes may look at once."""
    same = (
        _E.recommendation_id == step.recommendation_id,
        _E.reason == step.reason,
        _E.occurred_at == step.at,
    )
    return connection.execute(select(_E.sequence).where(*same).limit(1)).first() is not None
