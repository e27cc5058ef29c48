"""Many low-risk suggestions accepted with one word: a preview first, and each on its own afterwards."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace

from models.vocabulary.errors import Conflict, Forbidden, NotFound
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import floor_hour
from recommender.bulk import BulkBounds, why_not_in_bulk
from recommender.fleet_reductions import Capacity, has_reduction, reduction_of
from service.runtime import Runtime
from service.usecases.decisions import accept
from service.usecases.fleet_guard import fleet_limits, read_context
from service.usecases.judging import newest_data
from warehouse.database.recommendations import StoredRecommendation

_State = RecommendationState


@dataclass(frozen=True)
class LeftOut:
    """A suggestion that a bulk decision does not take, and why."""

    stored: StoredRecommendation
    because: str


@dataclass(frozen=True)
class BulkPlan:
    """What a bulk acceptance would do: nothing is decided yet.

    Parameters
    ----------
    accepted : tuple of StoredRecommendation
        As they were read; a decision quotes their etags.
    left_out : tuple of LeftOut
        Open suggestions of the same scope, with the reason.
    """

    accepted: tuple[StoredRecommendation, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class BulkResult:
    """What a bulk acceptance did: ids that were accepted, and what was left out or refused meanwhile."""

    accepted: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class BulkScope:
    """Which suggestions a bulk acceptance looks at, and how careful it is.

    Parameters
    ----------
    team, cluster : str or None
        None takes all that the principal may decide about.
    maximum_risk_ratio : float or None
        Highest stated risk, CPU and memory alike; None takes the settings'.
    is_small_only, is_increase_only : bool
    """

    team: str | None = None
    cluster: str | None = None
    maximum_risk_ratio: float | None = None
    is_small_only: bool = False
    is_increase_only: bool = False


def plan_bulk(runtime: Runtime, principal: Principal, scope: BulkScope) -> BulkPlan:
    """Return which open suggestions are low-risk enough to be accepted together, and which are not.

    Reductions of one cluster accepted in one day stay within the share of workloads and capacity that the
    guard on advice allows per day; the largest saving goes first.

    Raises
    ------
    Forbidden
        If the principal may decide nothing at all, or not for the team that was named.
    """
    if scope.team is not None:
        principal.require_decision_for(scope.team)
    bounds = _bounds(runtime, scope)
    proposed = runtime.warehouse.recommendations.list(
        principal, states={_State.PROPOSED}, cluster=scope.cluster, team=scope.team
    )
    accepted, left_out = [], []
    budgets: dict[str, _DayBudget] = {}
    for stored in proposed:
        because = _why_not(principal, stored, bounds) or _over_budget(runtime, budgets, stored.recommendation)
        if because is None:
            accepted.append(stored)
        else:
            left_out.append(LeftOut(stored, because))
    return BulkPlan(tuple(accepted), tuple(left_out))


def accept_bulk(
    runtime: Runtime, principal: Principal, plan: BulkPlan, *, note: str | None = None
) -> BulkResult:
    """Accept everything that a plan took, each on its own: one that changed meanwhile is left out."""
    accepted, left_out = [], list(plan.left_out)
    for stored in plan.accepted:
        try:
            accept(runtime, principal, stored.id, stored.etag, note=note or "accepted in bulk")
        except (Conflict, Forbidden, NotFound) as problem:
            left_out.append(LeftOut(stored, str(problem)))
        else:
            accepted.append(stored.id)
    return BulkResult(tuple(accepted), tuple(left_out))


@dataclass
class _DayBudget:
    """What may still be lowered in a cluster today."""

    workload_count: int
    capacity: Capacity
    workloads: set[WorkloadKey]

    def take(self, workload: WorkloadKey, reduction: Capacity) -> bool:
        """Take a reduction, if it fits."""
        is_new = workload not in self.workloads
        if (is_new and len(self.workloads) >= self.workload_count) or not reduction.is_within(self.capacity):
            return False
        self.spend(workload, reduction)
        return True

    def spend(self, workload: WorkloadKey, reduction: Capacity) -> None:
        """Count a reduction that stands already: one beyond the budget leaves nothing."""
        self.workloads.add(workload)
        self.capacity = self.capacity - reduction


def _bounds(runtime: Runtime, scope: BulkScope) -> BulkBounds:
    settings, stated = runtime.settings, scope.maximum_risk_ratio
    return BulkBounds(
        settings.bulk_cpu_over_request_ratio if stated is None else stated,
        settings.bulk_memory_over_limit_day_ratio if stated is None else stated,
        is_small_only=scope.is_small_only,
        is_increase_only=scope.is_increase_only,
    )


def _why_not(principal: Principal, stored: StoredRecommendation, bounds: BulkBounds) -> str | None:
    try:
        principal.require_decision_for(stored.team)
    except Forbidden as problem:
        return str(problem)
    return why_not_in_bulk(stored.recommendation, bounds)


def _over_budget(runtime: Runtime, budgets: dict[str, _DayBudget], advice: Recommendation) -> str | None:
    if not has_reduction(advice):
        return None
    cluster = advice.key.workload.cluster
    if cluster not in budgets:
        budgets[cluster] = _read_budget(runtime, cluster)
    if budgets[cluster].take(advice.key.workload, reduction_of(advice)):
        return None
    return "more would be lowered today than the guard on advice allows"


def _read_budget(runtime: Runtime, cluster: str) -> _DayBudget:
    """Return what the guard's daily share leaves after today's acceptances."""
    limits = fleet_limits(runtime)
    context = read_context(runtime, cluster, (), newest_data(runtime, cluster, floor_hour(runtime.now())))
    if context.breaker is not None:
        return _DayBudget(0, Capacity(), set())
    share = Capacity(
        context.requested.cpu_cores * limits.cpu_ratio_per_day,
        context.requested.memory_bytes * limits.memory_ratio_per_day,
    )
    if context.workload_count <= limits.free_workload_count:
        return _DayBudget(sys.maxsize, Capacity(math.inf, math.inf), set())
    budget = _DayBudget(max(int(context.workload_count * limits.workload_ratio_per_day), 1), share, set())
    for advice in _lowered_today(runtime, cluster):
        budget.spend(advice.key.workload, reduction_of(advice))
    return budget


def _lowered_today(runtime: Runtime, cluster: str) -> list[Recommendation]:
    """Return today's acceptances that lower something, with the values that were agreed."""
    today = runtime.now().date()
    accepted = runtime.warehouse.suggestion_effects.in_states(cluster, {_State.ACCEPTED, _State.APPLIED})
    agreed = [
        replace(one.recommendation, advised=one.wanted)
        for one in accepted
        if one.state_since is not None and one.state_since.date() == today
    ]
    return [advice for advice in agreed if has_reduction(advice)]
