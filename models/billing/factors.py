"""Blending what a bill really charges over the nodes of a family, so that teams do not pay by luck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from models.billing.assets import ClusterAsset
from models.billing.families import instance_family

BLEND = "blend"
AS_LANDED = "as_landed"
_DIGITS = Context(prec=24, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class BillFactor:
    """What list cost is multiplied by in one month to become the bill's cost. Picklable.

    Parameters
    ----------
    start, end : datetime
        The month, half-open.
    currency : str
    factor : Decimal
        Billed effective cost divided by list cost.
    billed_cost, list_cost : Decimal
        Currency units; what the factor was made of.
    family, region, is_spot
        The nodes it holds for; None where a node is named.
    cluster, node_key : str or None
        The node it holds for, under the policy ``as_landed``.
    """

    start: datetime
    end: datetime
    currency: str
    factor: Decimal
    billed_cost: Decimal
    list_cost: Decimal
    family: str | None = None
    region: str | None = None
    is_spot: bool | None = None
    cluster: str | None = None
    node_key: str | None = None

    @property
    def what(self) -> tuple[str, str, str, str, str]:
        """What it holds for, as texts that sort."""
        spot = "" if self.is_spot is None else str(self.is_spot)
        return (self.cluster or "", self.node_key or "", self.family or "", self.region or "", spot)


@dataclass(frozen=True)
class NodeMonth:
    """One node in one month: what the bill charged for it, and what its hours cost by list.

    Parameters
    ----------
    node : ClusterAsset
    billed_cost, list_cost : Decimal
        Effective cost of its lines, list cost of its observed hours that the bill covers.
    """

    node: ClusterAsset
    currency: str
    billed_cost: Decimal
    list_cost: Decimal


def bill_factors(
    nodes: Iterable[NodeMonth], start: datetime, end: datetime, policy: str = BLEND
) -> list[BillFactor]:
    """Return the factors of a month.

    Parameters
    ----------
    nodes : iterable of NodeMonth
        Nodes that the bill names and that have a list price.
    start, end : datetime
    policy : str
        ``blend``: one factor per family, region and purchase by spot or not, the sum of what its nodes were
        billed divided by the sum of their list cost. ``as_landed``: one factor per node.
    """
    sums: dict[tuple[object, ...], list[Decimal]] = {}
    for one in nodes:
        node = one.node
        kind: tuple[object, ...] = (
            (one.currency, node.cluster, node.asset)
            if policy == AS_LANDED
            else (one.currency, instance_family(node.instance_type), node.region, node.is_spot)
        )
        found = sums.setdefault(kind, [Decimal(0), Decimal(0)])
        found[0] += one.billed_cost
        found[1] += one.list_cost
    factors = []
    for kind, (billed, listed) in sums.items():
        if listed > 0 and billed >= 0:
            names = ("cluster", "node_key") if policy == AS_LANDED else ("family", "region", "is_spot")
            scope: Mapping[str, Any] = dict(zip(names, kind[1:], strict=True))
            factor = _DIGITS.divide(billed, listed)
            factors.append(BillFactor(start, end, str(kind[0]), factor, billed, listed, **scope))
    return sorted(factors, key=lambda factor: (factor.currency, factor.what))
