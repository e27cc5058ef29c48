"""Decisions about suggestions: what one says, whether it may be taken, and how it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.identity import Principal
from models.vocabulary.suggestion_life import (
    DECIDED_BY_PEOPLE,
    RecommendationState,
    RejectionReason,
    StaleContent,
    check_transition,
)
from warehouse.database.life_agreed import Agreement, etag_of
from warehouse.database.life_moves import Step, move
from warehouse.database.recommendation_rows import RecommendationEvent
from warehouse.database.schema import RECOMMENDATION

_R = RECOMMENDATION.c
_State = RecommendationState


@dataclass(frozen=True)
class Decision:
    """What somebody decides about one suggestion.

    Parameters
    ----------
    recommendation_id : str
    etag : str
        What the decider saw; a suggestion that has changed since is not decided.
    state : RecommendationState
        ``PROPOSED`` withdraws an acceptance or ends a snooze.
    reason : RejectionReason or None
        Mandatory for a rejection.
    until : datetime or None
        Mandatory for a snooze, and after the decision.
    note : str or None
    agreement : Agreement or None
        Edited values, with an acceptance only.
    evidence : mapping or None
        JSON values that the event keeps.
    """

    recommendation_id: str
    etag: str
    state: RecommendationState
    reason: RejectionReason | None = None
    until: datetime | None = None
    note: str | None = None
    agreement: Agreement | None = None
    evidence: Mapping[str, Any] | None = None


def check_decision(decision: Decision, at: datetime) -> None:
    """Refuse a decision that lacks what it needs.

    Raises
    ------
    InputError
        If reason or until is missing, or values are edited without accepting.
    """
    if decision.state is _State.REJECTED and decision.reason is None:
        raise InputError(
            f"is missing: say why, one of {', '.join(RejectionReason)}", field="reason", value=None
        )
    if decision.state is _State.SNOOZED and (decision.until is None or decision.until <= at):
        raise InputError("must be a time in the future", field="until", value=decision.until)
    if decision.agreement is not None and decision.state is not _State.ACCEPTED:
        raise InputError("belong to an acceptance only", field="edited values")


def record_decision(
    connection: Connection, decision: Decision, principal: Principal, at: datetime
) -> RecommendationEvent:
    """Record a decision; raises as `Recommendations.decide_all` does."""
    row = locked_row(connection, decision.recommendation_id)
    check_right(principal, row["team"], decision.recommendation_id)
    if etag_of(row) != decision.etag:
        raise StaleContent("the suggestion has changed since it was read: look at it again")
    check_transition(_State(row["state"]), decision.state)
    if decision.state not in DECIDED_BY_PEOPLE:
        raise Conflict(f"{decision.state} is seen in the cluster, not decided")
    reason = None if decision.reason is None else decision.reason.value
    step = Step(
        principal.id, at, reason, decision.until, decision.note, decision.evidence, decision.agreement
    )
    return move(connection, row, decision.state, step)


def locked_row(connection: Connection, recommendation_id: str) -> Mapping[Any, Any]:
    """Return a suggestion's row, locked until the transaction ends.

    Raises
    ------
    NotFound
        If there is none of that id.
    """
    statement = select(RECOMMENDATION).where(_R.id == recommendation_id).with_for_update()
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no suggestion {recommendation_id}")
    return row


def check_right(principal: Principal, team: str | None, recommendation_id: str) -> None:
    """Refuse who may not decide for a team; who may not even see it learns nothing.

    Raises
    ------
    NotFound, Forbidden
    """
    teams = principal.visible_teams()
    if teams is not None and team not in teams:
        raise NotFound(f"there is no suggestion {recommendation_id}")
    principal.require_decision_for(team)
