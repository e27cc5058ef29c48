"""Limits beside an advised request: in proportion, above the peaks, within what the namespace allows."""

from __future__ import annotations

from recommender.constraints_limit_range import LimitBounds
from recommender.guard_rails import Rails, proportional_limit, round_up
from recommender.subject import Subject, is_same


def limit_ceiling(subject: Subject, name: str, bounds: LimitBounds) -> float | None:
    """Return the largest limit that LimitRange and quota allow, never below the one in force."""
    constraints, current = subject.constraints, getattr(subject.current, name)
    ceilings = [] if bounds.maximum is None else [bounds.maximum]
    if constraints.quota is not None and current is not None:
        pods = max(subject.profile.replica_count_mean, 1.0)
        room = constraints.quota.largest(name, current, pods, constraints.surge_replicas)
        ceilings += [] if room is None else [room]
    return max(min(ceilings), current or 0.0) if ceilings else None


def advise_limit(
    rails: Rails, limit: float | None, request: float | None, ceiling: float | None
) -> float | None:
    """Return the limit that keeps the ratio, on the granule, and apart from the request if it was apart."""
    if limit is None:
        return None
    if ceiling is not None and rails.value > ceiling:
        # A request cannot pass a limit that may not rise.
        rails.at_most("limit_ceiling", ceiling, "its limit may not rise further")
        rails.round_up()
    if is_same(rails.value, request):
        return limit
    if is_same(limit, request):
        return rails.value
    scaled = proportional_limit(limit, request, rails.value)
    assert scaled is not None
    rounded = Rails(rails.resource, rails.granule, scaled)
    if ceiling is not None:
        rounded.at_most("limit_ceiling", ceiling, "")
    rounded.round_up()
    if ceiling is not None and rails.value + rails.granule > ceiling:
        return max(rounded.value, rails.value)
    return max(rounded.value, rails.value + rails.granule)


def protect_limit(
    rails: Rails,
    limit: float | None,
    why: tuple[float | None, float | None, float | None],
    ceiling: float | None,
) -> float | None:
    """Keep a limit above what was used, and raise it where it throttled.

    Parameters
    ----------
    rails : Rails
        Of the request; takes up what bound.
    limit : float or None
    why : tuple
        The limit in force, the peak that it must leave room for, and the factor by which one that throttles
        is raised.
    ceiling : float or None
    """
    current, peak, factor = why
    if limit is None or current is None:
        return limit
    protected = Rails(rails.resource, rails.granule, limit)
    if peak is not None:
        protected.at_least("limit_above_peak", min(current, peak), "the limit stays above the peak")
    if factor is not None:
        protected.at_least("throttled", current * factor, "its limit throttles it")
    if not protected.bound:
        return limit
    protected.at_most("limit_ceiling", ceiling, "LimitRange or quota allows no higher limit")
    protected.round_up()
    rails.bound.extend(protected.bound)
    return max(protected.value, rails.value)


def request_for_ratio(rails: Rails, limit: float | None, largest_ratio: float | None) -> None:
    """Raise the request where the limit would be more times the request than a LimitRange allows."""
    if limit is None or largest_ratio is None or limit <= rails.value * largest_ratio * (1 + 1e-9):
        return
    floor = round_up(limit / largest_ratio, rails.granule)
    rails.must_reach(
        "limit_range_ratio", min(floor, limit), "the namespace's LimitRange caps limit / request"
    )
