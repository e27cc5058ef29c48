"""Allocation of node-hours to the containers that ran on them (DESIGN section 6).

Per node-hour and resource r, with ``a_i = max(request, usage)``, ``S`` its sum, ``K`` capacity and ``K_a``
allocatable in resource-seconds::

    C_r  = C w_r cap_r / sum_q(w_q cap_q)           cost of the resource
    c    = C_r / max(K, S + K - K_a)                unit cost
    used = c u_i      unused request = c (a_i - u_i)      unmeasured = c a_i (no usage measured)
    idle = c max(K_a - S, 0)      overhead = c (K - K_a)

They add up to ``C_r`` whether the node is oversold or not. The terms are rounded to nano-units and the
residual, at most half a unit per line, goes to the largest of them, so that they add up exactly. Shared by
``a_i`` the idle and overhead lines give AWS's split cost allocation, ``C_r a_i / S``.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from models.allocation.columns import (
    WEIGHT_UNIT,
    Allocation,
    ContainerColumns,
    ContainerResource,
    ContainerTerms,
    Flags,
    Floats,
    IdentityRank,
    NodeColumns,
    NodeTerms,
    Rows,
    Units,
)

Scalar = TypeVar("Scalar", bound=np.generic)


def allocate_node_hours(containers: ContainerColumns, nodes: NodeColumns) -> Allocation:
    """Allocate the cost of node-hours, exactly.

    Parameters
    ----------
    containers : ContainerColumns
        All container-hours of these node-hours, in any order.
    nodes : NodeColumns

    Returns
    -------
    Allocation
        For every resource of ``nodes`` the terms of containers and nodes. A resource that the containers do
        not name is idle and overhead.
    """
    costs, is_split = split_cost_over_resources(nodes)
    group_count = len(nodes.cost_units)
    group = containers.node_hour.astype(np.int64, copy=False)
    if len(group) and group.min() < 0:
        group = np.where(group < 0, group_count, group)
    container_terms, node_terms = {}, {}
    for name, facts in nodes.resources.items():
        demand = containers.resources.get(name) or _no_demand(len(group))
        container_terms[name], node_terms[name] = _allocate_resource(
            group,
            demand,
            _Node(costs[name], is_split, facts.capacity_seconds, facts.allocatable_seconds),
            containers.identity_rank,
        )
    return Allocation(container_terms, node_terms)


def clip_requests(request_seconds: Floats, held_seconds: Floats, node_seconds: Floats) -> Floats:
    """Cut requests to the time that their node ran: a pod is not billed on a node that is gone.

    Parameters
    ----------
    request_seconds : float64 array
        Request times the time held; NaN where unset.
    held_seconds, node_seconds : float64 array
        Seconds that the pod was scheduled and that its node ran in the hour; NaN where not known.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(held_seconds > node_seconds, node_seconds / held_seconds, 1.0)
    return request_seconds * ratio


def split_cost_over_resources(nodes: NodeColumns) -> tuple[dict[str, Units], Flags]:
    """Split each node-hour's cost over its resources by weight times capacity, exactly.

    Returns
    -------
    tuple
        Units per resource, and a flag per node-hour: false where the node is unpriced or has no capacity by
        which its cost could be split.
    """
    weighted = {
        name: np.nan_to_num(facts.capacity_seconds) * facts.weight / WEIGHT_UNIT[name]
        for name, facts in nodes.resources.items()
    }
    total = np.sum(list(weighted.values()), axis=0)
    is_split = nodes.is_priced & ((total > 0) | (nodes.cost_units == 0))
    cost = np.where(is_split, nodes.cost_units, 0)
    ratio = np.divide(cost, total, out=np.zeros_like(total), where=total > 0)
    shares = np.rint(np.stack([ratio * part for part in weighted.values()])).astype(np.int64)
    largest = shares.argmax(axis=0)
    shares[largest, np.arange(len(cost))] += cost - shares.sum(axis=0)
    return dict(zip(weighted, shares, strict=True)), is_split


class _Node:
    """One resource of the node-hours inside the kernel; a last, uncosted row stands for unknown nodes."""

    def __init__(self, cost: Units, is_split: Flags, capacity: Floats, allocatable: Floats) -> None:
        self.cost = _extended(cost)
        self.is_split = _extended(is_split)
        self.capacity = np.nan_to_num(_extended(capacity))
        known = np.where(np.isnan(allocatable), capacity, allocatable)
        self.allocatable = np.minimum(np.nan_to_num(_extended(known)), self.capacity)

    def unit_cost(self, sold: Floats) -> Floats:
        """Nano-units per resource-second; NaN where the node has no cost or none of the resource."""
        divisor = np.maximum(self.capacity, sold + self.capacity - self.allocatable)
        unit: Floats = np.full_like(divisor, np.nan)
        np.divide(self.cost, divisor, out=unit, where=self.is_split & (self.capacity > 0))
        return unit


