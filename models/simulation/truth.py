"""What really happened in a simulated cluster, summed: the figures that a source must lead back to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from models.simulation.asset_prices import asset_costs
from models.simulation.instance_types import (
    COMMITTED_RATIO,
    CONTRACTED_RATIO,
    INSTANCE_TYPES,
    REGION_PRICE_RATIO,
    SPOT_RATIO,
)
from models.simulation.scenario import PoolPlan, Scenario
from models.simulation.timeline import ClusterTimeline, SimulatedNode
from models.simulation.usage import UsageRows

_PRICE_STEP = Decimal("0.00001")
PRICES_KNOWN_SINCE = 1_767_225_600
"""1 January 2026: prices of a simulation hold from before its start."""


@dataclass(frozen=True)
class HourlyPrice:
    """Price of a node per hour from ``start`` to ``end`` (Unix seconds, None: until further notice)."""

    start: int
    end: int | None
    list_price: Decimal
    contracted_price: Decimal
    effective_price: Decimal


def prices_of(scenario: Scenario, region: str, pool: PoolPlan) -> tuple[HourlyPrice, ...]:
    """Return the prices of a pool's nodes over time: one, or two when the scenario changes prices."""
    base = INSTANCE_TYPES[pool.instance_type].hourly_list_price * REGION_PRICE_RATIO[region]
    if pool.purchase_option == "spot":
        base *= SPOT_RATIO
    change = scenario.price_change_at
    periods = [(PRICES_KNOWN_SINCE, change, 1.0)]
    if change is not None:
        periods.append((change, None, scenario.price_change_ratio))
    prices = []
    for start, end, ratio in periods:
        contracted = base * ratio * CONTRACTED_RATIO[pool.purchase_option]
        effective = contracted * (COMMITTED_RATIO if pool.is_committed else 1.0)
        amounts = (
            Decimal(str(amount)).quantize(_PRICE_STEP) for amount in (base * ratio, contracted, effective)
        )
        prices.append(HourlyPrice(start, end, *amounts))
    return tuple(prices)


def cost_between(prices: tuple[HourlyPrice, ...], start: int, end: int) -> tuple[Decimal, Decimal, Decimal]:
    """Return list, contracted and effective cost of one node from ``start`` to ``end``, exactly."""
    total = [Decimal(0), Decimal(0), Decimal(0)]
    for price in prices:
        seconds = min(end, price.end or end) - max(start, price.start)
        if seconds > 0:
            hours = Decimal(seconds) / 3600
            for place, amount in enumerate((price.list_price, price.contracted_price, price.effective_price)):
                total[place] += amount * hours
    return total[0], total[1], total[2]


@dataclass
class ClusterTruth:
    """Sums of one cluster; core-hours and byte-hours of what ran, and of what was scraped."""

    timeline: ClusterTimeline
    usage_rows: int = 0
    oom_killed_count: int = 0
    cpu_core_hours_by_team: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    memory_gib_hours_by_team: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    scraped_cpu_core_hours_by_team: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, rows: UsageRows) -> None:
        """Count a chunk of use."""
        teams = sorted({plan.team for plan in self.timeline.plan.workloads})
        codes = np.array([teams.index(plan.team) for plan in self.timeline.plan.workloads])
        of_row = codes[self.timeline.containers.workload[rows.container]]
        seconds = rows.seconds / 3600.0
        cpu = rows.cpu_usage_cores * seconds
        memory = rows.memory_usage_bytes.astype(np.float64) * seconds / 1024**3
        for name, weights in (
            ("cpu_core_hours_by_team", cpu),
            ("memory_gib_hours_by_team", memory),
            ("scraped_cpu_core_hours_by_team", np.where(rows.is_scraped, cpu, 0.0)),
        ):
            sums = np.bincount(of_row, weights, minlength=len(teams))
            for team, amount in zip(teams, sums.tolist(), strict=True):
                getattr(self, name)[team] += amount
        self.usage_rows += int(rows.is_scraped.sum())
        self.oom_killed_count += int(rows.oom_killed_count.sum())

    def report(self, scenario: Scenario) -> dict[str, object]:
        """Return the sums as plain values, money as text."""
        nodes = self.timeline.nodes
        return {
            "cluster": self.timeline.plan.name,
            "node_count": len(nodes),
            "pod_count": len(self.timeline.pods),
            "node_hours": sum(_node_seconds(node) for node in nodes) / 3600,
            "node_hours_by_pool": _by_pool(nodes),
            "cost": _cost(scenario, self.timeline),
            "asset_cost": {kind: f"{cost:.9f}" for kind, cost in asset_costs(self.timeline).items()},
            "usage_rows": self.usage_rows,
            "oom_killed_count": self.oom_killed_count,
            "cpu_core_hours_by_team": dict(sorted(self.cpu_core_hours_by_team.items())),
            "memory_gib_hours_by_team": dict(sorted(self.memory_gib_hours_by_team.items())),
            "scraped_cpu_core_hours_by_team": dict(sorted(self.scraped_cpu_core_hours_by_team.items())),
        }


def _node_seconds(node: SimulatedNode) -> int:
    return node.deleted_at - node.created_at


def _by_pool(nodes: tuple[SimulatedNode, ...]) -> dict[str, float]:
    pools: dict[str, float] = defaultdict(float)
    for node in nodes:
        pools[node.pool.name] += _node_seconds(node) / 3600
    return dict(pools)


def _cost(scenario: Scenario, timeline: ClusterTimeline) -> dict[str, str]:
    total = [Decimal(0), Decimal(0), Decimal(0)]
    for node in timeline.nodes:
        prices = prices_of(scenario, timeline.plan.region, node.pool)
        for place, amount in enumerate(cost_between(prices, node.created_at, node.deleted_at)):
            total[place] += amount
    named = zip(("list", "contracted", "effective"), total, strict=True)
    return {"currency": scenario.currency, **{name: f"{amount:.9f}" for name, amount in named}}
