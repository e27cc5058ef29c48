"""What the cluster shows of suggestions: applied ones are seen, never asserted by a click."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from models.vocabulary.identity import ContainerKey, Principal, Role
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import DAY, HOUR, HourWindow, floor_hour, to_utc
from recommender.effects import (
    EffectRules,
    Finding,
    HourSeen,
    Watched,
    find_application,
    find_waiting,
    runs_with,
)
from recommender.effects_soak import replay_soak
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.effect_steps import StepWriter
from service.usecases.risk_classes import policy_settings
from warehouse.database.recommendation_rows import StoredRecommendation
from warehouse.observed import WindowState
from warehouse.reads.effect_hours import EffectReads, PodsOfHour

MACHINE = Principal("millicore", frozenset({Role.PLATFORM}))
"""Who is named when the cluster itself shows what became of a suggestion."""

_State = RecommendationState
_PROPOSAL_HOURS = 48
"""A proposal is somebody's own change if the newest hours show it; older ones were looked at before."""

_LONGEST_DAYS = 35


@dataclass(frozen=True)
class EffectRun:
    """What one look at a cluster found.

    Parameters
    ----------
    moved : mapping of RecommendationState to int
        Suggestions that came into each state.
    noted_count : int
        Events without a move: partial roll-outs, warnings, reminders, soaks that began again.
    """

    moved: Mapping[RecommendationState, int] = field(default_factory=dict)
    noted_count: int = 0

    @property
    def applied_count(self) -> int:
        """Suggestions that the cluster was first seen to run with."""
        return self.moved.get(_State.APPLIED, 0)


def observe_effects(
    runtime: Runtime, cluster: str, as_of: datetime, progress: Progress | None = None
) -> EffectRun:
    """Find in stored hours what became of suggestions, and record it; twice changes nothing.

    Proposed and accepted ones that all pods run with are applied; applied ones are verified after clean
    days, rolled back after an incident, overwritten or superseded when people changed them; accepted ones
    are reminded of and expire.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    as_of : datetime
        Only hours that end by then are read.
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of))
    rules = effect_rules(runtime)
    stored = _find_watched(runtime, cluster, moment)
    if not stored:
        return EffectRun()
    window = HourWindow(_first_hour(stored, rules, moment), moment)
    hours = _read_hours(runtime, cluster, stored, window)
    complete = _complete_hours(runtime, cluster, window)
    writer = StepWriter(runtime, cluster, stored)
    shown = tracked(progress or SilentProgress(), stored, f"{cluster}: looking for effects", len(stored))
    for one in shown:
        seen = hours.get(one.recommendation.key, [])
        for finding in judge_effects(_watched(one, stored), seen, complete, rules, moment):
            writer.add(one, finding)
    recorded = writer.record()
    moved = Counter(step.state for step in recorded if step.is_move)
    return EffectRun(dict(moved), sum(not step.is_move for step in recorded))


def judge_effects(
    watched: Watched,
    hours: Sequence[HourSeen],
    complete: frozenset[datetime],
    rules: EffectRules,
    as_of: datetime,
) -> list[Finding]:
    """Return everything that the hours show of one suggestion, in order."""
    found: list[Finding] = []
    if watched.state is not _State.APPLIED:
        applied = find_application(watched, hours)
        if applied is None:
            is_accepted = watched.state is _State.ACCEPTED
            return find_waiting(watched, hours, rules, as_of) if is_accepted else []
        found.append(applied)
        watched = replace(watched, state=_State.APPLIED, applied_from=applied.applied_from)
    return [*found, *replay_soak(watched, hours, complete, rules, as_of)]


def effect_rules(runtime: Runtime) -> EffectRules:
    """Return the rules from the settings of the process."""
    settings = runtime.settings
    return EffectRules(
        verification_days=settings.verification_days,
        throttled_ratio=policy_settings(runtime).throttled_ratio,
        reminder_days=settings.accepted_reminder_days,
        expiry_days=settings.accepted_expiry_days,
    )


def _find_watched(runtime: Runtime, cluster: str, as_of: datetime) -> list[StoredRecommendation]:
    repository = runtime.warehouse.suggestion_effects
    standing = repository.in_states(cluster, {_State.ACCEPTED, _State.APPLIED})
    found = [*standing, *repository.get_all(_find_applied_by_hand(runtime, cluster, as_of))]
    # a run for a past time knows nothing of what was decided later
    return [one for one in found if (one.state_since or one.recommendation.as_of) <= as_of]


def _find_applied_by_hand(runtime: Runtime, cluster: str, as_of: datetime) -> list[str]:
    """Return the ids of proposals whose values some pod runs with, without reading hour by hour."""
    proposals = runtime.warehouse.suggestion_effects.open_values(cluster)
    if not proposals:
        return []
    window = HourWindow(as_of - _PROPOSAL_HOURS * HOUR, as_of)
    in_force = EffectReads(runtime.warehouse.lake, cluster).values_in_force(window)
    return [
        proposal.id
        for proposal in proposals
        if any(
            newest >= proposal.since and runs_with(values, proposal.advised)
            for values, newest in in_force.get(proposal.key, ())
        )
    ]


def _watched(one: StoredRecommendation, every: Iterable[StoredRecommendation]) -> Watched:
    advice = one.recommendation
    since = one.state_since or advice.as_of
    newer = tuple(
        other.wanted
        for other in every
        if other.id != one.id
        and other.recommendation.key == advice.key
        and (other.state_since or other.recommendation.as_of) >= since
    )
    applied_from = floor_hour(one.applied_from or since) if one.state is _State.APPLIED else None
    return Watched(one.id, one.state, since, advice.current, one.wanted, applied_from, newer)


def _first_hour(stored: Sequence[StoredRecommendation], rules: EffectRules, as_of: datetime) -> datetime:
    """Return where reading begins: the baseline before the oldest change, within reason."""
    starts = [one.applied_from or one.state_since or one.recommendation.as_of for one in stored]
    wanted = floor_hour(min(starts)) - rules.baseline_days * DAY
    return max(wanted, as_of - timedelta(days=_LONGEST_DAYS + rules.baseline_days))


def _read_hours(
    runtime: Runtime, cluster: str, stored: Sequence[StoredRecommendation], window: HourWindow
) -> dict[ContainerKey, list[HourSeen]]:
    keys = {one.recommendation.key for one in stored}
    found = EffectReads(runtime.warehouse.lake, cluster).hours(keys, window)
    return {
        key: [_joined(hour, list(pods)) for hour, pods in groupby(rows, key=lambda pod: pod.hour)]
        for key, rows in found.items()
    }


def _joined(hour: datetime, pods: Sequence[PodsOfHour]) -> HourSeen:
    return HourSeen(
        hour=hour,
        shares=tuple((pod.values, pod.running_seconds) for pod in pods),
        pod_count=sum(pod.pod_count for pod in pods),
        oom_killed_count=sum(pod.oom_killed_count for pod in pods),
        restart_count=sum(pod.restart_count for pod in pods),
        throttled_ratio=_highest(pod.throttled_ratio for pod in pods),
        memory_usage_bytes_max=_highest(pod.memory_usage_bytes_max for pod in pods),
        is_measured=all(pod.is_measured for pod in pods),
    )


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _complete_hours(runtime: Runtime, cluster: str, window: HourWindow) -> frozenset[datetime]:
    rows: Sequence[Any] = runtime.warehouse.ledger.rows(cluster, window)
    return frozenset(row.hour for row in rows if row.state is WindowState.COMPLETE)
