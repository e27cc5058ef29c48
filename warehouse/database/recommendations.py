"""Suggestions, the decisions about them, and the containers without one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from models.vocabulary.errors import NotFound
from models.vocabulary.identity import Principal
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from warehouse.database.connection import Database
from warehouse.database.life_agreed import Agreement
from warehouse.database.life_decisions import (
    Decision,
    check_decision,
    check_right,
    locked_row,
    record_decision,
)
from warehouse.database.life_moves import Step, append_event
from warehouse.database.life_runs import POLICY_PRINCIPAL, store_run
from warehouse.database.recommendation_rows import (
    KEY_COLUMNS,
    RecommendationEvent,
    RecommendationRun,
    StoredRecommendation,
    StoredSilence,
    event_from_row,
    from_row,
    silence_from_row,
)
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT, SILENCE

__all__ = [
    "POLICY_PRINCIPAL",
    "Agreement",
    "Decision",
    "RecommendationEvent",
    "RecommendationRun",
    "Recommendations",
    "StoredRecommendation",
    "StoredSilence",
]

_State = RecommendationState
_R = RECOMMENDATION.c
_E = RECOMMENDATION_EVENT.c


class Recommendations:
    """All suggestions of a warehouse. What people read or decide needs a `Principal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_run(self, run: RecommendationRun) -> None:
        """Store what a policy said; the same run twice changes nothing.

        A proposal with the same advice is refreshed; one with other advice is superseded; one that the
        run did not repeat expires. Accepted and snoozed suggestions stand and keep their container quiet;
        so does an applied one, but not for an increase; a rejected one keeps the same advice from coming
        back. A snooze that is over becomes a proposal again. A run on older data leaves alone what newer
        data proposed.
        """
        with self._database.write() as connection:
            store_run(connection, run)

    def list(
        self,
        principal: Principal,
        *,
        states: Collection[RecommendationState] | None = None,
        cluster: str | None = None,
        team: str | None = None,
    ) -> list[StoredRecommendation]:
        """Return suggestions that the principal may see, the largest requested saving first.

        Parameters
        ----------
        principal : Principal
        states : collection of RecommendationState, optional
            None returns all.
        cluster, team : str, optional
        """
        statement = _visible(select(RECOMMENDATION), _R.team, principal)
        if states is not None:
            statement = statement.where(_R.state.in_([state.value for state in states]))
        if cluster is not None:
            statement = statement.where(_R.cluster == cluster)
        if team is not None:
            statement = statement.where(_R.team == team)
        saving = func.coalesce(_R.requested_saving_per_month, 0)
        ordered = statement.order_by(saving.desc(), *(_R[name] for name in KEY_COLUMNS), _R.id)
        with self._database.read() as connection:
            return [from_row(dict(row._mapping)) for row in connection.execute(ordered)]

    def get(self, recommendation_id: str, principal: Principal | None = None) -> StoredRecommendation:
        """Return one suggestion.

        Raises
        ------
        NotFound
            If there is none of that id, or the principal may not see it.
        """
        statement = select(RECOMMENDATION).where(_R.id == recommendation_id)
        if principal is not None:
            statement = _visible(statement, _R.team, principal)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        if row is None:
            raise NotFound(f"there is no suggestion {recommendation_id}")
        return from_row(dict(row._mapping))

    def decide(  # noqa: PLR0913 - what a decision says, all by name
        self,
        recommendation_id: str,
        *,
        etag: str,
        principal: Principal,
        state: RecommendationState,
        at: datetime,
        reason: RejectionReason | None = None,
        until: datetime | None = None,
        note: str | None = None,
    ) -> RecommendationEvent:
        """Move a suggestion to a state and record who did it and why; see `decide_all`."""
        decision = Decision(recommendation_id, etag, state, reason, until, note)
        return self.decide_all([decision], principal, at)[0]

    def decide_all(
        self, decisions: Sequence[Decision], principal: Principal, at: datetime
    ) -> Sequence[RecommendationEvent]:
        """Take decisions together: all of them are recorded, or none.

        Parameters
        ----------
        decisions : sequence of Decision
        principal : Principal
        at : datetime

        Returns
        -------
        list of RecommendationEvent
            In the order of ``decisions``.

        Raises
        ------
        NotFound, Forbidden
            If there is no such suggestion, or the principal may not decide for its team.
        StaleContent
            If one changed since it was read.
        Conflict
            If a move is not allowed.
        InputError
            If reason or until is missing.
        """
        for decision in decisions:
            check_decision(decision, at)
        found = {}
        with self._database.write() as connection:
            # in one order everywhere, so that two of these never wait for each other
            for decision in sorted(decisions, key=lambda one: one.recommendation_id):
                found[decision.recommendation_id] = record_decision(connection, decision, principal, at)
        return [found[decision.recommendation_id] for decision in decisions]

    def append_note(
        self,
        recommendation_id: str,
        *,
        principal: Principal,
        at: datetime,
        reason: str,
        note: str | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> RecommendationEvent:
        """Append an event that changes no state, such as an attempt to apply.

        Raises
        ------
        NotFound, Forbidden
            If there is none, or the principal may not decide for its team.
        """
        with self._database.write() as connection:
            row = locked_row(connection, recommendation_id)
            check_right(principal, row["team"], recommendation_id)
            step = Step(principal.id, at, reason, row["snoozed_until"], note, evidence)
            return append_event(connection, row, _State(row["state"]), step)

    def events(
        self, recommendation_id: str, principal: Principal | None = None
    ) -> Sequence[RecommendationEvent]:
        """Return the life of a suggestion, oldest event first."""
        self.get(recommendation_id, principal)
        statement = (
            select(RECOMMENDATION_EVENT)
            .where(_E.recommendation_id == recommendation_id)
            .order_by(_E.sequence)
        )
        with self._database.read() as connection:
            return [event_from_row(dict(row._mapping)) for row in connection.execute(statement)]

    def silences(
        self, principal: Principal, *, cluster: str | None = None, team: str | None = None
    ) -> Sequence[StoredSilence]:
        """Return why containers got no suggestion in the last run, as far as the principal may see."""
        columns = SILENCE.c
        statement = _visible(select(SILENCE), columns.team, principal)
        if cluster is not None:
            statement = statement.where(columns.cluster == cluster)
        if team is not None:
            statement = statement.where(columns.team == team)
        ordered = statement.order_by(*(columns[name] for name in KEY_COLUMNS))
        with self._database.read() as connection:
            return [silence_from_row(dict(row._mapping)) for row in connection.execute(ordered)]


def _visible(statement: Select[Any], team: Any, principal: Principal) -> Select[Any]:
    teams = principal.visible_teams()
    return statement if teams is None else statement.where(team.in_(sorted(teams)))
