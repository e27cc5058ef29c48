"""Nodes of a simulated cluster, with the labels and ids that providers give them."""

from __future__ import annotations

from models.simulation.noise import seed_of, uid_of
from models.simulation.scenario import ClusterPlan, PoolPlan
from models.simulation.timeline import SimulatedNode


def build_nodes(plan: ClusterPlan, seed: int, start: int, end: int) -> tuple[SimulatedNode, ...]:
    """Return the nodes of all pools from the changes planned; the oldest of a pool leave first.

    Nodes of the first minute exist since before the scenario as far as it can see: they are created at
    ``start``.
    """
    lives: list[tuple[int, int, PoolPlan]] = []
    for pool in plan.pools:
        alive = [len(lives) + number for number in range(pool.node_count)]
        lives.extend((start, end, pool) for _ in alive)
        for change in sorted(pool.changes, key=lambda change: change.at):
            if change.count > 0:
                alive.extend(range(len(lives), len(lives) + change.count))
                lives.extend((change.at, end, pool) for _ in range(change.count))
            for position in alive[: -change.count] if change.count < 0 else []:
                lives[position] = (lives[position][0], change.at, pool)
            alive = alive[-change.count :] if change.count < 0 else alive
    return tuple(_node(plan, seed, place, life, end) for place, life in enumerate(lives))


def _node(
    plan: ClusterPlan, seed: int, position: int, life: tuple[int, int, PoolPlan], end: int
) -> SimulatedNode:
    created_at, deleted_at, pool = life
    zone = pool.zones[position % len(pool.zones)]
    address = seed_of(seed, "address", position)
    name = f"ip-10-{20 + address % 40}-{position // 200}-{10 + position % 200}"
    uid = uid_of(seed, "node", name, created_at)
    instance = f"i-{seed_of(seed, 'instance', position):016x}0"
    if plan.provider == "gcp":
        name = f"gke-{plan.name}-{pool.name}-{instance[2:10]}-{uid[:4]}"
    provider_id = (
        f"gce://{plan.name}-project/{zone}/{name}" if plan.provider == "gcp" else f"aws:///{zone}/{instance}"
    )
    return SimulatedNode(
        position=position,
        name=name,
        uid=uid,
        provider_id=provider_id,
        system_uuid=uid_of(seed, "system", name, created_at),
        pool=pool,
        zone=zone,
        created_at=created_at,
        deleted_at=deleted_at,
        is_deleted=deleted_at < end,
        labels=_labels(plan, pool, zone, name),
    )


def _labels(plan: ClusterPlan, pool: PoolPlan, zone: str, name: str) -> dict[str, str]:
    is_spot = pool.purchase_option == "spot"
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": plan.region,
        "topology.kubernetes.io/zone": zone,
    }
    if plan.provider == "gcp":
        labels["cloud.google.com/gke-nodepool"] = pool.name
        labels["cloud.google.com/gke-provisioning"] = "spot" if is_spot else "standard"
    else:
        labels["eks.amazonaws.com/nodegroup"] = pool.name
        labels["eks.amazonaws.com/capacityType"] = "SPOT" if is_spot else "ON_DEMAND"
    return labels
