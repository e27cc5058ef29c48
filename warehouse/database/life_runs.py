"""What a run of the policy does to stored suggestions, in a few statements however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.suggestion_life import RecommendationState
from warehouse.database.life_moves import Step, append_events, in_parts, move_all
from warehouse.database.recommendation_rows import (
    KEY_COLUMNS,
    RecommendationRun,
    key_values,
    silence_values,
    suggestion_id,
    to_values,
)
from warehouse.database.schema import RECOMMENDATION, SILENCE
from warehouse.database.statements import wait_for_turn

POLICY_PRINCIPAL = "millicore"
"""Who is named in events that a run causes."""

Row = Mapping[Any, Any]
_State = RecommendationState
_R = RECOMMENDATION.c
_QUIET = frozenset({_State.ACCEPTED, _State.SNOOZED})
"""While one of these stands for a container, a run proposes nothing new for it."""

_STANDING = (_State.PROPOSED, _State.REJECTED, _State.APPLIED, *sorted(_QUIET))
_STANDING_COLUMNS = ("id", *KEY_COLUMNS, "team", "state", "content_hash", "agreed", "as_of")
_REFRESHED = ("team", "risk_class", "as_of", "requested_saving_per_month", "currency", "content")


@dataclass
class _Plan:
    """What a run changes."""

    superseded: list[Row] = field(default_factory=list)
    expired: list[Row] = field(default_factory=list)
    refreshed: list[dict[str, Any]] = field(default_factory=list)
    new: list[tuple[Recommendation, dict[str, Any]]] = field(default_factory=list)
    moved_teams: list[dict[str, Any]] = field(default_factory=list)


def store_run(connection: Connection, run: RecommendationRun) -> None:
    """Store what a policy said; see `warehouse.database.recommendations.Recommendations.save_run`."""
    wait_for_turn(connection, f"run of {run.policy}")
    step = Step(POLICY_PRINCIPAL, run.as_of)
    move_all(connection, _snoozes_over(connection, run), _State.PROPOSED, step)
    plan = _plan(run, _standing(connection, run))
    move_all(connection, plan.superseded, _State.SUPERSEDED, step)
    move_all(connection, plan.expired, _State.EXPIRED, step)
    _refresh(connection, plan.refreshed, _REFRESHED)
    _refresh(connection, plan.moved_teams, ("team",))
    _insert(connection, plan.new, step)
    _replace_silences(connection, run)


def _standing(connection: Connection, run: RecommendationRun) -> dict[tuple[str, ...], list[Row]]:
    """Return the rows of the run's clusters that bear on new proposals, by container; they stay locked."""
    statement = (
        select(*(_R[name] for name in _STANDING_COLUMNS))
        .where(
            _R.cluster.in_(run.clusters),
            _R.state.in_([state.value for state in _STANDING]),
            _R.policy == run.policy,
        )
        .order_by(_R.id)
        .with_for_update()
    )
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in connection.execute(statement).mappings():
        found.setdefault(tuple(row[name] for name in KEY_COLUMNS), []).append(row)
    return found


def _plan(run: RecommendationRun, standing: dict[tuple[str, ...], list[Row]]) -> _Plan:
    plan = _Plan()
    said = [*(one.as_of for one in run.recommendations), *(one.as_of for one in run.silences)]
    known_until = max([run.as_of, *said])
    for rows in standing.values():
        _follow_owner(plan, run, rows)
    for recommendation in run.recommendations:
        rows = standing.pop(tuple(key_values(recommendation.key).values()), [])
        if not any(_is_newer(row, known_until) for row in rows):
            _propose(plan, run, recommendation, rows)
    left = [row for rows in standing.values() for row in rows if not _is_newer(row, known_until)]
    plan.expired += [row for row in left if row["state"] == _State.PROPOSED]
    return plan


def _is_newer(row: Row, known_until: datetime) -> bool:
    """Whether newer data than the run's proposed it: what a past time shows is no reason to end it."""
    return bool(row["state"] == _State.PROPOSED and row["as_of"] > known_until)


