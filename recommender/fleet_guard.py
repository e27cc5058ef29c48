"""The guard on advice: how much of a fleet may be advised to shrink in one day.

One wrong run must not shrink a company. Per cluster and UTC day of event time, at most a share of the
workloads gets new or larger reductions, and at most a share of the requested CPU and memory is advised away.
The largest saving per risk goes first; the rest is silent with the day on which it is expected. Increases are
never limited: an answer that raises one resource and lowers the other keeps the raise. When data look wrong
(``breaker``) nothing is lowered at all. A proposal that stands already is never withdrawn by the guard.

``service.usecases.fleet_guard.guard_answers(runtime, cluster, answers, as_of)`` feeds it from the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import NoRecommendation, Recommendation, SilenceReason
from recommender.fleet_reductions import (
    Answer,
    Capacity,
    has_increase,
    has_reduction,
    keep_increases,
    reduction_of,
)
from recommender.subject import UnitPrices

__all__ = ["Answer", "Capacity", "FleetContext", "FleetLimits", "guard_fleet"]

_SMALLEST_RISK = 1e-4
"""Stated risks below this count alike: one in ten thousand is as good as none."""
_NO_PRICES = UnitPrices()


@dataclass(frozen=True)
class FleetLimits:
    """What one day may change, per cluster.

    Parameters
    ----------
    workload_ratio_per_day : float
        Share of the cluster's workloads that may get new or larger reductions; at least one workload may.
    cpu_ratio_per_day, memory_ratio_per_day : float
        Share of what the cluster requests that may be advised away.
    free_workload_count : int
        Clusters with at most so many workloads are not limited: people read that much at once.
    """

    workload_ratio_per_day: float = 0.2
    cpu_ratio_per_day: float = 0.1
    memory_ratio_per_day: float = 0.1
    free_workload_count: int = 100


@dataclass(frozen=True)
class FleetContext:
    """State of a cluster's advice before a run is stored.

    Parameters
    ----------
    day : date
        UTC day of the run's event time.
    workload_count : int
    requested : Capacity
        What all its containers request now.
    open_advice : mapping of ContainerKey to Recommendation
        Proposals that stand.
    quiet : frozenset of ContainerKey
        Containers for which nothing new is proposed: accepted, snoozed or applied.
    refused : mapping of ContainerKey to frozenset of str
        Content hashes that owners rejected: they do not come back.
    proposed_today : mapping of ContainerKey to Capacity
        What reductions first proposed on ``day`` take away, whatever became of them.
    breaker : str or None
        Why data look wrong, in words; nothing is lowered then.
    prices : mapping of WorkloadKey to UnitPrices
        To state the saving anew where only the raise of an answer is kept.
    """

    day: date
    workload_count: int
    requested: Capacity
    open_advice: Mapping[ContainerKey, Recommendation] = field(default_factory=dict)
    quiet: frozenset[ContainerKey] = frozenset()
    refused: Mapping[ContainerKey, frozenset[str]] = field(default_factory=dict)
    proposed_today: Mapping[ContainerKey, Capacity] = field(default_factory=dict)
    breaker: str | None = None
    prices: Mapping[WorkloadKey, UnitPrices] = field(default_factory=dict)


@dataclass(frozen=True)
class _Request:
    """All new reductions of one workload, decided together."""

    workload: WorkloadKey
    members: tuple[int, ...]
    takes: Capacity
    score: float
    is_counted: bool
    """Whether the workload already counts among today's."""


@dataclass(frozen=True)
class _Budget:
    """What is left of a day."""

    workloads: int
    capacity: Capacity

    def allows(self, wanted: _Request) -> bool:
        enough = self.workloads >= (0 if wanted.is_counted else 1)
        return enough and wanted.takes.is_within(self.capacity)

    def less(self, wanted: _Request) -> _Budget:
        return _Budget(self.workloads - (0 if wanted.is_counted else 1), self.capacity - wanted.takes)


def guard_fleet(answers: Sequence[Answer], context: FleetContext, limits: FleetLimits) -> list[Answer]:
    """Return the answers, in order, with reductions beyond the day's limits held back.

    Deterministic, and a second run of the same day changes nothing: what was proposed that day is counted
    from ``context`` and passes as it stands.

    Parameters
    ----------
    answers : sequence of Recommendation or NoRecommendation
        Of all containers of one cluster.
    context : FleetContext
    limits : FleetLimits

    Returns
    -------
    list
        Held back: the proposal that stands already, else only the raise of the answer, else silence with
        reason ``FLEET_GUARD`` (and the expected day) or ``DATA_BREAKER`` (and the cause).
    """
    new = {index for index, answer in enumerate(answers) if _is_new_reduction(answer, context)}
    if context.breaker is not None:
        why = (SilenceReason.DATA_BREAKER, f"Nothing is lowered while data look wrong: {context.breaker}")
        return [_hold(one, context, why) if at in new else one for at, one in enumerate(answers)]
    if context.workload_count <= limits.free_workload_count or not new:
        return list(answers)
    wanted = _group(answers, new, context)
    left = _budget_left(context, limits)
    held = _take(wanted, left)[1]
    days = _expected_days(held, _whole_budget(context, limits), context.day)
    guarded = list(answers)
    for request in held:
        why = (SilenceReason.FLEET_GUARD, _explain_wait(days.get(request.workload), limits))
        for index in request.members:
            guarded[index] = _hold(answers[index], context, why)
    return guarded


