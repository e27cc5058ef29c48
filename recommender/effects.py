"""What stored hours show of a suggestion: applied, partly applied, in its soak, verified, undone.

A pure replay of hours in order, so that a run after three days of silence finds the same moments as hourly
runs would have. Nothing here depends on when it is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import EventReason, RecommendationState
from models.vocabulary.windows import HOUR
from recommender.guard_rails import CPU_GRANULE, MEMORY_GRANULE

HOURS_PER_DAY = 24
FULL_SHARE = 0.999
"""Share of running seconds from which all pods count as running with the wanted values."""

_NO_SHARE = 0.001


@dataclass(frozen=True)
class EffectRules:
    """When an effect counts.

    Parameters
    ----------
    verification_days : int
        Clean days (24 hours each) until the saving is verified.
    overwritten_hours : int
        A change that is undone within so many hours is overwritten.
    throttled_ratio : float
        Throttling below it is no incident.
    reminder_days, expiry_days : float
        When an acceptance that nobody applied is reminded of, and when it expires.
    gone_days : float
        An applied suggestion whose container was not seen so long expires.
    baseline_days : int
        Days before the change that restarts and throttling are compared with.
    """

    verification_days: int = 7
    overwritten_hours: int = 24
    throttled_ratio: float = 0.1
    reminder_days: float = 7.0
    expiry_days: float = 30.0
    gone_days: float = 14.0
    baseline_days: int = 7


@dataclass(frozen=True)
class HourSeen:
    """One stored hour of one container over all its pods.

    Parameters
    ----------
    hour : datetime
        Its start.
    shares : tuple of (ResourceValues, float)
        Requests and limits that pods ran with, and their running seconds.
    pod_count : int
    oom_killed_count, restart_count : int
    throttled_ratio : float or None
        Highest of any pod.
    memory_usage_bytes_max : float or None
        Highest of any pod.
    is_measured : bool
        At least half of its samples are there.
    """

    hour: datetime
    shares: tuple[tuple[ResourceValues, float], ...]
    pod_count: int = 1
    oom_killed_count: int = 0
    restart_count: int = 0
    throttled_ratio: float | None = None
    memory_usage_bytes_max: float | None = None
    is_measured: bool = True

    @property
    def running_seconds(self) -> float:
        """Running seconds of all pods."""
        return sum(seconds for _, seconds in self.shares)

    def share_of(self, wanted: ResourceValues) -> float:
        """Return the share of running seconds with the wanted values, 0 to 1."""
        total = self.running_seconds
        if total <= 0:
            return 0.0
        return sum(seconds for values, seconds in self.shares if runs_with(values, wanted)) / total

    @property
    def values(self) -> ResourceValues:
        """The values of most running seconds."""
        return max(self.shares, key=lambda one: one[1])[0]


@dataclass(frozen=True)
class Watched:
    """A suggestion whose effects are looked for.

    Parameters
    ----------
    id : str
    state : RecommendationState
        Proposed, accepted or applied.
    since : datetime
        When it came into its state; hours that began before prove nothing.
    old, wanted : ResourceValues
    applied_from : datetime or None
        First hour with the wanted values, of an applied one.
    newer : tuple of ResourceValues
        Wanted values of younger suggestions for the same container.
    """

    id: str
    state: RecommendationState
    since: datetime
    old: ResourceValues
    wanted: ResourceValues
    applied_from: datetime | None = None
    newer: tuple[ResourceValues, ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something that the hours showed.

    Parameters
    ----------
    state : RecommendationState
        State to move to; the present one for a report without a move.
    at : datetime
        End of the hour that showed it.
    reason : EventReason or None
    sentence : str
    numbers : dict
        JSON values: the evidence.
    applied_from : datetime or None
    in_force : ResourceValues or None
        What the container ran with then.
    replica_count_mean : float or None
        Mean pods per hour of the soak, of a verified one.
    """

    state: RecommendationState
    at: datetime
    reason: EventReason | None
    sentence: str
    numbers: dict[str, object] = field(default_factory=dict)
    applied_from: datetime | None = None
    in_force: ResourceValues | None = None
    replica_count_mean: float | None = None


def runs_with(seen: ResourceValues, wanted: ResourceValues) -> bool:
    """Whether a pod runs with the wanted values, up to the rounding of a patch.

    Patches carry whole millicores and MiB, rounded up, so less than one of them apart is the same. A limit
    without a request is the request too, as in Kubernetes.
    """
    pairs = (
        (_request(seen, "cpu"), _request(wanted, "cpu"), CPU_GRANULE),
        (seen.cpu_limit_cores, wanted.cpu_limit_cores, CPU_GRANULE),
        (_request(seen, "memory"), _request(wanted, "memory"), MEMORY_GRANULE),
        (seen.memory_limit_bytes, wanted.memory_limit_bytes, MEMORY_GRANULE),
    )
    return all(_is_near(one, other, granule) for one, other, granule in pairs)


