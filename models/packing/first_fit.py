"""First-fit-decreasing packing of pods onto nodes: how many nodes a pool needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


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


def pack_first_fit(pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64]) -> Packing:
    """Place the largest pods first, each on the first node in the order that has room in every dimension.

    Parameters
    ----------
    pods : ndarray of float, shape (pods, dimensions)
        Requests.
    nodes : ndarray of float, shape (nodes, dimensions)
        Room, in the same units: allocatable less what runs on every node.
    node_order : ndarray of int, shape (nodes,)
        Nodes to fill first.

    Returns
    -------
    Packing
        Depends on the sizes only, not on the order of equal pods.
    """
    free = nodes[node_order].copy()
    scale = np.maximum(nodes.max(axis=0, initial=0.0), 1e-12)
    relative = pods / scale
    by_size = np.lexsort((-relative.sum(axis=1), -relative.max(axis=1, initial=0.0)))
    placed = np.full(len(pods), -1, dtype=np.int64)
    tolerance = 1e-9 * scale
    for pod in by_size:
        fits = (free + tolerance >= pods[pod]).all(axis=1)
        first = int(fits.argmax()) if len(fits) else 0
        if len(fits) and fits[first]:
            free[first] -= pods[pod]
            placed[pod] = node_order[first]
    is_used = np.zeros(len(nodes), dtype=np.bool_)
    is_used[placed[placed >= 0]] = True
    return Packing(placed, is_used)


def find_removable(pods: FloatArray, nodes: FloatArray, node_order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which nodes stay empty when the pods are packed anew, shape (nodes,).

    No node can go when some pod fits nowhere: then the packing says nothing.
    """
    packing = pack_first_fit(pods, nodes, node_order)
    return ~packing.is_used if packing.fits else np.zeros(len(nodes), dtype=np.bool_)
