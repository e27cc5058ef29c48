"""What one container should request and be limited to, per resource, with the rails that bound."""

from __future__ import annotations

import math
from dataclasses import replace

from models.vocabulary.profile import WorkloadClass
from models.vocabulary.recommendation import SilenceReason
from recommender.advice_basis import ResourceAdvice, Wanted, find_cpu_wanted, find_memory_wanted, oom_floor
from recommender.advice_limits import advise_limit, limit_ceiling, protect_limit, request_for_ratio
from recommender.compression import next_ratio
from recommender.constraints_limit_range import LimitBounds, container_bounds
from recommender.guard_rails import CPU_GRANULE, MEMORY_GRANULE, Rails, is_within
from recommender.presets import PolicySettings, Preset
from recommender.risk import is_short_of_cpu, is_short_of_memory
from recommender.runtime_hints import heap_floor, lowers_memory
from recommender.subject import Subject, is_same

__all__ = ["ResourceAdvice", "advise_cpu", "advise_memory", "keep"]

SEVERELY_THROTTLED_RATIO = 0.25
"""Above this share of throttled periods a limit that is the request raises both (requirement R18)."""

_LARGEST_GROWTH = 0.5
_NO_BOUNDS = LimitBounds()


def advise_cpu(subject: Subject, preset: Preset, settings: PolicySettings) -> ResourceAdvice:
    """Advise CPU: what the risk class asks for, inside the guard rails."""
    profile, now = subject.profile, subject.current
    wanted = find_cpu_wanted(subject, preset)
    silent = _why_kept(subject, "cpu", wanted)
    if silent is not None or wanted is None:
        return keep(subject, "cpu", wanted, silent or SilenceReason.NO_USAGE_MEASURED)
    rails = Rails("cpu", CPU_GRANULE, wanted.value, is_short=is_short_of_cpu(subject, preset))
    throttled_ratio = profile.cpu_throttled_ratio_p95 or 0.0
    is_throttled = throttled_ratio > settings.throttled_ratio
    if subject.constraints.compresses_requests and not is_throttled and _compress(rails, subject):
        settings = replace(settings, hysteresis_ratio=0.0)  # compression has a dead band of its own
    _raise_cpu(rails, subject, settings, throttled_ratio)
    bounds = _bound(rails, subject, settings.cpu_floor_cores)
    kept = _restrain(
        rails, subject, settings, now.cpu_request_cores, preset.cpu_largest_cut_ratio, _why_not_less(subject)
    )
    ceiling = limit_ceiling(subject, "cpu_limit_cores", bounds)
    is_fixed = subject.constraints.compresses_requests and not subject.is_guaranteed
    limit = (
        now.cpu_limit_cores
        if is_fixed and now.cpu_limit_cores is not None and rails.value <= now.cpu_limit_cores
        else advise_limit(rails, now.cpu_limit_cores, now.cpu_request_cores, ceiling)
    )
    if not subject.is_guaranteed:
        raised = 1 + settings.throttled_raise_ratio if is_throttled else None
        limit = protect_limit(rails, limit, (now.cpu_limit_cores, _cpu_peak(subject), raised), ceiling)
    request_for_ratio(rails, limit, bounds.largest_ratio)
    return ResourceAdvice(rails.value, limit, wanted, tuple(rails.bound), kept)


