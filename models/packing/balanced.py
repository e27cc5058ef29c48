"""Filling one node after the other with the pods that suit what is left of it (dot-product heuristic).

Sorting by the largest dimension leaves the small pods for last, and these then run into the pod limit of
nodes whose CPU is idle. Here the next pod of a node is the one with the largest
``sum_d w_d size_d left_d / |size|^0.75``, sizes and room relative to the node, ``w_d`` the share of all room
that is asked for (Panigrahy, Talwar, Uyeda and Wieder, "Heuristics for vector bin packing", 2011; the divisor
is ours: it lets a small pod of the right shape go before a large one).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.packing.placement import Placement

FloatArray = NDArray[np.float64]
_TOLERANCE = 1e-9
_MOST_KINDS = 1000
_STEP_RATIO = 1.1
"""With more kinds of pods, sizes are rounded up to powers of this, so that fewer kinds are left."""
_SIZE_POWER = 0.75
"""Measured on log-normal pods (``bench_packing``): 0 left 16 % above the lower bound, 0.75 under 1 %."""


@dataclass(frozen=True, eq=False)
class _Kinds:
    """Pods that are alike: sizes, shape (kinds, dimensions); rule group, spread group, members."""

    sizes: FloatArray
    group: NDArray[np.int64]
    spread: NDArray[np.int64]
    members: list[list[int]]


def place_balanced(
    pods: FloatArray,
    free: FloatArray,
    node_order: NDArray[np.int64],
    placement: Placement,
    placed: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the node of each pod, -1 where it fits nowhere.

    Parameters
    ----------
    pods : ndarray of float, shape (pods, dimensions)
    free : ndarray of float, shape (nodes, dimensions)
        Room that pinned pods leave.
    node_order : ndarray of int, shape (nodes,)
    placement : Placement
    placed : ndarray of int, shape (pods,)
        Nodes of pinned pods, -1 for the rest.
    """
    result = placed.copy()
    scale = np.maximum(free.max(axis=0, initial=0.0), 1e-12)
    movable = np.flatnonzero(placed < 0)
    kinds = _find_kinds(pods, placement, movable)
    if len(kinds.members) > _MOST_KINDS:
        kinds = _find_kinds(_round_up(pods, scale), placement, movable)
    left = np.array([len(members) for members in kinds.members], dtype=np.int64)
    asked = pods[placed < 0].sum(axis=0) / np.maximum(free.clip(min=0).sum(axis=0), 1e-12)
    taken = {(int(s), int(n)) for s, n in zip(placement.spread, placed, strict=True) if s >= 0 and n >= 0}
    for node in node_order:
        is_open = placement.allowed[kinds.group, node] & (left > 0)
        for spread in {s for s, at in taken if at == node}:
            is_open &= kinds.spread != spread
        room = free[node] + _TOLERANCE * scale
        for kind in _fill(kinds, left, is_open, room / scale, (asked, scale)):
            result[kinds.members[kind].pop()] = node
        if not left.any():
            break
    return result


def _fill(
    kinds: _Kinds,
    left: NDArray[np.int64],
    is_open: NDArray[np.bool_],
    room: FloatArray,
    weighing: tuple[FloatArray, FloatArray],
) -> list[int]:
    """Return the kinds put on one node, in order; ``left`` is counted down."""
    asked, scale = weighing
    sizes = kinds.sizes / scale
    weighed = sizes * asked / np.maximum(np.linalg.norm(sizes, axis=1), 1e-12)[:, None] ** _SIZE_POWER
    chosen: list[int] = []
    while True:
        fits = is_open & (sizes <= room).all(axis=1)
        if not fits.any():
            return chosen
        kind = int(np.where(fits, weighed @ room, -1.0).argmax())
        chosen.append(kind)
        room = room - sizes[kind]
        left[kind] -= 1
        if left[kind] == 0:
            is_open[kind] = False
        if kinds.spread[kind] >= 0:
            is_open &= kinds.spread != kinds.spread[kind]


def _round_up(pods: FloatArray, scale: FloatArray) -> FloatArray:
    """Return sizes rounded up by at most a tenth, never above a whole node, where pods differ."""
    differs = np.ptp(pods, axis=0) > 0
    relative = np.maximum(pods / scale, 1e-12)
    steps = np.ceil(np.log(relative) / np.log(_STEP_RATIO) - _TOLERANCE)
    rounded = np.maximum(np.minimum(_STEP_RATIO**steps, 1.0), relative) * scale
    return np.where(differs & (pods > 0), rounded, pods)


def _find_kinds(pods: FloatArray, placement: Placement, movable: NDArray[np.int64]) -> _Kinds:
    rows = np.column_stack([pods[movable], placement.group[movable], placement.spread[movable]])
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    members: list[list[int]] = [[] for _ in unique]
    for pod, kind in zip(movable[::-1], inverse.reshape(-1)[::-1], strict=True):
        members[kind].append(int(pod))
    dimensions = pods.shape[1]
    rules = unique[:, dimensions:].astype(np.int64)
    return _Kinds(unique[:, :dimensions], rules[:, 0], rules[:, 1], members)
