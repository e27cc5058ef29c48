"""Suggestions, the decisions about them, and the containers without one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from models.vocabulary.errors import Conflict, InputError, NotFound
from models.vocabulary.identity import Principal
from models.vocabulary.recommendation import (
    Recommendation,
    RecommendationState,
    RejectionReason,
    check_transition,
)
from warehouse.database.connection import Database
from warehouse.database.recommendation_rows import (
    KEY_COLUMNS,
    RecommendationEvent,
    RecommendationRun,
    StoredRecommendation,
    StoredSilence,
    event_from_row,
    from_row,
    key_values,
    silence_from_row,
    silence_values,
    suggestion_id,
    to_values,
)
from warehouse.database.schema import RECOMMENDATION, RECOMMENDATION_EVENT, SILENCE

__all__ = [
    "RecommendationEvent",
    "RecommendationRun",
    "Recommendations",
    "StoredRecommendation",
    "StoredSilence",
]

POLICY_PRINCIPAL = "millicore"
"""Who is named in events that a run causes."""

_State = RecommendationState
_R = RECOMMENDATION.c
_E = RECOMMENDATION_EVENT.c
_QUIET = frozenset({_State.ACCEPTED, _State.SNOOZED, _State.APPLIED})
"""While one of these stands for a container, a run proposes nothing new for it."""


@dataclass(frozen=True)
class _Step:
    """Who moves a suggestion, when and why."""

    principal: str
    at: datetime
    reason: str | None = None
    until: datetime | None = None
    note: str | None = None


class Recommendations:
    """All suggestions of a warehouse. What people read or decide needs a `Principal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_run(self, run: RecommendationRun) -> None:
        """Store what a policy said; the same run twice changes nothing.

        A proposal with the same advice is refreshed; one with other advice is superseded; one that the
        run did not repeat expires. Accepted, snoozed and applied suggestions stand and keep their
        container quiet; a rejected one keeps the same advice from coming back. A snooze that is over
        becomes a proposal again.
        """
        with self._database.write() as connection:
            _end_snoozes(connection, run)
            standing = _standing(connection, run)
            for recommendation in run.recommendations:
                rows = standing.pop(tuple(key_values(recommendation.key).values()), [])
                _propose(connection, run, recommendation, rows)
            _expire(connection, run, [row for rows in standing.values() for row in rows])
            _replace_silences(connection, run)

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
        """Move a suggestion to a state and record who did it and why.

        Parameters
        ----------
        recommendation_id : str
        etag : str
            What the decider saw; a suggestion that has changed since is not decided.
        principal : Principal
        state : RecommendationState
        at : datetime
        reason : RejectionReason
            Mandatory for a rejection.
        until : datetime
            Mandatory for a snooze, and after ``at``.
        note : str, optional

        Raises
        ------
        NotFound, Forbidden
            If there is none, or the principal may not decide for its team.
        Conflict
            If it changed since it was read, or the move is not allowed.
        InputError
            If reason or until is missing.
        """
        _check_decision(state, at, reason, until)
        with self._database.write() as connection:
            statement = select(RECOMMENDATION).where(_R.id == recommendation_id).with_for_update()
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise NotFound(f"there is no suggestion {recommendation_id}")
            _check_right(principal, row.team, recommendation_id)
            if row.content_hash != etag:
                raise Conflict("the suggestion has changed since it was read: look at it again")
            check_transition(_State(row.state), state)
            return _move(
                connection,
                row._mapping,
                state,
                _Step(principal.id, at, None if reason is None else reason.value, until, note),
            )

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


def _check_right(principal: Principal, team: str | None, recommendation_id: str) -> None:
    teams = principal.visible_teams()
    if teams is not None and team not in teams:
        raise NotFound(f"there is no suggestion {recommendation_id}")
    principal.require_decision_for(team)


def _check_decision(
    state: RecommendationState,
    at: datetime,
    reason: RejectionReason | None,
    until: datetime | None,
) -> None:
    if state is _State.REJECTED and reason is None:
        raise InputError(
            f"is missing: say why, one of {', '.join(RejectionReason)}", field="reason", value=None
        )
    if state is _State.SNOOZED and (until is None or until <= at):
        raise InputError("must be a time in the future", field="until", value=until)


def _standing(connection: Connection, run: RecommendationRun) -> dict[tuple[str, ...], list[Any]]:
    """Return the rows of the run's clusters that bear on new proposals, by container."""
    states = [state.value for state in (*_QUIET, _State.PROPOSED, _State.REJECTED)]
    statement = (
        select(RECOMMENDATION)
        .where(_R.cluster.in_(run.clusters), _R.state.in_(states), _R.policy == run.policy)
        .order_by(_R.id)
    )
    found: dict[tuple[str, ...], list[Any]] = {}
    for row in connection.execute(statement):
        found.setdefault(tuple(row._mapping[name] for name in KEY_COLUMNS), []).append(row._mapping)
    return found


def _propose(
    connection: Connection, run: RecommendationRun, recommendation: Recommendation, rows: Sequence[Any]
) -> None:
    values = to_values(recommendation, run.teams.get(recommendation.key.workload))
    same = [row for row in rows if row["content_hash"] == values["content_hash"]]
    is_quiet = any(row["state"] in _QUIET for row in rows)
    for row in rows:
        if row["state"] == _State.PROPOSED and (is_quiet or row not in same):
            _move(connection, row, _State.SUPERSEDED, _Step(POLICY_PRINCIPAL, run.as_of))
    if is_quiet:
        return
    if same:
        proposed = [row for row in same if row["state"] == _State.PROPOSED]
        for row in proposed:
            _refresh(connection, row["id"], values)
        return
    values["id"] = suggestion_id(recommendation, _count_earlier(connection, values))
    connection.execute(insert(RECOMMENDATION).values(**values))
    _add_event(connection, values, _State.PROPOSED, _Step(POLICY_PRINCIPAL, run.as_of))


def _count_earlier(connection: Connection, values: dict[str, Any]) -> int:
    """Return how often the same advice was proposed before, whatever became of it."""
    names = (*KEY_COLUMNS, "policy", "content_hash")
    same = [_R[name] == values[name] for name in names]
    return int(connection.execute(select(func.count()).select_from(RECOMMENDATION).where(*same)).scalar_one())


def _refresh(connection: Connection, recommendation_id: str, values: dict[str, Any]) -> None:
    names = ("team", "risk_class", "as_of", "requested_saving_per_month", "currency", "content")
    connection.execute(
        update(RECOMMENDATION)
        .where(_R.id == recommendation_id)
        .values(**{name: values[name] for name in names})
    )


def _expire(connection: Connection, run: RecommendationRun, rows: Sequence[Any]) -> None:
    for row in rows:
        if row["state"] == _State.PROPOSED:
            _move(connection, row, _State.EXPIRED, _Step(POLICY_PRINCIPAL, run.as_of))


def _end_snoozes(connection: Connection, run: RecommendationRun) -> None:
    over = connection.execute(
        select(RECOMMENDATION).where(
            _R.cluster.in_(run.clusters),
            _R.policy == run.policy,
            _R.state == _State.SNOOZED.value,
            _R.snoozed_until <= run.as_of,
        )
    ).all()
    for row in over:
        _move(connection, row._mapping, _State.PROPOSED, _Step(POLICY_PRINCIPAL, run.as_of))


def _replace_silences(connection: Connection, run: RecommendationRun) -> None:
    columns = SILENCE.c
    connection.execute(delete(SILENCE).where(columns.cluster.in_(run.clusters), columns.policy == run.policy))
    rows = [silence_values(silence, run.teams.get(silence.key.workload)) for silence in run.silences]
    if rows:
        connection.execute(insert(SILENCE), rows)


def _move(connection: Connection, row: Any, state: RecommendationState, step: _Step) -> RecommendationEvent:
    connection.execute(
        update(RECOMMENDATION).where(_R.id == row["id"]).values(state=state.value, snoozed_until=step.until)
    )
    return _add_event(connection, row, state, step)


def _add_event(
    connection: Connection, row: Any, state: RecommendationState, step: _Step
) -> RecommendationEvent:
    last = connection.execute(
        select(func.max(_E.sequence)).where(_E.recommendation_id == row["id"])
    ).scalar_one()
    values = {
        "recommendation_id": row["id"],
        "sequence": (last or 0) + 1,
        "state": state.value,
        "principal": step.principal,
        "occurred_at": step.at,
        "content_hash": row["content_hash"],
        "reason": step.reason,
        "until": step.until,
        "note": step.note,
    }
    connection.execute(insert(RECOMMENDATION_EVENT).values(**values))
    return event_from_row(values)
