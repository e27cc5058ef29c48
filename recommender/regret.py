"""The regret rate: how often an applied suggestion had to be taken back, with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import RecommendationState

RAISED_AGAIN_DAYS = 14
"""A later suggestion that raises what this one lowered, so soon after, is regret too."""

_Z_95 = 1.959963984540054
_FIELDS = {
    "cpu": ("cpu_request_cores", "cpu_limit_cores"),
    "memory": ("memory_request_bytes", "memory_limit_bytes"),
}


@dataclass(frozen=True)
class AppliedCase:
    """One suggestion that was applied.

    Parameters
    ----------
    policy, risk_class : str
    state : RecommendationState
        What became of it so far.
    old, wanted : ResourceValues
    applied_from : datetime
    later : sequence of (datetime, ResourceValues)
        Advice for the same container afterwards.
    """

    policy: str
    risk_class: str
    state: RecommendationState
    old: ResourceValues
    wanted: ResourceValues
    applied_from: datetime
    later: Sequence[tuple[datetime, ResourceValues]] = ()

    @property
    def resources(self) -> tuple[str, ...]:
        """The resources that it changed."""
        return tuple(
            resource
            for resource, names in _FIELDS.items()
            if any(getattr(self.old, name) != getattr(self.wanted, name) for name in names)
        )

    @property
    def is_raised_again(self) -> bool:
        """Whether advice within 14 days raises a request or limit that this one had lowered."""
        end = self.applied_from + timedelta(days=RAISED_AGAIN_DAYS)
        return any(self._raises(advised) for at, advised in self.later if at <= end)

    @property
    def is_regretted(self) -> bool:
        """Whether it was rolled back, overwritten, or raised again soon."""
        taken_back = (RecommendationState.ROLLED_BACK, RecommendationState.OVERWRITTEN)
        return self.state in taken_back or self.is_raised_again

    def _raises(self, advised: ResourceValues) -> bool:
        return any(
            _amount(self.wanted, name) < min(_amount(self.old, name), _amount(advised, name))
            for names in _FIELDS.values()
            for name in names
        )


@dataclass(frozen=True)
class RegretRow:
    """Regret of one group of applied suggestions.

    Parameters
    ----------
    dimension, value : str
        ``policy``, ``risk_class``, ``resource`` or ``all``, and which.
    applied_count : int
    rolled_back_count, overwritten_count, raised_again_count : int
        May overlap.
    regretted_count : int
        Each suggestion once.
    regret_ratio, low_ratio, high_ratio : float or None
        Share with its 95 % interval; None when none was applied.
    """

    dimension: str
    value: str
    applied_count: int
    rolled_back_count: int
    overwritten_count: int
    raised_again_count: int
    regretted_count: int
    regret_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None


def count_regret(cases: Sequence[AppliedCase]) -> list[RegretRow]:
    """Return the regret of all applied suggestions, then by policy, risk class and resource."""
    groups: dict[tuple[str, str], list[AppliedCase]] = {("all", "all"): []}
    for case in cases:
        names = [("all", "all"), ("policy", case.policy), ("risk_class", case.risk_class)]
        for name in (*names, *(("resource", resource) for resource in case.resources)):
            groups.setdefault(name, []).append(case)
    order = ("all", "policy", "risk_class", "resource")
    return [_row(*name, groups[name]) for name in sorted(groups, key=lambda n: (order.index(n[0]), n[1]))]


def wilson_interval(count: int, total: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Wilson 1927), None of nothing.

    ``(p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n)`` with ``p = count / n``; honest for few cases
    and for none regretted, where the plain interval has no width.
    """
    if total <= 0:
        return None
    share, square = count / total, _Z_95 * _Z_95
    middle = share + square / (2 * total)
    spread = _Z_95 * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    scale = 1 + square / total
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return (0.0 if count == 0 else low, 1.0 if count == total else high)


def _row(dimension: str, value: str, cases: Sequence[AppliedCase]) -> RegretRow:
    regretted = _count(case.is_regretted for case in cases)
    interval = wilson_interval(regretted, len(cases))
    low, high = (None, None) if interval is None else interval
    return RegretRow(
        dimension=dimension,
        value=value,
        applied_count=len(cases),
        rolled_back_count=_count(case.state is RecommendationState.ROLLED_BACK for case in cases),
        overwritten_count=_count(case.state is RecommendationState.OVERWRITTEN for case in cases),
        raised_again_count=_count(case.is_raised_again for case in cases),
        regretted_count=regretted,
        regret_ratio=regretted / len(cases) if cases else None,
        low_ratio=low,
        high_ratio=high,
    )


def _count(flags: Iterable[bool]) -> int:
    return sum(1 for flag in flags if flag)


def _amount(values: ResourceValues, name: str) -> float:
    """Return a value that compares: an unset request is nothing, an unset limit is more than any."""
    value: float | None = getattr(values, name)
    if value is not None:
        return value
    return math.inf if "limit" in name else 0.0