def _follow_owner(plan: _Plan, run: RecommendationRun, rows: Sequence[Row]) -> None:
    """Give decided suggestions to the team that the workload belongs to now; their content stays."""
    first = rows[0]
    workload = WorkloadKey(*(first[name] for name in KEY_COLUMNS[:4]))
    if workload not in run.teams:
        return
    team = run.teams[workload]
    plan.moved_teams += [
        {"refreshed_id": row["id"], "team": team}
        for row in rows
        if row["team"] != team and row["state"] != _State.PROPOSED
    ]


def _propose(
    plan: _Plan, run: RecommendationRun, recommendation: Recommendation, rows: Sequence[Row]
) -> None:
    values = to_values(recommendation, run.teams.get(recommendation.key.workload))
    same = [row for row in rows if row["content_hash"] == values["content_hash"]]
    is_quiet = any(_silences(row, recommendation) for row in rows)
    proposed = [row for row in rows if row["state"] == _State.PROPOSED]
    plan.superseded += [row for row in proposed if is_quiet or row not in same]
    if is_quiet:
        return
    kept = [row for row in same if row["state"] != _State.APPLIED]
    if kept:
        plan.refreshed += [
            {"refreshed_id": row["id"], **{name: values[name] for name in _REFRESHED}}
            for row in kept
            if row["state"] == _State.PROPOSED
        ]
        return
    plan.new.append((recommendation, values))


def _silences(row: Row, recommendation: Recommendation) -> bool:
    """Whether a standing suggestion keeps a new one away: an increase is not kept waiting by a soak."""
    if row["state"] == _State.APPLIED:
        return not recommendation.is_increase
    return row["state"] in _QUIET


def _refresh(connection: Connection, rows: Sequence[dict[str, Any]], names: tuple[str, ...]) -> None:
    if rows:
        statement = update(RECOMMENDATION).where(_R.id == bindparam("refreshed_id"))
        connection.execute(statement.values({name: bindparam(name) for name in names}), rows)


def _insert(connection: Connection, new: Sequence[tuple[Recommendation, dict[str, Any]]], step: Step) -> None:
    if not new:
        return
    ids = _free_ids(connection, [recommendation for recommendation, _ in new])
    rows = [
        {**values, "id": found, "state_since": step.at} for (_, values), found in zip(new, ids, strict=True)
    ]
    connection.execute(insert(RECOMMENDATION), rows)
    append_events(connection, [({**row, "agreed": None}, 1) for row in rows], _State.PROPOSED, step)


def _free_ids(connection: Connection, recommendations: Sequence[Recommendation]) -> list[str]:
    """Return the id of each new suggestion: it counts how often the same advice was proposed before."""
    ids = [suggestion_id(recommendation, 0) for recommendation in recommendations]
    open_positions = list(range(len(ids)))
    earlier_count = 0
    while open_positions:
        taken = _existing(connection, [ids[position] for position in open_positions])
        open_positions = [position for position in open_positions if ids[position] in taken]
        earlier_count += 1
        for position in open_positions:
            ids[position] = suggestion_id(recommendations[position], earlier_count)
    return ids


def _existing(connection: Connection, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for part in in_parts(ids):
        found.update(connection.execute(select(_R.id).where(_R.id.in_(part))).scalars())
    return found


def _snoozes_over(connection: Connection, run: RecommendationRun) -> list[Row]:
    statement = (
        select(*(_R[name] for name in _STANDING_COLUMNS))
        .where(
            _R.cluster.in_(run.clusters),
            _R.policy == run.policy,
            _R.state == _State.SNOOZED.value,
            _R.snoozed_until <= run.as_of,
        )
        .order_by(_R.id)
        .with_for_update()
    )
    return list(connection.execute(statement).mappings())


def _replace_silences(connection: Connection, run: RecommendationRun) -> None:
    columns = SILENCE.c
    connection.execute(delete(SILENCE).where(columns.cluster.in_(run.clusters), columns.policy == run.policy))
    rows = [silence_values(silence, run.teams.get(silence.key.workload)) for silence in run.silences]
    if rows:
        connection.execute(insert(SILENCE), rows)
