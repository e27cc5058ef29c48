"""Placing pods on nodes: requests fit into what is allocatable, spread over the pool as Kubernetes does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

_LARGE_SHARE = 0.1


class NodeCapacity:
    """Free capacity of the nodes of one cluster, changed as pods come and go.

    Parameters
    ----------
    cpu_allocatable_cores, memory_allocatable_bytes : float array, one per node
    pod_slots : int array, one per node
    pools : sequence of str
        Pool of each node.
    """

    def __init__(
        self,
        cpu_allocatable_cores: Float,
        memory_allocatable_bytes: Float,
        pod_slots: NDArray[np.int64],
        pools: list[str],
    ) -> None:
        self._cpu_allocatable = cpu_allocatable_cores
        self._cpu_free = cpu_allocatable_cores.copy()
        self._memory_free = memory_allocatable_bytes.copy()
        self._slots_free = pod_slots.copy()
        self._alive = np.zeros(len(pools), dtype=bool)
        self._in_pool = {pool: np.array([name == pool for name in pools]) for pool in set(pools)}
        self._in_pool[""] = np.ones(len(pools), dtype=bool)

    def add_node(self, node: int) -> None:
        """Let a node take pods."""
        self._alive[node] = True

    def remove_node(self, node: int) -> None:
        """Let a node take no more pods."""
        self._alive[node] = False

    def find(self, pool: str, cpu_cores: float, memory_bytes: float) -> int | None:
        """Return the node of the pool that the pod goes to, or None if it fits nowhere.

        Small pods go where the largest share of CPU is free, as the scheduler's default spreads them. Large
        ones go where the smallest share is left that holds them: spread evenly, they would soon find every
        node half free and none free enough, for which real clusters have autoscalers.
        """
        fits = (
            self._alive
            & self._in_pool[pool]
            & (self._cpu_free >= cpu_cores - 1e-9)
            & (self._memory_free >= memory_bytes)
            & (self._slots_free > 0)
        )
        if not fits.any():
            return None
        share = self._cpu_free / self._cpu_allocatable
        if cpu_cores >= _LARGE_SHARE * self._cpu_allocatable[fits].min():
            return int(np.argmin(np.where(fits, share, 2.0)))
        return int(np.argmax(np.where(fits, share, -1.0)))

    def fits(self, node: int, cpu_cores: float, memory_bytes: float) -> bool:
        """Return whether the requests fit on one node."""
        return bool(
            self._cpu_free[node] >= cpu_cores - 1e-9
            and self._memory_free[node] >= memory_bytes
            and self._slots_free[node] > 0
        )

    def take(self, node: int, cpu_cores: float, memory_bytes: float) -> None:
        """Reserve capacity for a pod."""
        self._cpu_free[node] -= cpu_cores
        self._memory_free[node] -= memory_bytes
        self._slots_free[node] -= 1

    def release(self, node: int, cpu_cores: float, memory_bytes: float) -> None:
        """Give back what a pod had reserved."""
        self.take(node, -cpu_cores, -memory_bytes)
        self._slots_free[node] += 2
