"""Packing pods onto nodes: first-fit decreasing under placement rules, exact for a handful of pods."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.packing.balanced import place_balanced
from models.packing.placement import Placement

FloatArray = NDArray[np.float64]

MOST_PODS_EXACT = 12
"""Up to so many pods on like nodes the optimum is searched for."""
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Packing:
    """Where pods go.

    Parameters
    ----------
    node : ndarray of int, shape (pods,)
        Node of each pod, -1 where it fits nowhere.
    is_used : ndarray of bool, shape (nodes,)
    """

    node: NDArray[np.int64]
    is_used: NDArray[np.bool_]

    @property
    def fits(self) -> bool:
        """Whether every pod found a node."""
        return bool((self.node >= 0).all())


def pack_first_fit(
    pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64], placement: Placement | None = None
) -> Packing:
    """Place the largest pods first, each on the first node in the order that has room in every dimension.

    Pods of few allowed nodes go before others; pinned pods stay where they are.

    Parameters
    ----------
    pods : ndarray of float, shape (pods, dimensions)
        Requests.
    nodes : ndarray of float, shape (nodes, dimensions)
        Room, in the same units: allocatable less what runs on every node.
    node_order : ndarray of int, shape (nodes,)
        Nodes to fill first.
    placement : Placement, optional
        Taints, selectors, anti-affinity and pins; none by default.

    Returns
    -------
    Packing
        Depends on the sizes only, not on the order of equal pods.
    """
    rules = placement or Placement.free(len(pods), len(nodes))
    free, placed, order = _start(pods, nodes, node_order, rules)
    taken = _Taken(rules, len(nodes), placed)
    _place(pods, free[order], order, (rules, taken), placed)
    return _packing(placed, len(nodes))


def pack(
    pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64], placement: Placement | None = None
) -> Packing:
    """Return the better of first-fit decreasing and filling node by node: all pods first, then fewest nodes.

    Parameters are those of ``pack_first_fit``.
    """
    rules = placement or Placement.free(len(pods), len(nodes))
    free, placed, order = _start(pods, nodes, node_order, rules)
    packings = [
        pack_first_fit(pods, nodes, node_order, placement),
        _packing(place_balanced(pods, free, order, rules, placed), len(nodes)),
    ]
    return min(packings, key=lambda one: (not one.fits, int(one.is_used.sum())))


def _start(
    pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64], rules: Placement
) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.int64]]:
    """Return the room that pinned pods leave, their nodes, and the order, nodes with pinned pods first."""
    free, placed = nodes.copy(), np.full(len(pods), -1, dtype=np.int64)
    pinned = np.flatnonzero(rules.pinned_to >= 0)
    placed[pinned] = rules.pinned_to[pinned]
    np.subtract.at(free, placed[pinned], pods[pinned])
    stands = np.zeros(len(nodes), dtype=np.bool_)
    stands[placed[pinned]] = True
    return free, placed, node_order[np.argsort(~stands[node_order], kind="stable")]


def _packing(placed: NDArray[np.int64], node_count: int) -> Packing:
    is_used = np.zeros(node_count, dtype=np.bool_)
    is_used[placed[placed >= 0]] = True
    return Packing(placed, is_used)


class _Taken:
    """Nodes that already hold a pod of each group that spreads one per node."""

    def __init__(self, rules: Placement, node_count: int, placed: NDArray[np.int64]) -> None:
        self._nodes = {
            int(group): np.zeros(node_count, dtype=np.bool_)
            for group in np.unique(rules.spread)
            if group >= 0
        }
        for group, node in zip(rules.spread[placed >= 0], placed[placed >= 0], strict=True):
            self.add(int(group), int(node))

    def of(self, group: int) -> NDArray[np.bool_] | None:
        return self._nodes.get(group)

    def add(self, group: int, node: int) -> None:
        if group >= 0:
            self._nodes[group][node] = True


def _place(
    pods: FloatArray,
    free: FloatArray,
    order: NDArray[np.int64],
    rules: tuple[Placement, _Taken],
    placed: NDArray[np.int64],
) -> None:
    """Fill ``placed`` for all pods that have no node yet; ``free`` is in the order of ``order``."""
    placement, taken = rules
    scale = np.maximum(free.max(axis=0, initial=0.0), 1e-12)
    relative = pods / scale
    allowed = placement.allowed[:, order]
    room = allowed.sum(axis=1)[placement.group]
    by_size = np.lexsort((-relative.sum(axis=1), -relative.max(axis=1, initial=0.0), room))
    tolerance = _TOLERANCE * scale
    columns = [free[:, d] for d in range(free.shape[1])]
    for pod in by_size[placed[by_size] < 0]:
        fits = allowed[placement.group[pod]].copy()
        for dimension, column in enumerate(columns):
            fits &= column >= pods[pod, dimension] - tolerance[dimension]
        spread = int(placement.spread[pod])
        used = taken.of(spread)
        if used is not None:
            fits &= ~used[order]
        first = int(fits.argmax()) if len(fits) else 0
        if len(fits) and fits[first]:
            free[first] -= pods[pod]
            placed[pod] = order[first]
            taken.add(spread, int(order[first]))


def find_removable(
    pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64], placement: Placement | None = None
) -> NDArray[np.bool_]:
    """Return which nodes stay empty when the pods are packed anew, shape (nodes,).

    No node can go when some pod fits nowhere: then the packing says nothing. A few pods without rules on like
    nodes are packed exactly.
    """
    packing = pack(pods, nodes, node_order, placement)
    if not packing.fits:
        return np.zeros(len(nodes), dtype=np.bool_)
    is_alike = len(nodes) > 0 and bool(np.allclose(nodes, nodes[0]))
    is_free = placement is None or placement.is_free
    if is_alike and is_free and 0 < len(pods) <= MOST_PODS_EXACT:
        keep = node_order[: count_nodes(pods, nodes[0])]
        is_empty = np.ones(len(nodes), dtype=np.bool_)
        is_empty[keep] = False
        return is_empty
    return ~packing.is_used


def count_nodes(pods: FloatArray, node: FloatArray) -> int:
    """Return how many like nodes hold the pods: the fewest for up to 12 pods, else nearly.

    Parameters
    ----------
    pods : ndarray of float, shape (pods, dimensions)
        Each fits on an empty node.
    node : ndarray of float, shape (dimensions,)
    """
    if len(pods) == 0:
        return 0
    nodes = np.tile(node, (len(pods), 1))
    found = int(pack(pods, nodes, np.arange(len(pods), dtype=np.int64)).is_used.sum())
    if len(pods) > MOST_PODS_EXACT or found <= lower_bound(pods, node):
        return found
    by_size = np.argsort(-(pods / np.maximum(node, 1e-12)).max(axis=1), kind="stable")
    return _search(pods[by_size], node, found)


def lower_bound(pods: FloatArray, node: FloatArray) -> int:
    """Return the fewest like nodes that any packing needs: ``max_r ceil(sum of requests_r / room_r)``."""
    ratio = pods.sum(axis=0) / np.maximum(node, 1e-12)
    return max(ceil(float(ratio.max(initial=0.0)) - _TOLERANCE), 0)


def _search(pods: FloatArray, node: FloatArray, best: int) -> int:
    """Return the fewest nodes by depth-first search; a pod opens at most one new node (they are alike)."""
    least = lower_bound(pods, node)
    limit = node * (1 + _TOLERANCE)

    def visit(index: int, used: list[FloatArray], best: int) -> int:
        if best <= least or len(used) >= best:
            return best
        if index == len(pods):
            return len(used)
        for place, load in enumerate(used):
            grown = load + pods[index]
            if (grown <= limit).all():
                best = visit(index + 1, [*used[:place], grown, *used[place + 1 :]], best)
        return visit(index + 1, [*used, pods[index]], best)

    return visit(0, [], best)
