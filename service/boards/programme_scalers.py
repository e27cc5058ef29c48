"""What autoscalers achieved and how many replicas the coming week needs, in words and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.replicas import ReplicaAdvice, ScalerKind, TargetKind
from recommender.hpa_audit import AuditedMetric
from service.boards.formats import cores, memory, money, percent
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases.hpa_audit import AuditedWorkload, audit_autoscalers
from service.usecases.replicas import WorkloadReplicas, list_replicas


@dataclass(frozen=True)
class AuditRow:
    """One autoscaler over the last 7 days; ratios are plain, None is not known, ``reason`` then says why."""

    workload: str
    cluster: str
    team: str
    scaler: str
    target: str | None = None
    achieved: str | None = None
    bounds: str | None = None
    replicas_mean: float | None = None
    at_minimum_ratio: float | None = None
    at_maximum_ratio: float | None = None
    excess_hours: float | None = None
    excess_cost: Decimal | None = None
    currency: str | None = None
    flaps_per_day: float | None = None
    findings: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ReplicaRow:
    """Replicas of one workload now, needed at the peak to come, and advised; costs are per 720 hours."""

    workload: str
    cluster: str
    team: str
    scaler: str
    basis: str | None = None
    peak: str | None = None
    per_replica: str | None = None
    now: float | None = None
    needed: int | None = None
    advised: int | None = None
    bound: str | None = None
    cost_now: Decimal | None = None
    cost_then: Decimal | None = None
    currency: str | None = None
    doubts: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ScalerBoard:
    """Autoscalers and replicas that the principal may see, the most money first; notes in words."""

    audit: tuple[AuditRow, ...]
    audit_note: str
    replicas: tuple[ReplicaRow, ...]
    replicas_note: str


def read_scalers(runtime: Runtime, principal: Principal) -> ScalerBoard:
    """Return the audit of autoscalers over the last 7 days and the replica advice for the coming week.

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    StorageError
        If the warehouse cannot be read.
    """
    audit = tuple(
        sorted(
            (build_audit(one) for one in audit_autoscalers(runtime, principal)),
            key=lambda row: (row.excess_cost is None, -(row.excess_cost or 0), row.workload),
        )
    )
    replicas = tuple(build_replicas(one) for one in list_replicas(runtime, principal))
    return ScalerBoard(
        audit,
        audit_text(audit),
        replicas,
        "" if replicas else say("programme.replicas_none"),
    )


def audit_text(rows: Sequence[AuditRow]) -> str:
    """Return what replicas beyond need cost, by currency, and of how many that is not known."""
    if not rows:
        return say("programme.audit_none")
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.excess_cost is not None and row.currency is not None:
            sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.excess_cost
    parts = []
    if sums:
        amounts = ", ".join(money(amount, code) for code, amount in sorted(sums.items()))
        parts.append(say("programme.audit_spent", amounts=amounts))
    unknown = sum(row.excess_cost is None for row in rows)
    if unknown:
        parts.append(say("programme.audit_unpriced", count=unknown))
    return " ".join(parts)


def build_audit(found: AuditedWorkload) -> AuditRow:
    """Word the audit of one autoscaler."""
    audit = found.audit
    place = _place(found.workload, found.team)
    if audit is None:
        return AuditRow(*place, _scaler(found.name), reason=found.reason)
    return AuditRow(
        *place,
        _scaler(found.name),
        target=", ".join(f"{_metric_name(one)} {_amount(one, one.target)}" for one in audit.metrics),
        achieved=", ".join(_achieved(one) for one in audit.metrics),
        bounds=f"{audit.scaler.minimum_replicas} to {audit.scaler.maximum_replicas}",
        replicas_mean=audit.replica_count_mean,
        at_minimum_ratio=audit.time_at_minimum_ratio,
        at_maximum_ratio=audit.time_at_maximum_ratio,
        excess_hours=audit.excess_replica_hours,
        excess_cost=audit.excess_cost,
        currency=audit.currency,
        flaps_per_day=audit.flaps_per_day,
        findings=", ".join(say(f"programme.finding.{one}") for one in audit.findings) or None,
        reason=found.reason,
    )


def _place(workload: WorkloadKey, team: str | None) -> tuple[str, str, str]:
    return f"{workload.namespace}/{workload.name}", workload.cluster, team or say("team.unowned")


def _scaler(label: str) -> str:
    """Return an object's kind and name, the kind in its short form."""
    kind, _, name = label.partition(" ")
    return say(f"programme.scaler.{kind}", name=name) if name and kind in set(ScalerKind) else label


def _metric_name(metric: AuditedMetric) -> str:
    return metric.metric if metric.container is None else f"{metric.metric} of {metric.container}"


def _achieved(metric: AuditedMetric) -> str:
    return say("programme.achieved_none") if metric.achieved is None else _amount(metric, metric.achieved)


def _amount(metric: AuditedMetric, value: float | None) -> str:
    if value is None:
        return say("programme.target_none")
    if metric.target_kind is TargetKind.UTILIZATION:
        return percent(value, digits=0)
    return _quantity(value, {"cpu": "cores", "memory": "bytes"}.get(metric.metric, ""))


def _quantity(value: float, unit: str) -> str:
    if unit in ("cores", "bytes"):
        return cores(value) if unit == "cores" else memory(value)
    return f"{value:,.1f} {unit}".strip()


def build_replicas(found: WorkloadReplicas) -> ReplicaRow:
    """Word the replica advice of one workload."""
    place = _place(found.workload, found.team)
    scaler = say("programme.nothing_scales") if found.scaler is None else _scaler(found.scaler.label)
    advice = found.advice
    if advice is None:
        return ReplicaRow(*place, scaler, reason=found.reason)
    return ReplicaRow(
        *place,
        scaler,
        basis=say(f"programme.basis.{advice.basis}"),
        peak=_quantity(advice.metric_total, advice.unit),
        per_replica=_quantity(advice.target_per_replica, advice.unit),
        now=advice.replica_count_now,
        needed=advice.replica_count_needed,
        advised=advice.replica_count_advised,
        bound=_bound(advice),
        cost_now=advice.monthly_cost_now,
        cost_then=advice.monthly_cost_advised,
        currency=advice.currency,
        doubts=", ".join(say_or(f"programme.flag.{flag}", flag.replace("_", " ")) for flag in advice.flags)
        or None,
        reason=found.reason,
    )


def _bound(advice: ReplicaAdvice) -> str | None:
    if advice.bound is None:
        return None
    return say_or(f"programme.bound.{advice.bound}", advice.bound.replace("_", " "))
