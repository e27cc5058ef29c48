"""Nodes of one pool that could go after its pods are packed anew, before and after requests change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.packing.first_fit import FloatArray, find_removable
from models.packing.placement import Placement


@dataclass(frozen=True, eq=False)
class PoolPlan:
    """Nodes that can go, shape (nodes,) each: by packing alone, and with the advised requests."""

    removable_now: NDArray[np.bool_]
    removable_then: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PoolPods:
    """Requests of a pool's pods, shape (pods, dimensions), now and as advised.

    ``on_every_node`` is what pods of DaemonSets take from each node, shape (dimensions,), now and then.
    """

    now: FloatArray
    then: FloatArray
    on_every_node_now: FloatArray
    on_every_node_then: FloatArray


def plan_pool(
    pods: PoolPods, nodes: FloatArray, hourly_cost: FloatArray, placement: Placement | None = None
) -> PoolPlan:
    """Pack a pool by first-fit decreasing, filling the nodes that are cheapest for their size first.

    It is arithmetic, not a scheduling replay: pods stay in their pool.

    Parameters
    ----------
    pods : PoolPods
    nodes : ndarray of float, shape (nodes, dimensions)
        Allocatable.
    hourly_cost : ndarray of float, shape (nodes,)
        Effective; NaN counts as dearest, so that unpriced nodes are emptied last of all figures.
    placement : Placement, optional
        Taints, selectors, required affinity, pins; without it only room is looked at.
    """
    order = order_nodes(nodes, hourly_cost)
    return PoolPlan(
        find_removable(pods.now, nodes - pods.on_every_node_now, order, placement),
        find_removable(pods.then, nodes - pods.on_every_node_then, order, placement),
    )


def order_nodes(nodes: FloatArray, hourly_cost: FloatArray) -> NDArray[np.int64]:
    """Return the nodes in the order in which they are filled: the cheapest for their size first."""
    size = (nodes / np.maximum(nodes.max(axis=0, initial=0.0), 1e-12)).sum(axis=1)
    per_size = np.where(np.isnan(hourly_cost), np.inf, hourly_cost) / np.maximum(size, 1e-12)
    return np.lexsort((np.arange(len(nodes)), -size, per_size)).astype(np.int64)
