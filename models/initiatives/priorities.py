"""Which application comes first: score, waves and the pilot.

``S = w1 rank(cost share) + w2 (1 - difficulty) + w3 rank(expected saving x confidence) + w4 (1 - core)``

with ``rank`` the share of candidates that are not larger (0 to 1, ties alike), so that one giant does not
flatten the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.errors import InputError


@dataclass(frozen=True)
class PriorityWeights:
    """Weights of the four parts; not negative, not all 0. Stored with each list that was made with them."""

    cost_share: float = 0.3
    ease: float = 0.25
    expected_saving: float = 0.3
    non_core: float = 0.15

    def __post_init__(self) -> None:
        values = (self.cost_share, self.ease, self.expected_saving, self.non_core)
        if any(value < 0 for value in values) or sum(values) == 0:
            raise InputError("must not be negative, and not all 0", field="weights", value=values)


@dataclass(frozen=True)
class Candidate:
    """One application that could be optimised.

    Parameters
    ----------
    name : str
    cost_ratio : float
        Its share of the cost of all applications (0 to 1).
    difficulty_ratio : float
        0 (easy) to 1.
    expected_saving : Decimal
        Requested saving per month of its open suggestions; raises count nothing.
    confidence_ratio : float
        Of these suggestions (0 to 1).
    is_core : bool
    workload_class : str or None
        Shape of the use that most of its requests have.
    """

    name: str
    cost_ratio: float
    difficulty_ratio: float
    expected_saving: Decimal
    confidence_ratio: float
    is_core: bool
    workload_class: str | None = None


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate with its score (0 to 1) and the wave it may come in: core applications never in wave 1."""

    candidate: Candidate
    score: float
    wave: int


def rank_candidates(candidates: Sequence[Candidate], weights: PriorityWeights) -> list[RankedCandidate]:
    """Return candidates, best first; wave 1 is the better half of those that are not core.

    Parameters
    ----------
    candidates : sequence of Candidate
    weights : PriorityWeights
    """
    shares = _ranks([one.cost_ratio for one in candidates])
    gains = _ranks([float(one.expected_saving) * one.confidence_ratio for one in candidates])
    total = weights.cost_share + weights.ease + weights.expected_saving + weights.non_core
    scores = [
        (
            weights.cost_share * share
            + weights.ease * (1 - one.difficulty_ratio)
            + weights.expected_saving * gain
            + weights.non_core * (not one.is_core)
        )
        / total
        for one, share, gain in zip(candidates, shares, gains, strict=True)
    ]
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], candidates[i].name))
    allowed = [i for i in order if not candidates[i].is_core]
    first = set(allowed[: (len(allowed) + 1) // 2])
    return [RankedCandidate(candidates[i], scores[i], 1 if i in first else 2) for i in order]


def _ranks(values: Sequence[float]) -> list[float]:
    """Return for each the share of values that are not larger."""
    ordered = sorted(values)
    return [bisect_right(ordered, value) / len(values) for value in values]


@dataclass(frozen=True)
class PilotRules:
    """A pilot is neither too small to show anything nor too large to risk."""

    cost_ratio_min: float = 0.01
    cost_ratio_max: float = 0.05


def pick_pilot(
    ranked: Sequence[RankedCandidate], rules: PilotRules, usual_classes: frozenset[str]
) -> RankedCandidate | None:
    """Return the best candidate in the cost band that is not core and representative, or None.

    Parameters
    ----------
    ranked : sequence of RankedCandidate
        Best first.
    rules : PilotRules
    usual_classes : frozenset of str
        Shapes of use that stand for a good part of the fleet; empty does not ask.
    """
    for one in ranked:
        candidate = one.candidate
        is_in_band = rules.cost_ratio_min <= candidate.cost_ratio <= rules.cost_ratio_max
        is_usual = not usual_classes or candidate.workload_class in usual_classes
        if is_in_band and is_usual and not candidate.is_core and candidate.expected_saving > 0:
            return one
    return None