def _extended(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    return np.append(values, np.zeros(1, dtype=values.dtype))


def _no_demand(count: int) -> ContainerResource:
    nothing = np.full(count, np.nan)
    return ContainerResource(nothing, nothing)


def _allocate_resource(
    group: npt.NDArray[np.int64],
    demand: ContainerResource,
    node: _Node,
    identity_rank: IdentityRank | None,
) -> tuple[ContainerTerms, NodeTerms]:
    group_count = len(node.cost)
    billed = _without_nan(np.fmax(demand.request_seconds, demand.usage_seconds))
    sold = _summed(group, billed, group_count)
    unit = node.unit_cost(sold)
    idle = np.rint(_without_nan(unit * np.maximum(node.allocatable - sold, 0.0))).astype(np.int64)
    overhead = np.rint(_without_nan(unit * (node.capacity - node.allocatable))).astype(np.int64)

    row_unit = unit.take(group)
    is_costed = ~np.isnan(row_unit)
    if not is_costed.all():
        row_unit[~is_costed] = 0.0
    total = np.rint(np.multiply(row_unit, billed, out=billed), out=billed)
    allocated = _summed(group, total, group_count).astype(np.int64)
    residual = np.where(np.isnan(unit), 0, node.cost - allocated - idle - overhead)
    terms = _container_terms(total, row_unit, demand.usage_seconds, is_costed)
    _place_residual(residual, idle, overhead, group, terms, identity_rank)
    requested = sold
    if (sold > node.allocatable).any():
        requested = _summed(group, _without_nan(demand.request_seconds.copy()), group_count)
    return terms, _node_terms(node, idle, overhead, requested, sold)


def _summed(group: npt.NDArray[np.int64], values: Floats, group_count: int) -> Floats:
    return np.bincount(group, weights=values, minlength=group_count).astype(np.float64, copy=False)


def _without_nan(values: Floats) -> Floats:
    """Set NaN to 0, in place."""
    is_missing = np.isnan(values)
    if is_missing.any():
        values[is_missing] = 0.0
    return values


def _container_terms(total: Floats, row_unit: Floats, usage: Floats, is_costed: Flags) -> ContainerTerms:
    used = np.multiply(row_unit, usage, out=row_unit)
    is_missing = np.isnan(used)
    if not is_missing.any():
        np.rint(used, out=used)
        rest = np.subtract(total, used, out=total).astype(np.int64)
        return ContainerTerms(used.astype(np.int64), rest, np.zeros_like(rest), ~is_missing, is_costed)
    used[is_missing] = 0.0
    np.rint(used, out=used)
    rest = np.subtract(total, used, out=total).astype(np.int64)
    unmeasured = np.zeros_like(rest)
    unmeasured[is_missing] = rest[is_missing]
    rest[is_missing] = 0
    return ContainerTerms(used.astype(np.int64), rest, unmeasured, ~is_missing, is_costed)


def _place_residual(
    residual: Units,
    idle: Units,
    overhead: Units,
    group: npt.NDArray[np.int64],
    terms: ContainerTerms,
    identity_rank: IdentityRank | None,
) -> None:
    """Add each node-hour's rounding residual to its largest term, in place."""
    largest_of_row = np.maximum(terms.used, terms.unused_request)
    if not terms.is_measured.all():
        np.maximum(largest_of_row, terms.unmeasured, out=largest_of_row)
    largest = np.zeros(len(residual), dtype=np.int64)
    np.maximum.at(largest, group, largest_of_row)
    on_container = (residual != 0) & (largest > np.maximum(idle, overhead))
    on_idle = (residual != 0) & ~on_container & (idle >= overhead)
    on_overhead = (residual != 0) & ~on_container & ~on_idle
    idle[on_idle] += residual[on_idle]
    overhead[on_overhead] += residual[on_overhead]
    if not on_container.any():
        return
    rows = np.flatnonzero(largest_of_row == largest.take(group))
    rows = rows[on_container.take(group.take(rows))]
    for_row = _first_of_each(group, rows, identity_rank)
    amount = residual[group[for_row]]
    on_used = terms.used[for_row] == largest_of_row[for_row]
    on_unmeasured = ~on_used & (terms.unmeasured[for_row] == largest_of_row[for_row])
    terms.used[for_row] += np.where(on_used, amount, 0)
    terms.unmeasured[for_row] += np.where(on_unmeasured, amount, 0)
    terms.unused_request[for_row] += np.where(on_used | on_unmeasured, 0, amount)


def _first_of_each(group: npt.NDArray[np.int64], rows: Rows, identity_rank: IdentityRank | None) -> Rows:
    """Return of the rows of each group the one of lowest rank."""
    own = group[rows]
    found, first, counts = np.unique(own, return_index=True, return_counts=True)
    tied = np.flatnonzero(counts[np.searchsorted(found, own)] > 1)
    if len(tied) and identity_rank is not None:
        ranked = tied[np.lexsort((identity_rank(rows[tied]), own[tied]))]
        groups, lowest = np.unique(own[ranked], return_index=True)
        first[np.searchsorted(found, groups)] = ranked[lowest]
    chosen: Rows = rows[first]
    return chosen


def _node_terms(node: _Node, idle: Units, overhead: Units, requested: Floats, sold: Floats) -> NodeTerms:
    """Build the node lines; above allocatable, what was sold there at list unit cost is the gain."""
    list_unit = np.divide(node.cost, node.capacity, out=np.zeros_like(sold), where=node.capacity > 0)
    gain = np.rint(list_unit * np.maximum(sold - node.allocatable, 0.0)).astype(np.int64)
    is_oversold = requested > node.allocatable
    return NodeTerms(
        cost=node.cost[:-1],
        idle=idle[:-1],
        overhead=overhead[:-1],
        oversell_gain=np.where(is_oversold, gain, 0)[:-1],
        burst_gain=np.where(is_oversold, 0, gain)[:-1],
        is_costed=(node.is_split & ((node.capacity > 0) | (node.cost == 0)))[:-1],
        sold_seconds=sold[:-1],
        idle_seconds=np.maximum(node.allocatable - sold, 0.0)[:-1],
    )
