"""What stands beside an advised size: replicas of the workload, and what its node pool could bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.recommendation import (
    NoRecommendation,
    Recommendation,
    ResourceValues,
    StatedSavings,
)
from service.runtime import Runtime
from service.usecases.bankable import BankableContext, bankable_by_pool
from service.usecases.replicas import advise_workloads

Answer = Recommendation | NoRecommendation


def add_replicas(runtime: Runtime, cluster: str, answers: Sequence[Answer], as_of: datetime) -> list[Answer]:
    """Return the answers with advice on replicas beside the sizes of autoscaled workloads."""
    advice = advise_workloads(runtime, cluster, as_of)
    return [
        replace(answer, replicas=advice[answer.key.workload])
        if isinstance(answer, Recommendation) and answer.key.workload in advice
        else answer
        for answer in answers
    ]


def add_bankable(runtime: Runtime, cluster: str, answers: Sequence[Answer], as_of: datetime) -> list[Answer]:
    """Return the answers with what all suggestions together could bank in their pool, and their share of it.

    All of the answers together are packed: nodes are freed by many suggestions, never by one.
    """
    context = bankable_by_pool(runtime, cluster, _changes(answers), as_of)
    if not context.pools:
        return list(answers)
    return [
        _with_pool(answer, context) if isinstance(answer, Recommendation) else answer for answer in answers
    ]


def _changes(answers: Sequence[Answer]) -> dict[WorkloadKey, tuple[float, float]]:
    """Return cores and bytes that a pod of each workload would request less."""
    found: dict[WorkloadKey, tuple[float, float]] = {}
    for answer in answers:
        if isinstance(answer, Recommendation):
            cores, size = found.get(answer.key.workload, (0.0, 0.0))
            less_cores, less_size = _less(answer.current, answer.advised)
            found[answer.key.workload] = (cores + less_cores, size + less_size)
    return found


def _less(now: ResourceValues, then: ResourceValues) -> tuple[float, float]:
    return (
        (now.cpu_request_cores or 0.0) - (then.cpu_request_cores or 0.0),
        (now.memory_request_bytes or 0.0) - (then.memory_request_bytes or 0.0),
    )


def _with_pool(answer: Recommendation, context: BankableContext) -> Recommendation:
    pool = context.of(answer.key.workload)
    if pool is None or answer.record is None:
        return answer
    stated = answer.record.savings
    is_same_money = stated.currency in (None, pool.currency)
    savings: StatedSavings = replace(
        stated,
        currency=stated.currency or pool.currency,
        bankable=(
            f"of pool {pool.node_pool or 'without a name'} as a whole, {pool.removable_then} of "
            f"{pool.node_count} nodes could go with all suggestions applied, {pool.removable_now} "
            "without any"
        ),
        bankable_pool=pool.node_pool,
        bankable_pool_saving_per_month=pool.bankable_by_suggestions_per_month if is_same_money else None,
        share_of_pool_ratio=context.share_ratio(answer.key.workload),
    )
    return replace(answer, record=replace(answer.record, savings=savings))
