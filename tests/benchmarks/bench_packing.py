"""Time of packing 30,000 pods onto 1,000 nodes: ``python tests/benchmarks/bench_packing.py``.

400 workloads of equal pods, as clusters have them, and 30,000 pods that all differ; with taints and without.
"""

from __future__ import annotations

import time

import numpy as np

from models.packing.first_fit import lower_bound, pack, pack_first_fit
from models.packing.placement import NodeRules, PodRules, build_placement

NODES, PODS, WORKLOADS = 1_000, 30_000, 400
NODE = np.array([32.0, 128.0, 110.0])


def draw(kinds: int) -> np.ndarray:
    """Return pods of so many kinds, shape (30,000, 3): cores, GiB, one."""
    random = np.random.default_rng(1)
    cores = random.lognormal(-1.2, 0.8, kinds).clip(0.02, 8)
    memory = (cores * random.uniform(1, 6, kinds)).clip(0.05, 64)
    return np.column_stack([cores, memory, np.ones(kinds)])[random.integers(0, kinds, PODS)]


def main() -> None:
    """Print one line per case."""
    nodes, order = np.tile(NODE, (NODES, 1)), np.arange(NODES)
    tainted = [{"key": "team", "value": "ml", "effect": "NoSchedule"}]
    node_rules = [NodeRules(str(n), {}, tainted if n % 10 == 0 else ()) for n in range(NODES)]
    for name, kinds in (("400 workloads", WORKLOADS), ("all pods differ", PODS)):
        pods = draw(kinds)
        least = lower_bound(pods, NODE)
        pod_rules = [PodRules(tolerations=tainted if n % 20 == 0 else ()) for n in range(PODS)]
        placement = build_placement(pod_rules, node_rules, [n % NODES for n in range(PODS)])
        first = pack_first_fit(pods, nodes, order)
        for case, rules in (("no rules", None), ("taints", placement)):
            began = time.perf_counter()
            packing = pack(pods, nodes, order, rules)
            seconds = time.perf_counter() - began
            used = int(packing.is_used.sum())
            print(
                f"{name}, {case}: {seconds:.2f} s, {used} nodes, lower bound {least}, "
                f"first-fit decreasing alone {int(first.is_used.sum())}"
            )


if __name__ == "__main__":
    main()
