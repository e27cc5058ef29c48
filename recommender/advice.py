"""What one container should request and be limited to, per resource, with the rails that bound."""

from __future__ import annotations

from dataclasses import dataclass

from models.profiles.buckets import CPU_BUCKETS
from models.profiles.histogram import read_percentiles
from models.vocabulary.profile import WorkloadClass
from models.vocabulary.recommendation import GuardRail, SilenceReason
from recommender.guard_rails import CPU_GRANULE, MEMORY_GRANULE, Rails, is_within, proportional_limit
from recommender.presets import PolicySettings, Preset
from recommender.subject import Subject, is_same

_CALENDAR = frozenset({WorkloadClass.DAILY, WorkloadClass.WEEKLY, WorkloadClass.BATCH, WorkloadClass.BURSTY})
_LARGEST_GROWTH = 0.5


@dataclass(frozen=True)
class ResourceAdvice:
    """Advised request and limit of one resource.

    ``basis`` is the statistic before headroom and rails, None when nothing was measured; ``kept`` says why
    a request stays as it is.
    """

    request: float | None
    limit: float | None
    basis: float | None
    rails: tuple[GuardRail, ...] = ()
    kept: SilenceReason | None = None


def advise_cpu(subject: Subject, preset: Preset, settings: PolicySettings) -> ResourceAdvice:
    """Advise CPU: a percentile of 5-minute samples with headroom, inside the guard rails."""
    profile, now = subject.profile, subject.current
    basis = find_cpu_basis(subject, preset)
    if basis is None:
        return _keep(subject, "cpu", None, SilenceReason.NO_USAGE_MEASURED)
    if any("cpu" in metric for metric in profile.hpa_metrics):
        return _keep(subject, "cpu", basis, SilenceReason.SCALED_BY_HPA)
    rails = Rails("cpu", CPU_GRANULE, basis * (1 + preset.cpu_headroom_ratio))
    throttled = _is_throttled(subject, settings)
    _cover_growth(rails, subject, settings)
    peak = profile.cpu_usage_cores_max_1m or profile.cpu_usage_cores_max_5m
    if throttled:
        rails.at_least("throttled", now.cpu_request_cores, "its limit throttles it: use is censored")
    if subject.is_guaranteed:
        _cover_guaranteed_cpu(rails, subject, settings, peak, throttled=throttled)
    constraints = subject.constraints
    rails.at_least("floor", settings.cpu_floor_cores, "smallest CPU request")
    rails.must_reach("limit_range_minimum", constraints.cpu_minimum_cores, "the namespace's LimitRange")
    _cap(rails, now.cpu_request_cores, constraints.cpu_maximum_cores, constraints.node_cpu_cores)
    kept = _restrain(
        rails, subject, settings, now.cpu_request_cores, preset.cpu_largest_cut_ratio, is_allowed=True
    )
    limit = _limit_for(rails, now.cpu_limit_cores, now.cpu_request_cores, constraints.cpu_maximum_cores)
    if not subject.is_guaranteed:
        raised = 1 + settings.throttled_raise_ratio if throttled else None
        limit = _protect_limit(rails, limit, now.cpu_limit_cores, peak, raised)
    return ResourceAdvice(rails.value, limit, basis, tuple(rails.bound), kept)


def advise_memory(subject: Subject, preset: Preset, settings: PolicySettings) -> ResourceAdvice:
    """Advise memory: the maximum of the window with headroom, never a percentile, inside the guard rails."""
    profile, now = subject.profile, subject.current
    basis = find_memory_basis(subject)
    if basis is None:
        return _keep(subject, "memory", None, SilenceReason.NO_USAGE_MEASURED)
    if any("memory" in metric for metric in profile.hpa_metrics):
        return _keep(subject, "memory", basis, SilenceReason.SCALED_BY_HPA)
    rails = Rails("memory", MEMORY_GRANULE, basis * (1 + preset.memory_headroom_ratio))
    rails.must_reach("oom_floor", oom_floor(subject, settings), "it was OOM-killed at that size")
    is_leaking = profile.workload_class is WorkloadClass.LEAKING
    if not preset.lowers_memory:
        rails.at_least("runtime_heap", now.memory_request_bytes, "the runtime takes its heap at start")
    constraints = subject.constraints
    rails.at_least("floor", settings.memory_floor_bytes, "smallest memory request")
    rails.must_reach("limit_range_minimum", constraints.memory_minimum_bytes, "the namespace's LimitRange")
    _cap(rails, now.memory_request_bytes, constraints.memory_maximum_bytes, constraints.node_memory_bytes)
    kept = _restrain(
        rails,
        subject,
        settings,
        now.memory_request_bytes,
        preset.memory_largest_cut_ratio,
        is_allowed=not is_leaking,
    )
    limit = _limit_for(
        rails, now.memory_limit_bytes, now.memory_request_bytes, constraints.memory_maximum_bytes
    )
    return ResourceAdvice(rails.value, limit, basis, tuple(rails.bound), kept)


def find_cpu_basis(subject: Subject, preset: Preset) -> float | None:
    """Return the CPU percentile before headroom, cores.

    The decayed percentile; where use follows the calendar or comes in bursts, at least the one without
    decay, so that a quiet weekend does not hide Monday.
    """
    evidence = subject.evidence
    rows = [evidence.cpu_counts_decayed]
    if subject.profile.workload_class in _CALENDAR:
        rows.append(evidence.cpu_counts)
    found = [
        float(read_percentiles(row[None, :], [preset.cpu_percentile], CPU_BUCKETS)[0, 0])
        for row in rows
        if row.any()
    ]
    return max(found) if found else None