def _is_new_reduction(answer: Answer, context: FleetContext) -> bool:
    """Whether storing the answer would propose to take away more than stands proposed."""
    if isinstance(answer, NoRecommendation) or not has_reduction(answer) or answer.key in context.quiet:
        return False
    content = answer.content_hash()
    if content in context.refused.get(answer.key, frozenset()):
        return False
    standing = context.open_advice.get(answer.key)
    if standing is None:
        return True
    is_same = standing.content_hash() == content
    return not is_same and not reduction_of(answer).is_within(reduction_of(standing))


def _group(answers: Sequence[Answer], new: Iterable[int], context: FleetContext) -> list[_Request]:
    """Return what each workload asks for, the largest saving per risk first."""
    members: dict[WorkloadKey, list[int]] = {}
    for index in sorted(new):
        members.setdefault(answers[index].key.workload, []).append(index)
    counted = {key.workload for key in context.proposed_today}
    requests = []
    for workload, indices in members.items():
        mine = [answer for i in indices if isinstance(answer := answers[i], Recommendation)]
        takes = sum((_increment(one, context) for one in mine), Capacity())
        requests.append(_Request(workload, tuple(indices), takes, _score(mine), workload in counted))
    return sorted(requests, key=lambda request: (-request.score, str(request.workload)))


def _increment(answer: Recommendation, context: FleetContext) -> Capacity:
    standing = context.open_advice.get(answer.key)
    return reduction_of(answer) - (Capacity() if standing is None else reduction_of(standing))


def _score(mine: Sequence[Recommendation]) -> float:
    """Return requested saving per stated risk, the risks of both resources added."""
    saving = sum((one.requested_saving_per_month or Decimal(0) for one in mine), Decimal(0))
    risk = max(one.risk.cpu_over_request_ratio + one.risk.memory_over_limit_day_ratio for one in mine)
    return float(saving) / max(risk, _SMALLEST_RISK)


def _whole_budget(context: FleetContext, limits: FleetLimits) -> _Budget:
    return _Budget(
        max(1, int(limits.workload_ratio_per_day * context.workload_count + 1e-9)),
        Capacity(
            limits.cpu_ratio_per_day * context.requested.cpu_cores,
            limits.memory_ratio_per_day * context.requested.memory_bytes,
        ),
    )


def _budget_left(context: FleetContext, limits: FleetLimits) -> _Budget:
    whole = _whole_budget(context, limits)
    taken = sum(context.proposed_today.values(), Capacity())
    workloads = {key.workload for key in context.proposed_today}
    return _Budget(whole.workloads - len(workloads), whole.capacity - taken)


def _take(wanted: Sequence[_Request], budget: _Budget) -> tuple[list[_Request], list[_Request]]:
    """Return what fits into a budget, in order, and what does not."""
    taken, held = [], []
    for request in wanted:
        if budget.allows(request):
            budget = budget.less(request)
            taken.append(request)
        else:
            held.append(request)
    return taken, held


def _expected_days(held: Sequence[_Request], whole: _Budget, day: date) -> dict[WorkloadKey, date]:
    """Return the day on which each would come if nothing else changed; what never fits is left out."""
    days: dict[WorkloadKey, date] = {}
    waiting = [request for request in held if whole.allows(request)]
    while waiting:
        day += timedelta(days=1)
        taken, waiting = _take(waiting, whole)
        days |= dict.fromkeys((request.workload for request in taken), day)
    return days


def _explain_wait(day: date | None, limits: FleetLimits) -> str:
    most = (
        f"a day may lower requests of {limits.workload_ratio_per_day:.0%} of the workloads, and by "
        f"{limits.cpu_ratio_per_day:.0%} of all CPU and {limits.memory_ratio_per_day:.0%} of all memory"
    )
    if day is None:
        return f"A lower request is advised, but alone it is more than the guard on advice allows: {most}."
    return f"A lower request is advised and expected on {day:%-d %b %Y}: {most}."


def _hold(answer: Answer, context: FleetContext, why: tuple[SilenceReason, str]) -> Answer:
    assert isinstance(answer, Recommendation)
    if has_increase(answer):
        prices = context.prices.get(answer.key.workload, _NO_PRICES)
        return keep_increases(answer, why, prices)
    standing = context.open_advice.get(answer.key)
    if standing is not None:
        return standing
    reason, sentence = why
    return NoRecommendation(answer.key, answer.policy, answer.as_of, reason, sentence)
