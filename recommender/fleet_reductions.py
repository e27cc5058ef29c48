"""What a suggestion takes away, and the suggestion without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from models.vocabulary.recommendation import (
    ExplanationRecord,
    GuardRail,
    NoRecommendation,
    Recommendation,
    ResourceEvidence,
    ResourceValues,
    SilenceReason,
)
from recommender.savings import requested_saving
from recommender.subject import UnitPrices, is_same

Answer = Recommendation | NoRecommendation

_RESOURCES = (
    ("cpu", "cpu_request_cores", "cpu_limit_cores"),
    ("memory", "memory_request_bytes", "memory_limit_bytes"),
)
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Capacity:
    """CPU and memory of all replicas together."""

    cpu_cores: float = 0.0
    memory_bytes: float = 0.0

    def __add__(self, other: Capacity) -> Capacity:
        return Capacity(self.cpu_cores + other.cpu_cores, self.memory_bytes + other.memory_bytes)

    def __sub__(self, other: Capacity) -> Capacity:
        """Return what is left, never below nothing."""
        return Capacity(
            max(self.cpu_cores - other.cpu_cores, 0.0), max(self.memory_bytes - other.memory_bytes, 0.0)
        )

    def is_within(self, other: Capacity) -> bool:
        """Whether neither resource exceeds the other's, up to a billionth."""
        return (
            self.cpu_cores <= other.cpu_cores * (1 + _TOLERANCE) + _TOLERANCE
            and self.memory_bytes <= other.memory_bytes * (1 + _TOLERANCE) + 1.0
        )


def reduction_of(answer: Recommendation) -> Capacity:
    """Return the requests that the suggestion takes away over all replicas; a raise takes nothing."""
    return Capacity(*(_less(answer, request) * answer.replica_count_mean for _, request, _ in _RESOURCES))


def has_reduction(answer: Recommendation) -> bool:
    """Whether any request or limit would be lower than now."""
    return any(_is_lowered(answer, request, limit) for _, request, limit in _RESOURCES)


def has_increase(answer: Recommendation) -> bool:
    """Whether any request or limit would be higher than now, or one is set or lifted that was not."""
    return any(_is_raised(answer, name) for _, *names in _RESOURCES for name in names)


def keep_increases(
    answer: Recommendation, why: tuple[SilenceReason, str], prices: UnitPrices
) -> Recommendation:
    """Return the suggestion with every resource that it lowers left as it is, and that said as a guard rail.

    The stated risk is that of the whole advice, so it is not too low.
    """
    reason, sentence = why
    kept: dict[str, float | None] = {}
    rails: dict[str, GuardRail] = {}
    for resource, request, limit in _RESOURCES:
        if _is_lowered(answer, request, limit):
            now, then = getattr(answer.current, request), getattr(answer.advised, request)
            kept |= {request: now, limit: getattr(answer.current, limit)}
            rails[resource] = GuardRail(str(reason), resource, then or 0.0, now or 0.0, sentence)
    advised: ResourceValues = replace(answer.advised, **kept)
    saving = requested_saving(answer.current, advised, answer.replica_count_mean, prices)
    currency = None if saving is None else prices.currency
    return replace(
        answer,
        advised=advised,
        requested_saving_per_month=saving,
        currency=currency,
        guard_rails=(*answer.guard_rails, *rails.values()),
        explanation=f"{answer.explanation} {sentence}",
        is_small_change=False,
        hpa=None if "cpu" in rails else answer.hpa,
        record=_record(answer, rails, (saving, currency), why),
    )


def _record(
    answer: Recommendation,
    rails: Mapping[str, GuardRail],
    money: tuple[Decimal | None, str | None],
    why: tuple[SilenceReason, str],
) -> ExplanationRecord | None:
    """Return the explanation with the resources in ``rails`` left as they are."""
    record = answer.record
    if record is None:
        return None
    saving, currency = money
    unpriced = "no price is known for what is left of the advice" if saving is None else None
    return replace(
        record,
        cpu=_held(record.cpu, rails.get("cpu")),
        memory=_held(record.memory, rails.get("memory")),
        savings=replace(
            record.savings, requested_per_month=saving, currency=currency, unpriced_because=unpriced
        ),
        sentence=f"{record.sentence} {why[1]}",
    )


def _held(evidence: ResourceEvidence, rail: GuardRail | None) -> ResourceEvidence:
    if rail is None:
        return evidence
    return replace(evidence, advised=rail.value_after, guard_rails=(*evidence.guard_rails, rail))


def _less(answer: Recommendation, name: str) -> float:
    now, then = getattr(answer.current, name), getattr(answer.advised, name)
    return 0.0 if now is None else max(now - (then or 0.0), 0.0)


def _is_lowered(answer: Recommendation, request: str, limit: str) -> bool:
    now, then = getattr(answer.current, limit), getattr(answer.advised, limit)
    limit_falls = then is not None and (now is None or then < now) and not is_same(now, then)
    return limit_falls or (
        _less(answer, request) > 0
        and not is_same(getattr(answer.current, request), getattr(answer.advised, request))
    )


def _is_raised(answer: Recommendation, name: str) -> bool:
    now, then = getattr(answer.current, name), getattr(answer.advised, name)
    if is_same(now, then):
        return False
    if now is None or then is None:
        # a first request is a raise and so is a limit that is lifted; a first limit is not
        return ("_limit_" in name) == (then is None)
    return bool(then > now)