def find_application(watched: Watched, hours: Sequence[HourSeen]) -> Finding | None:
    """Return when all pods first ran with the wanted values, None while they do not.

    Parameters
    ----------
    watched : Watched
        Proposed or accepted.
    hours : sequence of HourSeen
        Oldest first.
    """
    for seen in hours:
        if seen.hour < watched.since or seen.share_of(watched.wanted) < FULL_SHARE:
            continue
        return Finding(
            RecommendationState.APPLIED,
            seen.hour + HOUR,
            None,
            "the cluster runs with the wanted values",
            {"hour": seen.hour.isoformat(), "pod_count": seen.pod_count, "share_ratio": 1.0},
            applied_from=seen.hour,
            in_force=seen.values,
        )
    return None


def find_waiting(
    watched: Watched, hours: Sequence[HourSeen], rules: EffectRules, as_of: datetime
) -> list[Finding]:
    """Return what is to be said of an accepted suggestion that does not run yet.

    It was applied to some pods; it became dangerous; nobody applied it for long; it expires.
    """
    since = [seen for seen in hours if seen.hour >= watched.since]
    found = [*_find_partial(watched, since), *_find_danger(watched, since)]
    waited_days = (as_of - watched.since) / (HOURS_PER_DAY * HOUR)
    if waited_days >= rules.expiry_days:
        sentence = f"accepted, but not applied for {waited_days:.0f} days"
        expired = RecommendationState.EXPIRED
        found.append(Finding(expired, as_of, EventReason.NOT_APPLIED, sentence, {"days": waited_days}))
    elif waited_days >= rules.reminder_days:
        left = rules.expiry_days - waited_days
        sentence = f"accepted {waited_days:.0f} days ago and not applied; expires in {left:.0f} days"
        found.append(Finding(watched.state, as_of, EventReason.REMINDED, sentence, {"days": waited_days}))
    return found


def lowers(watched: Watched, resource: str) -> bool:
    """Whether the suggestion lowers a request or limit of ``cpu`` or ``memory``, or sets a new limit."""
    names = ("cpu_request_cores", "cpu_limit_cores")
    if resource == "memory":
        names = ("memory_request_bytes", "memory_limit_bytes")
    request, limit = ((getattr(watched.old, name), getattr(watched.wanted, name)) for name in names)
    is_limit_new = limit[0] is None and limit[1] is not None
    return is_limit_new or any(
        old is not None and new is not None and new < old for old, new in (request, limit)
    )


def hours_complete(hours: Collection[datetime], start: datetime, end: datetime) -> bool:
    """Whether every hour of ``[start, end)`` is stored completely."""
    moment = start
    while moment < end:
        if moment not in hours:
            return False
        moment += HOUR
    return True


def is_away(seen: HourSeen, wanted: ResourceValues) -> bool:
    """Whether no pod runs with the wanted values any more."""
    return seen.share_of(wanted) <= _NO_SHARE


def _find_partial(watched: Watched, hours: Sequence[HourSeen]) -> list[Finding]:
    if not hours:
        return []
    newest = hours[-1]
    share = newest.share_of(watched.wanted)
    if not _NO_SHARE < share < FULL_SHARE:
        return []
    sentence = f"{share:.0%} of its running time is with the wanted values"
    numbers: dict[str, object] = {
        "hour": newest.hour.isoformat(),
        "share_ratio": round(share, 2),
        "pod_count": newest.pod_count,
    }
    reason = EventReason.PARTIALLY_APPLIED
    return [Finding(watched.state, newest.hour + HOUR, reason, sentence, numbers)]


def _find_danger(watched: Watched, hours: Sequence[HourSeen]) -> list[Finding]:
    limit = watched.wanted.memory_limit_bytes
    killed = next((seen for seen in hours if seen.oom_killed_count), None)
    if killed is not None and lowers_or_keeps_memory(watched):
        sentence = "it was OOM-killed since this was accepted: look at it again before it is applied"
        return [_danger(watched, killed, sentence, {"oom_killed_count": killed.oom_killed_count})]
    over = next(
        (seen for seen in hours if limit is not None and (seen.memory_usage_bytes_max or 0) > limit), None
    )
    if over is not None:
        sentence = "it used more memory since this was accepted than the new limit allows"
        numbers: dict[str, object] = {
            "memory_usage_bytes_max": over.memory_usage_bytes_max,
            "memory_limit_bytes": limit,
        }
        return [_danger(watched, over, sentence, numbers)]
    return []


def lowers_or_keeps_memory(watched: Watched) -> bool:
    """Whether the suggestion gives no more memory than the container has."""
    old, new = watched.old.memory_limit_bytes, watched.wanted.memory_limit_bytes
    return new is not None and (old is None or new <= old)


def _danger(watched: Watched, seen: HourSeen, sentence: str, numbers: dict[str, object]) -> Finding:
    evidence = {"hour": seen.hour.isoformat(), **numbers}
    return Finding(watched.state, seen.hour + HOUR, EventReason.DANGEROUS, sentence, evidence)


def _request(values: ResourceValues, resource: str) -> float | None:
    if resource == "cpu":
        return values.cpu_limit_cores if values.cpu_request_cores is None else values.cpu_request_cores
    return values.memory_limit_bytes if values.memory_request_bytes is None else values.memory_request_bytes


def _is_near(one: float | None, other: float | None, granule: float) -> bool:
    if one is None or other is None:
        return one is other
    # sums of seconds differ in the last digits, hence the millionth
    return abs(one - other) < granule * (1 - 1e-6)
