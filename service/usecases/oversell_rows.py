"""Rows of an oversell plan: nodes first measured, pools from their nodes, each with the rail that bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from models.oversell.calibration import Calibration
from models.oversell.peaks import FloatArray
from models.oversell.ratio import RatioRules, Ratios, Sold, advise_ratios
from service.jobs.oversell import NodePeaks
from warehouse.lake.derived_tables import OVERSELL_PLAN

_ALLOCATABLE = {"cpu": "cpu_allocatable_cores", "memory": "memory_allocatable_bytes"}
_ACTUATORS = {
    "cpu": (
        "Koordinator batch resources, or an admission webhook that scales requests; "
        "stock Kubernetes: only lower requests (suggestions)"
    ),
    "memory": "none: memory is not oversold unless it is switched on",
}


@dataclass(frozen=True)
class EarlierPlan:
    """The ratio of an earlier day and how many days ago it was advised."""

    ratio: float | None
    days_ago: float


@dataclass(frozen=True, eq=False)
class PlanInput:
    """Everything that the rows of one cluster and resource follow from.

    Parameters
    ----------
    nodes : pyarrow.Table
        ``node_hour`` rows of the newest complete hour, by node key.
    calibrations : mapping of pool to Calibration
    earlier : mapping of (scope, name, resource) to EarlierPlan
    target : float
        Stated violation rate.
    """

    cluster: str
    as_of: datetime
    nodes: pa.Table
    measured: NodePeaks
    calibrations: Mapping[str, Calibration]
    rules: RatioRules
    earlier: Mapping[tuple[str, str, str], EarlierPlan]
    target: float


@dataclass(frozen=True, eq=False)
class _Amounts:
    """What is sold per node or pool, and what it is called, shape (n,)."""

    scope: str
    names: list[str]
    pools: list[str]
    node_count: FloatArray
    allocatable: FloatArray
    requested: FloatArray
    limits: FloatArray
    predicted: FloatArray


def plan_rows(plan: PlanInput) -> pa.Table:
    """Return the rows of ``oversell_plan`` for one cluster and resource, pools and nodes."""
    nodes = _node_amounts(plan)
    pools = _pool_amounts(nodes)
    pool_ratios = advise_ratios(_sold(plan, pools), plan.rules)
    by_pool = dict(zip(pools.names, pool_ratios.ratio.tolist(), strict=True))
    of_pool = np.array([by_pool[name] for name in nodes.pools], dtype=np.float64)
    node_ratios = advise_ratios(_sold(plan, nodes), plan.rules, of_pool)
    rows = [*_rows(plan, pools, pool_ratios), *_rows(plan, nodes, node_ratios)]
    return pa.Table.from_pylist(rows, schema=OVERSELL_PLAN.schema)


def _node_amounts(plan: PlanInput) -> _Amounts:
    measured = plan.measured
    position = {key: index for index, key in enumerate(measured.node_keys)}
    keys = plan.nodes.column("node_key").to_pylist()
    pools = [name or "" for name in plan.nodes.column("node_pool").to_pylist()]
    at = np.array([position.get(key, -1) for key in keys], dtype=np.int64)

    def of_node(values: FloatArray) -> FloatArray:
        return np.where(at >= 0, np.append(values, 0.0)[at], 0.0)

    factor = np.array([plan.calibrations[pool].factor for pool in pools], dtype=np.float64)
    allocatable = plan.nodes.column(_ALLOCATABLE[measured.resource]).to_pylist()
    return _Amounts(
        "node",
        keys,
        pools,
        np.ones(len(keys)),
        np.array([np.nan if value is None else value for value in allocatable], dtype=np.float64),
        of_node(measured.requested),
        of_node(measured.limits),
        of_node(measured.predicted) * factor,
    )


def _pool_amounts(nodes: _Amounts) -> _Amounts:
    """Add nodes up by pool; a pool's peak is the sum of its nodes' peaks, because each is sold by itself."""
    names = sorted(set(nodes.pools))
    code = np.array([names.index(pool) for pool in nodes.pools], dtype=np.int64)

    def summed(values: FloatArray) -> FloatArray:
        return np.bincount(code, weights=values, minlength=len(names)).astype(np.float64)

    return _Amounts(
        "pool",
        names,
        names,
        summed(nodes.node_count),
        summed(nodes.allocatable),
        summed(nodes.requested),
        summed(nodes.limits),
        summed(nodes.predicted),
    )


def _sold(plan: PlanInput, amounts: _Amounts) -> Sold:
    found = [
        plan.earlier.get((amounts.scope, name, plan.measured.resource)) or EarlierPlan(None, 0.0)
        for name in amounts.names
    ]
    ratios = [np.nan if earlier.ratio is None else earlier.ratio for earlier in found]
    violations = [plan.calibrations[pool].violation_ratio for pool in amounts.pools]
    return Sold(
        amounts.allocatable,
        amounts.requested,
        amounts.predicted,
        np.array(ratios, dtype=np.float64),
        np.array([earlier.days_ago for earlier in found], dtype=np.float64),
        np.array([np.nan if seen is None else seen for seen in violations], dtype=np.float64),
    )


def _rows(plan: PlanInput, amounts: _Amounts, ratios: Ratios) -> list[dict[str, Any]]:
    resource = plan.measured.resource
    rows = []
    for index, name in enumerate(amounts.names):
        pool = amounts.pools[index]
        allocatable = float(amounts.allocatable[index])
        is_known = allocatable > 0
        has_peak = not plan.rules.is_off
        rows.append(
            {
                "cluster": plan.cluster,
                "day": plan.as_of.date(),
                "computed_at": plan.as_of,
                "scope": amounts.scope,
                "name": name,
                "node_pool": pool,
                "resource": resource,
                "node_count": int(amounts.node_count[index]),
                "allocatable": allocatable if is_known else None,
                "requested": float(amounts.requested[index]),
                "limit_total": float(amounts.limits[index]),
                "predicted_peak": float(amounts.predicted[index]) if has_peak else None,
                "oversell_ratio_requests": amounts.requested[index] / allocatable if is_known else None,
                # without any limit nothing is sold by limits: unknown, not 0
                "oversell_ratio_limits": amounts.limits[index] / allocatable
                if is_known and amounts.limits[index] > 0
                else None,
                "safe_oversell_ratio": float(ratios.ratio[index]),
                "violation_ratio_stated": plan.target if has_peak else None,
                "violation_ratio_backtest": plan.calibrations[pool].violation_ratio if has_peak else None,
                "history_days": plan.rules.history_days,
                "actuator": _ACTUATORS[resource],
                "guard_rail": ratios.guard_rail[index] or None,
            }
        )
    return rows
