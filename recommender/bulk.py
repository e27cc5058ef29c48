"""Which suggestions are safe enough to be accepted many at a time, and why others are left out."""

from __future__ import annotations

from dataclasses import dataclass

from models.vocabulary.recommendation import Recommendation

_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True)
class BulkBounds:
    """What may be accepted in bulk.

    Parameters
    ----------
    cpu_over_request_ratio, memory_over_limit_day_ratio : float
        Highest stated risk.
    confidence : float
        Lowest confidence.
    is_small_only, is_increase_only : bool
        Small changes only; raises only.
    """

    cpu_over_request_ratio: float
    memory_over_limit_day_ratio: float
    confidence: float = _LEAST_CONFIDENCE
    is_small_only: bool = False
    is_increase_only: bool = False


def why_not_in_bulk(advice: Recommendation, bounds: BulkBounds) -> str | None:
    """Return why a suggestion needs a decision of its own, for people; None when it does not.

    Raising something is never riskier than leaving it, so a pure raise needs no bound on its risk.
    """
    if bounds.is_small_only and not advice.is_small_change:
        return "is not a small change"
    if bounds.is_increase_only and not _only_raises(advice):
        return "does not only raise"
    if advice.is_injected:
        return "its container is put in by a webhook: its values are the platform team's"
    if advice.hpa is not None:
        return "its autoscaler must change with it"
    if _only_raises(advice):
        return None
    risk = advice.risk
    if _is_unmeasured(advice):
        return "its risk could not be measured on its own past"
    if risk.cpu_over_request_ratio > bounds.cpu_over_request_ratio:
        return f"CPU was over the advised request in {risk.cpu_over_request_ratio:.1%} of its past"
    if risk.memory_over_limit_day_ratio > bounds.memory_over_limit_day_ratio:
        return f"memory was over the advised limit on {risk.memory_over_limit_day_ratio:.1%} of its days"
    if advice.confidence < bounds.confidence:
        return f"confidence is only {advice.confidence:.0%}"
    return None


def _is_unmeasured(advice: Recommendation) -> bool:
    """Whether a resource changes of which no sample is known: a share of nothing is not a risk of zero."""
    now, then = advice.current, advice.advised
    changes_cpu = (now.cpu_request_cores, now.cpu_limit_cores) != (
        then.cpu_request_cores,
        then.cpu_limit_cores,
    )
    changes_memory = (now.memory_request_bytes, now.memory_limit_bytes) != (
        then.memory_request_bytes,
        then.memory_limit_bytes,
    )
    return (changes_cpu and not advice.risk.sample_count) or (changes_memory and not advice.risk.day_count)


def _only_raises(advice: Recommendation) -> bool:
    """Whether nothing is lowered and no new limit is set."""
    now, then = advice.current, advice.advised
    requests = (
        (now.cpu_request_cores, then.cpu_request_cores),
        (now.memory_request_bytes, then.memory_request_bytes),
    )
    limits = (
        (now.cpu_limit_cores, then.cpu_limit_cores),
        (now.memory_limit_bytes, then.memory_limit_bytes),
    )
    is_no_request_lower = all(old is None or (new is not None and new >= old) for old, new in requests)
    is_no_limit_lower = all(new is None or (old is not None and new >= old) for old, new in limits)
    return is_no_request_lower and is_no_limit_lower
