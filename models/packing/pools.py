"""Nodes of one pool that could go after its pods are packed anew, before and after requests change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.packing.first_fit import FloatArray, find_removable


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


def plan_pool(pods: PoolPods, nodes: FloatArray, hourly_cost: FloatArray) -> PoolPlan:
    """Pack a pool by first-fit decreasing, filling the nodes that are cheapest for their size first.

    Affinity, disruption budgets and local disks are not looked at, so this bounds what can be banked; it is
    arithmetic, not a scheduling replay.

    Parameters
    ----------
    pods : PoolPods
    nodes : ndarray of float, shape (nodes, dimensions)
        Allocatable.
    hourly_cost : ndarray of float, shape (nodes,)
        Effective; NaN counts as dearest, so that unpriced nodes are emptied last of all figures.
    """
    size = (nodes / np.maximum(nodes.max(axis=0, initial=0.0), 1e-12)).sum(axis=1)
    per_size = np.where(np.isnan(hourly_cost), np.inf, hourly_cost) / np.maximum(size, 1e-12)
    order = np.lexsort((np.arange(len(nodes)), -size, per_size)).astype(np.int64)
    return PoolPlan(
        find_removable(pods.now, nodes - pods.on_every_node_now, order),
        find_removable(pods.then, nodes - pods.on_every_node_then, order),
    )