def advise_memory(subject: Subject, preset: Preset, settings: PolicySettings) -> ResourceAdvice:
    """Advise memory: never below what it used in the last day, at start-up, or when it was killed."""
    now, constraints = subject.current, subject.constraints
    wanted = find_memory_wanted(subject, preset, settings)
    silent = _why_kept(subject, "memory", wanted)
    if silent is not None or wanted is None:
        return keep(subject, "memory", wanted, silent or SilenceReason.NO_USAGE_MEASURED)
    rails = Rails("memory", MEMORY_GRANULE, wanted.value, is_short=is_short_of_memory(subject, preset))
    rails.must_reach("oom_floor", oom_floor(subject, settings), "it was OOM-killed at that size")
    rails.at_least(
        "last_24_hours", subject.profile.memory_usage_bytes_max_24h, "it used that since yesterday"
    )
    rails.at_least("startup_peak", subject.profile.memory_startup_bytes_max, "it takes that to start")
    heap = heap_floor(constraints.runtime)
    if not preset.lowers_memory or not lowers_memory(constraints.runtime):
        rails.at_least("runtime_heap", now.memory_request_bytes, "the runtime sizes its heap at start")
    elif heap is not None and now.memory_request_bytes is not None:
        lowest = min(heap, now.memory_request_bytes)
        rails.at_least("runtime_heap", lowest, "the heap that is set, and what the runtime needs beside it")
    bounds = _bound(rails, subject, settings.memory_floor_bytes)
    why_not_less = _why_not_less(subject)
    if subject.profile.workload_class is WorkloadClass.LEAKING:
        why_not_less = SilenceReason.LEAKING_MEMORY
    cut = preset.memory_largest_cut_ratio
    kept = _restrain(rails, subject, settings, now.memory_request_bytes, cut, why_not_less)
    ceiling = limit_ceiling(subject, "memory_limit_bytes", bounds)
    limit = advise_limit(rails, now.memory_limit_bytes, now.memory_request_bytes, ceiling)
    limit = protect_limit(rails, limit, (now.memory_limit_bytes, heap, None), ceiling)
    request_for_ratio(rails, limit, bounds.largest_ratio)
    return ResourceAdvice(rails.value, limit, wanted, tuple(rails.bound), kept)


def keep(subject: Subject, resource: str, wanted: Wanted | None, why: SilenceReason) -> ResourceAdvice:
    """Return the values in force as the answer, with the reason."""
    now = subject.current
    if resource == "cpu":
        return ResourceAdvice(now.cpu_request_cores, now.cpu_limit_cores, wanted, (), why)
    return ResourceAdvice(now.memory_request_bytes, now.memory_limit_bytes, wanted, (), why)


def _why_kept(subject: Subject, resource: str, wanted: Wanted | None) -> SilenceReason | None:
    if subject.constraints.excludes(resource):
        return SilenceReason.EXCLUDED
    if wanted is None:
        return SilenceReason.NO_USAGE_MEASURED
    # a metric that is no resource has its kind before its name, as in external:http_cpu_time
    if resource in subject.profile.hpa_metrics and subject.constraints.scaler is None:
        return SilenceReason.SCALED_BY_HPA
    return None


def _why_not_less(subject: Subject) -> SilenceReason | None:
    if subject.constraints.calendar_peak is not None:
        return SilenceReason.CALENDAR_PEAK_NOT_SEEN
    return None


def _cpu_peak(subject: Subject) -> float | None:
    """Return the largest CPU a limit must leave room for: 1-minute where known, and at start-up."""
    profile = subject.profile
    peak = profile.cpu_usage_cores_max_1m
    if peak is None:
        peak = profile.cpu_usage_cores_max_5m
    startup = profile.cpu_startup_cores_max
    return startup if peak is None else peak if startup is None else max(peak, startup)


def _compress(rails: Rails, subject: Subject) -> bool:
    """Let the request follow use as a share of the limit instead (see `compression`); say whether it does."""
    now, basis = subject.current, subject.basis
    limit, request = now.cpu_limit_cores, now.cpu_request_cores
    p95 = subject.profile.cpu_usage_cores_p95_decayed
    if not limit or request is None or p95 is None:
        return False
    if subject.is_guaranteed and not subject.constraints.allows_qos_change:
        return False
    last_day = p95 if basis is None or basis.cpu_p95_last_day_cores is None else basis.cpu_p95_last_day_cores
    ratio = float(next_ratio(request / limit, p95, last_day, limit))
    because = f"request is {ratio:.0%} of the limit"
    target = ratio * limit
    rails.at_most("compression", target, because)
    rails.at_least("compression", target, because)
    rails.ceiling = math.inf
    return True


