"""Our policy at a rival's own risk: read off our frontier between two of its replayed points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray
from recommender.backtest_scores import PolicyScore


@dataclass(frozen=True)
class Match:
    """One resource of a rival beside ours at the same risk.

    Parameters
    ----------
    rival, resource : str
        ``cpu`` or ``memory``.
    risk_ratio, our_risk_ratio : float
        Share of CPU samples over, or of OOM days: the rival's, and ours, which is the same inside the
        frontier and lower beyond its end.
    rival_saved_ratio, our_saved_ratio : float or None
        None where no request was in force.
    footprint_ratio : float
        Our requests divided by the rival's at that risk; below 1 is less.
    rival_changes_per_day, our_changes_per_day : float
        Moves of more than 10 % of that resource per container-day.
    is_inside : bool
        Whether the rival's risk lies on our frontier, not beyond its risky end.
    """

    rival: str
    resource: str
    risk_ratio: float
    our_risk_ratio: float
    rival_saved_ratio: float | None
    our_saved_ratio: float | None
    footprint_ratio: float
    rival_changes_per_day: float
    our_changes_per_day: float
    is_inside: bool


_FIELDS = {
    "cpu": ("cpu_samples_over_ratio", "cpu_saved_ratio", "cpu_advised_core_days", "cpu_changes_per_day"),
    "memory": (
        "oom_day_ratio",
        "memory_saved_ratio",
        "memory_advised_byte_days",
        "memory_changes_per_day",
    ),
}


def match_rivals(rivals: Sequence[PolicyScore], frontier: Sequence[PolicyScore]) -> list[Match]:
    """Return our policy at the risk of each rival, for each resource that both have an answer for.

    Between two points of the frontier everything is interpolated along the risk. A rival that is safer than
    our safest point has no match.

    Parameters
    ----------
    rivals : sequence of PolicyScore
    frontier : sequence of PolicyScore
        Ours at several stated risks.
    """
    found = [_match(rival, resource, frontier) for rival in rivals for resource in _FIELDS]
    return [match for match in found if match is not None]


def _match(rival: PolicyScore, resource: str, frontier: Sequence[PolicyScore]) -> Match | None:
    risk_name, saved_name, advised_name, changes_name = _FIELDS[resource]
    risk = getattr(rival, risk_name)
    points = [score for score in frontier if getattr(score, risk_name) is not None]
    if risk is None or not points or not getattr(rival, advised_name):
        return None
    risks = np.maximum.accumulate(np.array([getattr(score, risk_name) for score in points]))
    if risk < risks[0]:
        return None
    saved = [getattr(score, saved_name) for score in points]
    has_saved = getattr(rival, saved_name) is not None and None not in saved
    advised = _read(risk, risks, [getattr(score, advised_name) for score in points])
    return Match(
        rival.policy,
        resource,
        risk,
        min(risk, float(risks[-1])),
        getattr(rival, saved_name),
        _read(risk, risks, saved) if has_saved else None,
        advised / getattr(rival, advised_name),
        getattr(rival, changes_name) or 0.0,
        _read(risk, risks, [getattr(score, changes_name) or 0.0 for score in points]),
        bool(risk <= risks[-1]),
    )


def _read(risk: float, risks: FloatArray, values: Sequence[float]) -> float:
    """Return the value at a risk; where several points have it, that of the riskiest."""
    last = int(np.searchsorted(risks, risk, side="right")) - 1
    if last == len(risks) - 1 or risks[last] == risk:
        return float(values[last])
    share = (risk - risks[last]) / (risks[last + 1] - risks[last])
    return float(values[last] * (1 - share) + values[last + 1] * share)