def find_memory_basis(subject: Subject) -> float | None:
    """Return the largest memory of the window, of the last 24 hours and of start-up, bytes."""
    profile = subject.profile
    known = [
        value
        for value in (
            profile.memory_usage_bytes_max,
            profile.memory_usage_bytes_max_24h,
            profile.memory_startup_bytes_max,
        )
        if value is not None
    ]
    return max(known) if known else None


def oom_floor(subject: Subject, settings: PolicySettings) -> float | None:
    """Return ``max(1.2 m, m + 100 MiB)`` with ``m`` the memory at an OOM kill; None without a kill.

    ``m`` is the larger of use and limit in the hour of the kill, not the limit now, so that the floor does
    not climb with every suggestion it causes.
    """
    profile = subject.profile
    if profile.oom_killed_count <= 0:
        return None
    at_kill = profile.memory_oom_bytes_max or find_memory_basis(subject)
    if at_kill is None:
        return None
    return max(at_kill * (1 + settings.oom_raise_ratio), at_kill + settings.oom_raise_bytes)


def _is_throttled(subject: Subject, settings: PolicySettings) -> bool:
    ratio = subject.profile.cpu_throttled_ratio_p95
    return ratio is not None and ratio > settings.throttled_ratio


def _cover_growth(rails: Rails, subject: Subject, settings: PolicySettings) -> None:
    profile = subject.profile
    if profile.workload_class is WorkloadClass.GROWING and profile.cpu_trend_ratio_per_day:
        growth = min(profile.cpu_trend_ratio_per_day * settings.growth_days, _LARGEST_GROWTH)
        rails.at_least(
            "growth", rails.value * (1 + growth), f"CPU grows; covers {settings.growth_days:.0f} days"
        )


def _cover_guaranteed_cpu(
    rails: Rails, subject: Subject, settings: PolicySettings, peak: float | None, *, throttled: bool
) -> None:
    """Request is limit in class Guaranteed, so the request itself must not throttle what was used before."""
    limit = subject.current.cpu_limit_cores
    assert limit is not None
    if throttled:
        raised = limit * (1 + settings.throttled_raise_ratio)
        rails.must_reach("throttled", raised, "its limit throttles it")
    if peak is not None:
        rails.at_least("guaranteed_peak", min(limit, peak), "request is limit: covers the peak")


def _cap(rails: Rails, current: float | None, *ceilings: float | None) -> None:
    """Apply ceilings, but never so that a request in force is lowered because of one."""
    for ceiling in ceilings:
        if ceiling is not None:
            rails.at_most("ceiling", max(ceiling, current or 0.0), "LimitRange or largest node")


def _restrain(
    rails: Rails,
    subject: Subject,
    settings: PolicySettings,
    current: float | None,
    largest_cut: float,
    *,
    is_allowed: bool,
) -> SilenceReason | None:
    """Hold back decreases that lack history or go too far, and changes too small to bother an owner."""
    rails.round_up()
    if current is None:
        return None
    if rails.value < current:
        if not is_allowed:
            rails.value = current
            return SilenceReason.LEAKING_MEMORY
        if subject.profile.history_days < settings.minimum_history_days_decrease:
            rails.value = current
            return SilenceReason.TOO_LITTLE_HISTORY
        rails.at_least("largest_cut", current * (1 - largest_cut), f"at most {largest_cut:.0%} less at once")
        rails.round_up()
    if rails.needed <= current and is_within(settings.hysteresis_ratio, current, rails.value):
        rails.value = current
        return SilenceReason.WITHIN_HYSTERESIS
    return None


def _limit_for(
    rails: Rails, limit: float | None, request: float | None, ceiling: float | None
) -> float | None:
    """Return the limit that keeps the ratio, on the granule, and apart from the request if it was apart."""
    if limit is None or is_same(rails.value, request):
        return limit
    if is_same(limit, request):
        return rails.value
    scaled = proportional_limit(limit, request, rails.value)
    assert scaled is not None
    rounded = Rails(rails.resource, rails.granule, scaled)
    rounded.round_up()
    if ceiling is not None:
        rounded.value = min(rounded.value, max(ceiling, limit))
    return max(rounded.value, rails.value + rails.granule)


def _protect_limit(
    rails: Rails, limit: float | None, current: float | None, peak: float | None, raised: float | None
) -> float | None:
    """Keep a CPU limit above what was used, and raise it where it throttled."""
    if limit is None or current is None:
        return limit
    protected = Rails(rails.resource, rails.granule, limit)
    if peak is not None:
        protected.at_least("limit_above_peak", min(current, peak), "the limit stays above the peak")
    if raised is not None:
        protected.at_least("throttled", current * raised, "its limit throttles it")
    if protected.bound:
        protected.round_up()
        rails.bound.extend(protected.bound)
    return protected.value


def _keep(subject: Subject, resource: str, basis: float | None, why: SilenceReason) -> ResourceAdvice:
    now = subject.current
    if resource == "cpu":
        return ResourceAdvice(now.cpu_request_cores, now.cpu_limit_cores, basis, (), why)
    return ResourceAdvice(now.memory_request_bytes, now.memory_limit_bytes, basis, (), why)
