"""Which applications to optimise first, and the pilot. An application is a namespace of a cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from models.initiatives.initiative import ApplicationTrait
from models.initiatives.priorities import (
    Candidate,
    PilotRules,
    PriorityWeights,
    RankedCandidate,
    pick_pilot,
    rank_candidates,
)
from models.vocabulary.errors import NotFound
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.windows import floor_hour
from service.runtime import Runtime
from service.usecases.pool_contents import OPEN_STATES
from service.usecases.profiles import build_profiles
from service.usecases.workload_constraints import read_rules
from warehouse.reads.costs import CostReads, WorkloadCost

CORE_ANNOTATION = "millicore.io/core"
_DAYS = 28
_MOST_WORKLOADS = 100_000
_USUAL_CLASS_RATIO = 0.2
"""A shape of use stands for the fleet when this share of the requested CPU has it."""
_STATEFUL = frozenset({"StatefulSet", "DaemonSet"})
_MANY_WORKLOADS = 20
_SYSTEM_PREFIX = "kube-"
"""Namespaces of the cluster itself are core unless somebody says otherwise."""

Application = tuple[str, str]


@dataclass(frozen=True)
class CandidateList:
    """Applications, best first, with the weights that made the order and the currency of the savings."""

    ranked: tuple[RankedCandidate, ...]
    weights: PriorityWeights
    weights_version: int
    currency: str


def list_candidates(runtime: Runtime, principal: Principal) -> CandidateList:
    """Return applications in the order in which to optimise them, from the last 28 days.

    Raises
    ------
    Forbidden
        If the principal does not see all teams.
    """
    principal.require(Role.LEADERSHIP, Role.FINANCE, Role.PLATFORM)
    currency = runtime.settings.reporting_currency
    costs = _read_costs(runtime, principal, currency)
    advice = _read_advice(runtime, principal, currency)
    traits = {**_annotated(runtime, costs), **runtime.warehouse.application_traits.all()}
    total = sum((row.cost.total_cost for rows in costs.values() for row in rows), Decimal(0))
    candidates = [
        _candidate(app, rows, advice.get(app, []), traits.get(app), total)
        for app, rows in sorted(costs.items())
    ]
    weights, version = runtime.warehouse.application_traits.weights()
    return CandidateList(tuple(rank_candidates(candidates, weights)), weights, version, currency)


def choose_pilot(runtime: Runtime, principal: Principal, rules: PilotRules) -> RankedCandidate:
    """Return the best application in the cost band that is not core and has a usual shape of use.

    Raises
    ------
    NotFound
        If there is none: one out of the band is never offered instead.
    """
    found = list_candidates(runtime, principal)
    classes, usual = _read_classes(runtime)
    ranked = [
        RankedCandidate(_with_class(one.candidate, classes), one.score, one.wave) for one in found.ranked
    ]
    pilot = pick_pilot(ranked, rules, usual)
    if pilot is None:
        band = f"{rules.cost_ratio_min:.0%} and {rules.cost_ratio_max:.0%}".replace("%", " %")
        raise NotFound(
            f"no application that is not core costs between {band} of all, has open suggestions and a usual "
            "shape of use; widen the band with --from and --to"
        )
    return pilot


def set_traits(runtime: Runtime, principal: Principal, trait: ApplicationTrait) -> None:
    """Store what is known about an application."""
    principal.require(Role.PLATFORM, Role.LEADERSHIP)
    runtime.warehouse.application_traits.save(trait, principal.id, runtime.now())


def set_weights(runtime: Runtime, principal: Principal, weights: PriorityWeights) -> int:
    """Store a new version of the weights and return its number."""
    principal.require(Role.PLATFORM, Role.LEADERSHIP)
    return runtime.warehouse.application_traits.save_weights(weights, principal.id, runtime.now())


def _read_costs(
    runtime: Runtime, principal: Principal, currency: str
) -> dict[Application, list[WorkloadCost]]:
    last = runtime.now().astimezone(runtime.settings.zone).date() - timedelta(days=1)
    rows = CostReads(runtime.warehouse.lake).by_workload(
        principal, last - timedelta(days=_DAYS - 1), last, currency, limit=_MOST_WORKLOADS
    )
    found: dict[Application, list[WorkloadCost]] = defaultdict(list)
    for row in rows:
        found[row.cluster, row.namespace].append(row)
    return found


def _read_advice(
    runtime: Runtime, principal: Principal, currency: str
) -> dict[Application, list[Recommendation]]:
    found: dict[Application, list[Recommendation]] = defaultdict(list)
    for stored in runtime.warehouse.recommendations.list(principal, states=OPEN_STATES):
        one = stored.recommendation
        if one.requested_saving_per_month is not None and one.currency == currency:
            found[one.key.workload.cluster, one.key.workload.namespace].append(one)
    return found


def _candidate(
    app: Application,
    rows: Sequence[WorkloadCost],
    advice: Sequence[Recommendation],
    trait: ApplicationTrait | None,
    total: Decimal,
) -> Candidate:
    cost = sum((row.cost.total_cost for row in rows), Decimal(0))
    savings = [(one.requested_saving_per_month or Decimal(0), one.confidence) for one in advice]
    gains = [(saving, confidence) for saving, confidence in savings if saving > 0]
    saving = sum((amount for amount, _ in gains), Decimal(0))
    weighed = sum(float(amount) * confidence for amount, confidence in gains)
    difficulty = None if trait is None else trait.difficulty_ratio
    return Candidate(
        name="/".join(app),
        cost_ratio=float(cost / total) if total else 0.0,
        difficulty_ratio=estimate_difficulty(rows) if difficulty is None else difficulty,
        expected_saving=saving,
        confidence_ratio=weighed / float(saving) if saving else 0.0,
        is_core=_is_core(app, trait),
    )


def _is_core(app: Application, trait: ApplicationTrait | None) -> bool:
    if trait is not None and trait.is_core is not None:
        return trait.is_core
    return app[1].startswith(_SYSTEM_PREFIX)


def estimate_difficulty(rows: Sequence[WorkloadCost]) -> float:
    """Return 0.2 + 0.5 x cost share of StatefulSets and DaemonSets + 0.3 x workloads / 20 (at most 20).

    What nobody stated: state is hard to restart, and many workloads are many owners to ask.
    """
    cost = sum((row.cost.total_cost for row in rows), Decimal(0))
    hard = sum((row.cost.total_cost for row in rows if row.workload_kind in _STATEFUL), Decimal(0))
    share = float(hard / cost) if cost else 0.0
    return 0.2 + 0.5 * share + 0.3 * min(len(rows) / _MANY_WORKLOADS, 1.0)


def _annotated(
    runtime: Runtime, costs: Mapping[Application, Sequence[WorkloadCost]]
) -> dict[Application, ApplicationTrait]:
    """Return applications of which a workload says by annotation that it is core."""
    found = {}
    known = {cluster.name for cluster in runtime.warehouse.clusters.list()}
    for cluster in sorted({name for name, _ in costs} & known):
        rules = read_rules(runtime, cluster, runtime.now())
        for (namespace, _, _), words in rules.words.items():
            if words.get(CORE_ANNOTATION, "").lower() == "true":
                found[cluster, namespace] = ApplicationTrait(cluster, namespace, None, is_core=True)
    return found


def _read_classes(runtime: Runtime) -> tuple[dict[str, str], frozenset[str]]:
    """Return the shape of use with most requested CPU of each application, and the fleet's usual shapes."""
    cores: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    fleet: dict[str, float] = defaultdict(float)
    for profile in build_profiles(runtime, as_of=floor_hour(runtime.now())):
        workload = profile.key.workload
        share = (profile.cpu_request_cores or 0.0) * profile.replica_count_mean
        cores[f"{workload.cluster}/{workload.namespace}"][str(profile.workload_class)] += share
        fleet[str(profile.workload_class)] += share
    total = sum(fleet.values())
    usual = frozenset(name for name, share in fleet.items() if share >= _USUAL_CLASS_RATIO * total > 0)
    main = {app: max(sorted(found), key=lambda name: found[name]) for app, found in cores.items()}
    return main, usual


def _with_class(candidate: Candidate, classes: Mapping[str, str]) -> Candidate:
    return replace(candidate, workload_class=classes.get(candidate.name))
