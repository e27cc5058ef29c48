"""Serverless nodes: the provider bills each pod for what it requests, the node itself costs nothing.

Per node-hour and resource r with ``p_r`` the component price per resource-second and ``q_i`` the request of
container i in resource-seconds::

    cost_i = p_r q_i      used = p_r min(u_i, q_i)      unused request = the rest      node = sum of cost_i

It is the rule of ordinary nodes for a node that is exactly as large as what its pods request: there is no
idle and no overhead. A container without a request costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.allocation.columns import (
    WEIGHT_UNIT,
    ContainerColumns,
    ContainerResource,
    Flags,
    Floats,
    NodeColumns,
    NodeResource,
    Rows,
)


@dataclass(frozen=True)
class PodRates:
    """Which node-hours are billed by their pods, and at what; arrays of length G.

    Parameters
    ----------
    is_by_pod : bool array
    rates : mapping of str to float64 array
        Nano-units per resource-second; what stands on other node-hours is not looked at.
    """

    is_by_pod: Flags
    rates: Mapping[str, Floats]

    def subset(self, rows: Rows) -> PodRates:
        """Return the rates of some node-hours."""
        return PodRates(self.is_by_pod[rows], {name: part[rows] for name, part in self.rates.items()})


def bill_by_pods(
    containers: ContainerColumns, nodes: NodeColumns, rates: PodRates
) -> tuple[ContainerColumns, NodeColumns]:
    """Give serverless node-hours the size and the cost of what their pods request.

    Parameters
    ----------
    containers : ContainerColumns
        All container-hours of these node-hours.
    nodes : NodeColumns
    rates : PodRates
        Of the same node-hours.

    Returns
    -------
    tuple
        Both, for ``allocate_node_hours``; other node-hours and their containers are as they were.
    """
    count = len(nodes.cost_units)
    group = np.where(containers.node_hour < 0, count, containers.node_hour)
    is_billed = np.append(rates.is_by_pod, False)[group]
    cost = nodes.cost_units.copy()
    cost[rates.is_by_pod] = 0
    resources, demands = {}, dict(containers.resources)
    for name, facts in nodes.resources.items():
        rate = rates.rates[name]
        demand = containers.resources.get(name)
        if demand is not None:
            demands[name] = _within_request(demand, is_billed)
            asked = np.nan_to_num(demand.request_seconds)
            total = np.bincount(group, weights=asked, minlength=count + 1)[:-1].astype(np.float64)
        else:
            total = np.zeros(count)
        cost += np.where(rates.is_by_pod, np.rint(rate * total), 0.0).astype(np.int64)
        resources[name] = _sized(facts, total, rate * WEIGHT_UNIT[name], rates.is_by_pod)
    return (
        ContainerColumns(containers.node_hour, demands, containers.identity_rank),
        NodeColumns(cost, nodes.is_priced, resources),
    )


def _within_request(demand: ContainerResource, is_billed: Flags) -> ContainerResource:
    """Cut use to the request: nothing beyond it is billed."""
    request = np.nan_to_num(demand.request_seconds)
    cut = np.where(np.isnan(demand.usage_seconds), np.nan, np.minimum(demand.usage_seconds, request))
    return ContainerResource(demand.request_seconds, np.where(is_billed, cut, demand.usage_seconds))


def _sized(facts: NodeResource, total: Floats, weight: Floats, is_by_pod: Flags) -> NodeResource:
    return NodeResource(
        np.where(is_by_pod, total, facts.capacity_seconds),
        np.where(is_by_pod, total, facts.allocatable_seconds),
        np.where(is_by_pod, weight, facts.weight),
    )
