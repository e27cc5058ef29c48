"""What the assets beside nodes of a simulated company cost, exactly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from models.simulation.assets import (
    CONTROL_PLANE_HOURLY_PRICE,
    GIB_PRICES_BY_CLASS,
    LOAD_BALANCER_HOURLY_PRICE,
    MONTHLY_GIB_PRICES,
    build_assets,
    traffic_by_hour,
)
from models.simulation.instance_types import CONTRACTED_RATIO
from models.simulation.timeline import ClusterTimeline

_HOURS_PER_MONTH = 730
_NANO = Decimal("1e-9")
_DISCOUNT = Decimal(str(CONTRACTED_RATIO["on_demand"]))
_GIB = Decimal(1024**3)


@dataclass(frozen=True)
class AssetPrice:
    """List and contracted price per unit of one kind of asset; ``type_name`` empty for every type."""

    asset_kind: str
    type_name: str
    unit: str
    list_price: Decimal

    @property
    def contracted_price(self) -> Decimal:
        """List price less the negotiated discount; it is what is really paid."""
        return (self.list_price * _DISCOUNT).quantize(_NANO)


def asset_prices() -> tuple[AssetPrice, ...]:
    """Return the prices of volumes, load balancers, traffic and control planes."""
    volumes = [
        AssetPrice("volume", name, "gib_hour", (Decimal(price) / _HOURS_PER_MONTH).quantize(_NANO))
        for name, price in sorted(MONTHLY_GIB_PRICES.items())
    ]
    traffic = [
        AssetPrice("network", name, "gib", price) for name, price in sorted(GIB_PRICES_BY_CLASS.items())
    ]
    return (
        AssetPrice("control_plane", "", "hour", CONTROL_PLANE_HOURLY_PRICE),
        AssetPrice("load_balancer", "", "hour", LOAD_BALANCER_HOURLY_PRICE),
        *traffic,
        *volumes,
    )


def asset_uses(timeline: ClusterTimeline, start: int, end: int) -> Iterator[tuple[AssetPrice, str, Decimal]]:
    """Yield what a cluster used of its assets: price, resource id and units.

    Parameters
    ----------
    start, end : int
        Unix seconds, whole hours; traffic counts in the interval in which it was sent.
    """
    by_kind = {(price.asset_kind, price.type_name): price for price in asset_prices()}
    assets, cluster = build_assets(timeline), timeline.plan.name
    for volume in assets.volumes:
        if seconds := _overlap(volume.created_at, volume.deleted_at, start, end):
            quantity = Decimal(volume.size_gib * seconds) / 3600
            yield by_kind["volume", volume.storage_class], volume.provider_id, quantity
    for balancer in assets.balancers:
        if seconds := _overlap(balancer.created_at, balancer.deleted_at, start, end):
            yield by_kind["load_balancer", ""], balancer.address, Decimal(seconds) / 3600
    yield by_kind["control_plane", ""], f"cluster/{cluster}", Decimal(end - start) / 3600
    sent: dict[str, float] = defaultdict(float)
    for _, traffic_class, starts, _, amounts in traffic_by_hour(timeline):
        sent[traffic_class] += float(amounts[(starts >= start) & (starts < end)].sum())
    for traffic_class, amount in sorted(sent.items()):
        yield by_kind["network", traffic_class], f"traffic/{cluster}", Decimal(round(amount)) / _GIB


def asset_costs(timeline: ClusterTimeline) -> dict[str, Decimal]:
    """Return what the assets of a cluster cost over the scenario, by kind, at contracted prices."""
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for price, _, quantity in asset_uses(timeline, timeline.start, timeline.end):
        costs[price.asset_kind] += quantity * price.contracted_price
    return dict(sorted(costs.items()))


def _overlap(created_at: int, deleted_at: int, start: int, end: int) -> int:
    return max(0, min(deleted_at, end) - max(created_at, start))