def _raise_cpu(rails: Rails, subject: Subject, settings: PolicySettings, throttled_ratio: float) -> None:
    profile, now = subject.profile, subject.current
    if profile.workload_class is WorkloadClass.GROWING and profile.cpu_trend_ratio_per_day:
        growth = min(profile.cpu_trend_ratio_per_day * settings.growth_days, _LARGEST_GROWTH)
        because = f"CPU grows; covers {settings.growth_days:.0f} days"
        rails.at_least("growth", rails.value * (1 + growth), because)
    if profile.key.workload.kind == "DaemonSet":
        rails.at_least(
            "daemonset_largest_pod", profile.cpu_usage_cores_p95_pod_max, "one value serves all its pods"
        )
    is_throttled = throttled_ratio > settings.throttled_ratio
    if is_throttled:
        rails.at_least("throttled", now.cpu_request_cores, "its limit throttles it: use is censored")
    limit = now.cpu_limit_cores
    if limit is None or not is_same(now.cpu_request_cores, limit):
        return
    # Request and limit are one number here, so the request itself must not throttle what was used before.
    if is_throttled and (subject.is_guaranteed or throttled_ratio > SEVERELY_THROTTLED_RATIO):
        raised = limit * (1 + settings.throttled_raise_ratio)
        rails.must_reach("throttled", raised, f"its limit throttles it in {throttled_ratio:.0%} of periods")
    peak = _cpu_peak(subject)
    if subject.is_guaranteed and peak is not None:
        rails.at_least("guaranteed_peak", min(limit, peak), "request is limit: covers the peak")


_BOUND_NAMES = {
    "cpu": (
        "cpu_request_cores",
        "cpu_limit_cores",
        "cpu_minimum_cores",
        "cpu_maximum_cores",
        "node_cpu_cores",
    ),
    "memory": (
        "memory_request_bytes",
        "memory_limit_bytes",
        "memory_minimum_bytes",
        "memory_maximum_bytes",
        "node_memory_bytes",
    ),
}


def _bound(rails: Rails, subject: Subject, smallest: float) -> LimitBounds:
    """Apply floors and ceilings from outside; none lowers a request in force by itself."""
    constraints, now = subject.constraints, subject.current
    request_name, limit_name, minimum, maximum, node = _BOUND_NAMES[rails.resource]
    current, limit = getattr(now, request_name) or 0.0, getattr(now, limit_name)
    rails.at_least("floor", smallest, f"smallest {rails.resource} request")
    rails.at_least("minimum", getattr(constraints, minimum), "set by its owner or the settings")
    _cap(rails, "maximum", getattr(constraints, maximum), current, "set by its owner or the settings")
    _cap(rails, "node_size", getattr(constraints, node), current, "the largest node it may run on")
    bounds = _NO_BOUNDS
    if constraints.limit_rules:
        bounds = container_bounds(constraints.limit_rules, rails.resource, now, constraints.siblings)
        because = "the namespace's LimitRange"
        rails.must_reach("limit_range_minimum", bounds.minimum, because)
        _cap(rails, "limit_range_maximum", bounds.maximum, current, because)
        if limit is None:
            _cap(rails, "limit_range_default", bounds.default_limit, current, "its default limit")
    if constraints.quota is not None:
        pods, surge = max(subject.profile.replica_count_mean, 1.0), constraints.surge_replicas
        room = constraints.quota.largest(request_name, current, pods, surge)
        _cap(rails, "resource_quota", room, current, "what the namespace's quota has left")
    return bounds


def _cap(rails: Rails, name: str, ceiling: float | None, current: float, because: str) -> None:
    if ceiling is not None:
        rails.at_most(name, max(ceiling, current), because)


def _restrain(
    rails: Rails,
    subject: Subject,
    settings: PolicySettings,
    current: float | None,
    largest_cut: float,
    why_not_less: SilenceReason | None,
) -> SilenceReason | None:
    """Hold back decreases that lack history or go too far, and changes too small to bother an owner."""
    rails.round_up()
    if current is None:
        return None
    if rails.value < current:
        if why_not_less is None and subject.profile.history_days < settings.minimum_history_days_decrease:
            why_not_less = SilenceReason.TOO_LITTLE_HISTORY
        if why_not_less is not None:
            rails.value = current
            return why_not_less
        rails.at_least("largest_cut", current * (1 - largest_cut), f"at most {largest_cut:.0%} less at once")
        rails.round_up()
    is_urgent = rails.needed > current or (rails.is_short and rails.value > current)
    if not is_urgent and is_within(settings.hysteresis_ratio, current, rails.value):
        rails.value = current
        return SilenceReason.WITHIN_HYSTERESIS
    return None
