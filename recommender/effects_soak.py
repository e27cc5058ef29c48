"""The soak of an applied suggestion: clean days, incidents, and what people undid (requirement R46)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from models.vocabulary.suggestion_life import EventReason, RecommendationState
from models.vocabulary.windows import HOUR
from recommender.effects import (
    FULL_SHARE,
    HOURS_PER_DAY,
    EffectRules,
    Finding,
    HourSeen,
    Watched,
    hours_complete,
    is_away,
    lowers,
    runs_with,
)

_State = RecommendationState
_DAY = HOURS_PER_DAY * HOUR


@dataclass(frozen=True)
class Baseline:
    """How the container was before: the worst day of restarts per pod, and throttling.

    Parameters
    ----------
    restarts_per_pod_day : float
        Highest of any day.
    throttled_ratio_p95 : float or None
        95th percentile of its hours; None where throttling was not measured.
    """

    restarts_per_pod_day: float
    throttled_ratio_p95: float | None


@dataclass
class _Soak:
    """One day (24 hours) of a soak that is being counted."""

    start: datetime
    clean_days: int = 0
    hours: list[HourSeen] = field(default_factory=list)


@dataclass(frozen=True)
class _Incident:
    """What went wrong in an hour; ``resource`` is the one whose cut can have caused it, or any."""

    reason: EventReason
    hour: datetime
    resource: str
    sentence: str
    numbers: dict[str, object]


def replay_soak(
    watched: Watched,
    hours: Sequence[HourSeen],
    complete_hours: Collection[datetime],
    rules: EffectRules,
    as_of: datetime,
) -> list[Finding]:
    """Return what happened to an applied suggestion, in order; the last finding may end its life.

    An incident of a resource that the suggestion lowered rolls it back. Any other incident restarts the
    soak: it did not come from the suggestion, but these were no clean days.

    Parameters
    ----------
    watched : Watched
        With ``applied_from``.
    hours : sequence of HourSeen
        Oldest first, from ``rules.baseline_days`` before ``applied_from``.
    complete_hours : collection of datetime
        Starts of hours that are stored completely; others make no clean day.
    rules : EffectRules
    as_of : datetime
    """
    start = watched.applied_from
    if start is None:
        raise ValueError("a soak begins with the hour from which the values were applied")
    before = find_baseline(hours, start, rules)
    by_hour = {seen.hour: seen for seen in hours if seen.hour >= start}
    found: list[Finding] = []
    soak = _Soak(start)
    moment = start
    while moment < as_of:
        seen = by_hour.get(moment)
        moment += HOUR
        if seen is not None:
            soak.hours.append(seen)
            if is_away(seen, watched.wanted):
                return [*found, _undone(watched, seen, start, rules)]
        incident = _find_incident(soak, moment, before, rules)
        if incident is not None:
            found.append(_judge_incident(watched, incident))
            if found[-1].state is not watched.state:
                return found
            soak = _Soak(moment)
        elif moment - soak.start == _DAY:
            _end_day(watched, soak, complete_hours)
            if soak.clean_days == rules.verification_days:
                return [*found, _verified(watched, by_hour, start, moment, rules)]
    return [*found, *_find_gone(watched, by_hour, start, rules, as_of)]


def find_baseline(hours: Sequence[HourSeen], start: datetime, rules: EffectRules) -> Baseline:
    """Return how the container was in the days before a change began."""
    first = start - rules.baseline_days * _DAY
    before = [seen for seen in hours if first <= seen.hour < start]
    days: dict[int, list[HourSeen]] = {}
    for seen in before:
        days.setdefault((start - seen.hour - HOUR) // _DAY, []).append(seen)
    worst = max((_restarts_per_pod(day) for day in days.values()), default=0.0)
    return Baseline(worst, _throttled_p95(before))


def _end_day(watched: Watched, soak: _Soak, complete_hours: Collection[datetime]) -> None:
    """Count a day that is over, and begin the next."""
    end = soak.start + _DAY
    # an hour that is stored completely and shows no pod had none: it is scaled down, or a job between runs
    is_full = all(seen.is_measured and seen.share_of(watched.wanted) >= FULL_SHARE for seen in soak.hours)
    if soak.hours and is_full and hours_complete(complete_hours, soak.start, end):
        soak.clean_days += 1
    soak.start, soak.hours = end, []


def _find_incident(soak: _Soak, moment: datetime, before: Baseline, rules: EffectRules) -> _Incident | None:
    if not soak.hours:
        return None
    newest = soak.hours[-1]
    if newest.hour + HOUR == moment and newest.oom_killed_count:
        kills = newest.oom_killed_count
        sentence = f"{kills} OOM kill{'s' if kills > 1 else ''} in the hour of {newest.hour:%Y-%m-%d %H:%M}Z"
        return _Incident(EventReason.OOM_KILLED, newest.hour, "memory", sentence, {"oom_killed_count": kills})
    restarts = _restarts_per_pod(soak.hours)
    if newest.hour + HOUR == moment and newest.restart_count and restarts > before.restarts_per_pod_day:
        was = before.restarts_per_pod_day
        sentence = f"{restarts:.2g} restarts per pod in a day, at most {was:.2g} before"
        numbers: dict[str, object] = {
            "restarts_per_pod": restarts,
            "restarts_per_pod_before": was,
        }
        return _Incident(EventReason.RESTARTED, newest.hour, "any", sentence, numbers)
    if moment - soak.start == _DAY:
        return _find_throttling(soak, before, rules)
    return None


def _find_throttling(soak: _Soak, before: Baseline, rules: EffectRules) -> _Incident | None:
    now = _throttled_p95(soak.hours)
    was = before.throttled_ratio_p95 or 0.0
    if now is None or now <= max(was, rules.throttled_ratio):
        return None
    sentence = f"throttled in {now:.0%} of its periods (p95 of a day's hours), {was:.0%} before"
    numbers: dict[str, object] = {"throttled_ratio_p95": now, "throttled_ratio_p95_before": was}
    return _Incident(EventReason.THROTTLED, soak.hours[-1].hour, "cpu", sentence, numbers)


def _judge_incident(watched: Watched, incident: _Incident) -> Finding:
    resources = ("cpu", "memory") if incident.resource == "any" else (incident.resource,)
    is_caused = any(lowers(watched, resource) for resource in resources)
    numbers = {"hour": incident.hour.isoformat(), **incident.numbers}
    if is_caused:
        return Finding(
            _State.ROLLED_BACK,
            incident.hour + HOUR,
            incident.reason,
            f"{incident.sentence}: the old values are ready to be put back",
            numbers,
            in_force=watched.wanted,
        )
    return Finding(
        watched.state,
        incident.hour + HOUR,
        EventReason.SOAK_RESTARTED,
        f"{incident.sentence}; nothing was lowered that could cause it, the clean days begin again",
        {**numbers, "incident": incident.reason.value},
    )


def _undone(watched: Watched, seen: HourSeen, start: datetime, rules: EffectRules) -> Finding:
    values = seen.values
    hours_in_force = (seen.hour - start) / HOUR
    numbers: dict[str, object] = {"hour": seen.hour.isoformat(), "hours_in_force": hours_in_force}
    end = seen.hour + HOUR
    if any(runs_with(values, newer) for newer in watched.newer):
        sentence = "a newer suggestion for it is in force"
        reason = EventReason.NEWER_SUGGESTION
        return Finding(_State.SUPERSEDED, end, reason, sentence, numbers, in_force=values)
    is_put_back = runs_with(values, watched.old)
    reason = EventReason.PUT_BACK if is_put_back else EventReason.CHANGED_AGAIN
    what = "went back to what they were" if is_put_back else "were changed again"
    if hours_in_force <= rules.overwritten_hours:
        sentence = f"the values {what} within {hours_in_force:.0f} hours"
        return Finding(_State.OVERWRITTEN, end, reason, sentence, numbers, in_force=values)
    sentence = f"the values {what} after {hours_in_force / HOURS_PER_DAY:.0f} days"
    state = _State.ROLLED_BACK if is_put_back else _State.SUPERSEDED
    return Finding(state, end, reason, sentence, numbers, in_force=values)


def _verified(
    watched: Watched, by_hour: dict[datetime, HourSeen], start: datetime, end: datetime, rules: EffectRules
) -> Finding:
    soak = [seen for hour, seen in by_hour.items() if start <= hour < end]
    # hours without a pod (a job that does not run) count with none
    replicas = sum(seen.running_seconds for seen in soak) / ((end - start) / HOUR) / HOUR.total_seconds()
    numbers: dict[str, object] = {
        "clean_days": rules.verification_days,
        "soak_start": start.isoformat(),
        "replica_count_mean": replicas,
    }
    return Finding(
        _State.VERIFIED,
        end,
        None,
        f"{rules.verification_days} clean days",
        numbers,
        in_force=soak[-1].values if soak else watched.wanted,
        replica_count_mean=replicas,
    )


def _find_gone(
    watched: Watched,
    by_hour: dict[datetime, HourSeen],
    start: datetime,
    rules: EffectRules,
    as_of: datetime,
) -> list[Finding]:
    newest = max(by_hour, default=start)
    days = (as_of - newest) / _DAY
    if days < rules.gone_days:
        return []
    sentence = f"its container was not seen for {days:.0f} days"
    return [Finding(_State.EXPIRED, as_of, EventReason.GONE, sentence, {"days": days})]


def _restarts_per_pod(hours: Sequence[HourSeen]) -> float:
    pods = max((seen.pod_count for seen in hours), default=1)
    return sum(seen.restart_count for seen in hours) / max(pods, 1)


def _throttled_p95(hours: Sequence[HourSeen]) -> float | None:
    measured = [seen.throttled_ratio for seen in hours if seen.throttled_ratio is not None]
    return float(np.percentile(measured, 95)) if measured else None
