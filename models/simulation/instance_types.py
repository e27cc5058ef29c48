"""Instance types of simulated nodes: size, what Kubernetes leaves of it, and prices like published ones."""

from __future__ import annotations

from dataclasses import dataclass

GIBIBYTE = 1024.0**3


@dataclass(frozen=True)
class InstanceType:
    """A machine size on offer.

    Parameters
    ----------
    name : str
    cpu_cores : int
    memory_gib : float
    hourly_list_price : float
        On-demand price in US dollars per hour, close to what was published in 2026.
    """

    name: str
    cpu_cores: int
    memory_gib: float
    hourly_list_price: float

    @property
    def memory_bytes(self) -> float:
        """Memory that the kernel sees: the sold size less about 2.2 % for firmware and kernel."""
        return float(int(self.memory_gib * GIBIBYTE * 0.978) // 4096 * 4096)

    @property
    def cpu_allocatable_cores(self) -> float:
        """Cores less the kubelet's reserve (6 % of the first, 1 % of the second, 0.5 % of two, 0.25 %)."""
        reserved = sum(
            share * max(0, min(self.cpu_cores, upper) - lower)
            for lower, upper, share in ((0, 1, 0.06), (1, 2, 0.01), (2, 4, 0.005), (4, 1024, 0.0025))
        )
        return round(self.cpu_cores - reserved, 3)

    @property
    def memory_allocatable_bytes(self) -> float:
        """Memory less 11 MiB per pod slot, 255 MiB and the 100 MiB eviction threshold."""
        return self.memory_bytes - (11 * self.pod_slots + 355) * 1024.0**2

    @property
    def pod_slots(self) -> int:
        """Pods that the node accepts."""
        return 58 if self.cpu_cores <= 8 else 110


INSTANCE_TYPES = {
    kind.name: kind
    for kind in (
        InstanceType("m6i.large", 2, 8, 0.096),
        InstanceType("m6i.xlarge", 4, 16, 0.192),
        InstanceType("m6i.2xlarge", 8, 32, 0.384),
        InstanceType("m6i.4xlarge", 16, 64, 0.768),
        InstanceType("c6i.2xlarge", 8, 16, 0.340),
        InstanceType("r6i.xlarge", 4, 32, 0.252),
        InstanceType("r6i.2xlarge", 8, 64, 0.504),
        InstanceType("n2-standard-4", 4, 16, 0.194),
        InstanceType("n2-standard-8", 8, 32, 0.389),
    )
}

REGION_PRICE_RATIO = {"eu-central-1": 1.20, "us-east-1": 1.0, "europe-west1": 1.10}
"""List price by region relative to the cheapest."""

CONTRACTED_RATIO = {"on_demand": 0.93, "spot": 1.0}
"""Contracted price over list price: a negotiated discount of 7 %, none on spot."""

COMMITTED_RATIO = 0.66
"""Effective over contracted price where a one-year commitment, amortised, covers the nodes."""

SPOT_RATIO = 0.34
"""Spot list price over on-demand list price."""
