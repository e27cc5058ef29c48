"""The provider's bill of a simulated company, in FOCUS columns: what clusters cost and what else is charged.

Per account and month: every node by its id and day, commitments with what was used and what was not, volumes,
load balancers, control planes and traffic of each cluster, a team's database, support, a credit and tax.
Everything costs exactly what it truly cost; snapshots, which no price list charges, are the small gap that a
reconciliation finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from ingest.simulated.usage_files import month_spans
from models.simulation.asset_prices import asset_uses
from models.simulation.scenario import Scenario
from models.simulation.timeline import ClusterTimeline, SimulatedNode
from models.simulation.truth import cost_between, prices_of

_DAY = 86_400
_NINE_DECIMALS = Decimal("1e-9")
_UNUSED_RATIO = Decimal("0.06")
_SUPPORT_RATIO = Decimal("0.03")
_TAX_RATIO = Decimal("0.07")
_CREDIT = Decimal("-75")
_ACCOUNTS = {"gcp": "01A2B3-C4D5E6-F7A8B9", "aws": "210987654321"}
_DATABASE_HOURLY = Decimal("0.29")
_MONTH_HOURS = Decimal(730)
_SNAPSHOT_GIB, _SNAPSHOT_GIB_MONTHLY = 40, Decimal("0.05")
_UNITS = {"hour": "Hours", "gib_hour": "GiB-Hours", "gib": "GiB"}

BILL_COLUMNS = (
    "BillingAccountId,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,"
    "ChargeClass,ChargeFrequency,ChargeDescription,ProviderName,PublisherName,InvoiceIssuerName,InvoiceId,"
    "ServiceCategory,ServiceName,RegionId,ResourceId,ResourceName,ResourceType,PricingCategory,"
    "CommitmentDiscountId,CommitmentDiscountType,CommitmentDiscountStatus,PricingQuantity,PricingUnit,ListCost,"
    "ContractedCost,EffectiveCost,BilledCost,BillingCurrency,Tags"
)

Row = dict[str, object]


def bill_rows(scenario: Scenario, timelines: Sequence[ClusterTimeline]) -> Iterator[Mapping[str, object]]:
    """Yield the lines of the bills of all providers, in columns of FOCUS; the same every time."""
    for provider in sorted({timeline.plan.provider for timeline in timelines}):
        mine = [timeline for timeline in timelines if timeline.plan.provider == provider]
        for month, start, end in month_spans(scenario.start, scenario.end):
            yield from _Invoice(scenario, provider, month, start, end).rows(mine)


@dataclass
class _Invoice:
    """One provider's bill of one month."""

    scenario: Scenario
    provider: str
    month: str
    start: int
    end: int
    billed: Decimal = Decimal(0)
    used: dict[str, Decimal] = field(default_factory=dict)

    def rows(self, timelines: Sequence[ClusterTimeline]) -> Iterator[Row]:
        for timeline in timelines:
            for node in timeline.nodes:
                yield from self._node(timeline, node)
            yield from self._assets(timeline)
        yield from self._commitments(timelines[0].plan.region)
        yield from self._database(timelines[0])
        yield from self._invoice_lines()

    def _days(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        first, last = max(start, self.start), min(end, self.end)
        for day in range(first // _DAY * _DAY, last, _DAY):
            yield max(day, first), min(day + _DAY, last)

    def _node(self, timeline: ClusterTimeline, node: SimulatedNode) -> Iterator[Row]:
        prices = prices_of(self.scenario, timeline.plan.region, node.pool)
        for start, end in self._days(node.created_at, node.deleted_at):
            listed, contracted, effective = (
                cost.quantize(_NINE_DECIMALS) for cost in cost_between(prices, start, end)
            )
            row = self._line((start, end), "Compute", (listed, contracted, effective, effective))
            row |= {
                "RegionId": timeline.plan.region,
                "ResourceId": _resource_id(timeline, node),
                "ResourceName": node.name,
                "ResourceType": node.pool.instance_type,
                "PricingQuantity": f"{Decimal(end - start) / 3600:.9f}",
                "PricingUnit": "Hours",
                "Tags": _tags(timeline),
            }
            if node.pool.is_committed:
                row |= self._committed(node.pool.name, "Used")
                self.used[node.pool.name] = self.used.get(node.pool.name, Decimal(0)) + effective
                row["BilledCost"] = Decimal(0)
                self.billed -= effective
            yield row

    def _committed(self, name: str, status: str) -> Row:
        commitment = f"arn:aws:savingsplans::{_ACCOUNTS['aws']}:savingsplan/sp-{name}-{self.month[:4]}"
        return {
            "PricingCategory": "Committed",
            "CommitmentDiscountId": commitment,
            "CommitmentDiscountType": "Savings Plan",
            "CommitmentDiscountStatus": status,
        }

    def _commitments(self, region: str) -> Iterator[Row]:
        """Yield what was paid for each commitment and the part that nobody used."""
        for name, used in sorted(self.used.items()):
            unused = (used * _UNUSED_RATIO).quantize(_NINE_DECIMALS)
            nothing = Decimal(0)
            period = (self.start, self.end)
            bought = self._line(period, "Compute", (nothing, used + unused, nothing, used + unused))
            yield {
                **bought,
                **self._committed(name, ""),
                "ChargeCategory": "Purchase",
                "ChargeFrequency": "Recurring",
                "RegionId": region,
            }
            left = self._line(period, "Compute", (nothing, nothing, unused, nothing))
            yield {**left, **self._committed(name, "Unused"), "RegionId": region}

    def _assets(self, timeline: ClusterTimeline) -> Iterator[Row]:
        """Yield the other assets of a cluster by month, and snapshots, which no price list charges."""
        span = (max(self.start, timeline.start), min(self.end, timeline.end))
        uses = [
            (use.asset_kind, use, resource, units) for use, resource, units in asset_uses(timeline, *span)
        ]
        for kind, price, resource, quantity in uses:
            listed, paid = (
                (quantity * unit).quantize(_NINE_DECIMALS)
                for unit in (price.list_price, price.contracted_price)
            )
            row = self._line(span, kind, (listed, paid, paid, paid))
            yield row | self._place(timeline, resource, _UNITS[price.unit], quantity)
        size = Decimal(_SNAPSHOT_GIB) * (span[1] - span[0]) / 3600
        cost = (size * _SNAPSHOT_GIB_MONTHLY / _MONTH_HOURS).quantize(_NINE_DECIMALS)
        yield self._line(span, "volume", (cost,) * 4) | self._place(
            timeline, f"snap-{timeline.plan.name}", "GiB-Hours", size
        )

    def _place(self, timeline: ClusterTimeline, resource: str, unit: str, quantity: Decimal) -> Row:
        return {
            "RegionId": timeline.plan.region,
            "ResourceId": resource,
            "PricingQuantity": f"{quantity:.9f}",
            "PricingUnit": unit,
            "Tags": _tags(timeline),
        }

    def _database(self, timeline: ClusterTimeline) -> Iterator[Row]:
        """Yield a database beside the clusters that one team runs."""
        teams = sorted({workload.team for workload in timeline.plan.workloads})
        tags = json.dumps({"env": "prod", "team": teams[0]})
        for start, end in self._days(self.start, self.end):
            hours = Decimal(end - start) / 3600
            row = self._line(
                (start, end), "Databases", ((_DATABASE_HOURLY * hours).quantize(_NINE_DECIMALS),) * 4
            )
            yield row | {
                "RegionId": timeline.plan.region,
                "ResourceId": f"db-{teams[0]}",
                "PricingQuantity": f"{hours:.9f}",
                "PricingUnit": "Hours",
                "Tags": tags,
            }

    def _invoice_lines(self) -> Iterator[Row]:
        """Yield support, a credit and tax on what was billed until here."""
        period = (self.start, self.end)
        support = (self.billed * _SUPPORT_RATIO).quantize(_NINE_DECIMALS)
        yield self._line(period, "Support", (support,) * 4)
        yield self._line(period, "Credits", (_CREDIT,) * 4) | {"ChargeCategory": "Credit"}
        tax = (self.billed * _TAX_RATIO).quantize(_NINE_DECIMALS)
        yield self._line(period, "Tax", (tax,) * 4) | {"ChargeCategory": "Tax"}

    def _line(
        self, period: tuple[int, int], kind: str, costs: tuple[Decimal, Decimal, Decimal, Decimal]
    ) -> Row:
        category, aws, google = _SERVICES[kind]
        name = "Google Cloud" if self.provider == "gcp" else "AWS"
        bounds = _month_bounds(self.month)
        self.billed += costs[3]
        return {
            "BillingAccountId": _ACCOUNTS.get(self.provider, _ACCOUNTS["aws"]),
            "BillingPeriodStart": bounds[0],
            "BillingPeriodEnd": bounds[1],
            "ChargePeriodStart": _time(period[0]),
            "ChargePeriodEnd": _time(period[1]),
            "ChargeCategory": "Usage",
            "ChargeFrequency": "Usage-Based",
            "ProviderName": name,
            "PublisherName": name,
            "InvoiceIssuerName": name,
            "InvoiceId": f"{self.provider.upper()}-{self.month}",
            "ServiceCategory": category,
            "ServiceName": google if self.provider == "gcp" else aws,
            "PricingCategory": "Standard",
            "ListCost": costs[0],
            "ContractedCost": costs[1],
            "EffectiveCost": costs[2],
            "BilledCost": costs[3],
            "BillingCurrency": self.scenario.currency,
        }


_SERVICES = {
    "Compute": ("Compute", "Amazon Elastic Compute Cloud", "Compute Engine"),
    "control_plane": ("Compute", "Amazon Elastic Container Service for Kubernetes", "Kubernetes Engine"),
    "load_balancer": ("Networking", "Elastic Load Balancing", "Cloud Load Balancing"),
    "network": ("Networking", "AWS Data Transfer", "Networking"),
    "volume": ("Storage", "Amazon Elastic Block Store", "Persistent Disk"),
    "Databases": ("Databases", "Amazon Relational Database Service", "Cloud SQL"),
    "Support": ("Other", "AWS Support (Business)", "Support"),
    "Credits": ("Other", "Credits", "Credits"),
    "Tax": ("Other", "Tax", "Tax"),
}


def _resource_id(timeline: ClusterTimeline, node: SimulatedNode) -> str:
    path = node.provider_id.partition("://")[2].strip("/").split("/")
    if timeline.plan.provider == "gcp":
        project, zone, name = path
        return f"//compute.googleapis.com/projects/{project}/zones/{zone}/instances/{name}"
    return f"arn:aws:ec2:{timeline.plan.region}:{_ACCOUNTS['aws']}:instance/{path[-1]}"


def _tags(timeline: ClusterTimeline) -> str:
    key = "goog-k8s-cluster-name" if timeline.plan.provider == "gcp" else "aws:eks:cluster-name"
    return json.dumps({key: timeline.plan.name})


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _month_bounds(month: str) -> tuple[str, str]:
    year, number = (int(part) for part in month.split("-"))
    following = f"{year + number // 12}-{number % 12 + 1:02d}"
    return f"{month}-01T00:00:00Z", f"{following}-01T00:00:00Z"
