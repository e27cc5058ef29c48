"""Hand-written charge lines of every kind, with hostile names, corrections and two currencies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from models.chargeback.lines import ALL_CLUSTERS, UNITS, ChargeLine, LineKind
from service.exports.columns import ChargeContext

DAY = date(2026, 10, 3)
GIB_SECONDS = float(1 << 30) * 3600
CONTEXT = ChargeContext(
    period="2026-10",
    start=datetime(2026, 10, 1, tzinfo=UTC),
    end=datetime(2026, 11, 1, tzinfo=UTC),
    zone=ZoneInfo("UTC"),
    run_id="0123456789ab",
    providers={"c1": "aws"},
    regions={"c1": "eu-west-1"},
    policy_version="policy-3",
)
MANIFEST: dict[str, Any] = {
    "period": "2026-10",
    "billing_zone": "UTC",
    "period_start": "2026-10-01T00:00:00Z",
    "period_end": "2026-11-01T00:00:00Z",
    "is_draft": True,
    "invoice_id": "2026-10-DRAFT",
    "clusters": [{"cluster": "=c1", "currency": "EUR", "effective_cost": "12.00"}],
    "corrections": [],
    "coverage": [{"cluster": "c1", "hours_expected": 744, "hours_complete": 743, "hours_partial": 1}],
    "assumed": [],
    "unpriced": [],
    "allocation_method": "millicore-by-cause-1",
    "versions": {"millicore": "0.1.0"},
    "run_id": "0123456789ab",
}


def line(kind: LineKind, effective: int, **fields: Any) -> ChargeLine:
    """Return a line of the cluster c1 in EUR whose list and contracted cost are its effective cost."""
    about = {"cluster": "c1", "currency": "EUR", "list_units": effective, "contracted": effective, **fields}
    return ChargeLine(kind=kind, effective=effective, **about)


def euros(amount: float) -> int:
    """Return nano-units."""
    return round(amount * UNITS)


def workload(team: str | None, cost: float, name: str, resource: str = "cpu", **fields: Any) -> ChargeLine:
    """Return a workload's line of 3 October, used by half."""
    spent = euros(cost)
    per_unit = 3600.0 if resource == "cpu" else GIB_SECONDS
    return line(
        LineKind.UNOWNED if team is None else LineKind.TEAM,
        spent,
        **{
            "day": DAY,
            "team": team,
            "cost_centre": team and f"cc-{team}",
            "ownership_source": team and "rule",
            "namespace": "shop",
            "workload_kind": "Deployment",
            "workload_name": name,
            "node_pool": "general",
            "resource": resource,
            "provenance": "list",
            "used": spent // 2,
            "unused_request": spent - spent // 2,
            "billed_seconds": 2.5 * per_unit,
            "request_seconds": 2.5 * per_unit,
            "usage_seconds": 1.25 * per_unit,
            **fields,
        },
    )


def every_kind() -> list[ChargeLine]:
    """Return lines of every kind, of either sign, by day; each cluster's own lines are whole cents."""
    node = {"day": DAY, "node_pool": "general", "resource": "cpu"}
    bill = {"reference": "INV-7/AmazonEC2"}
    shared = {"day": DAY, "resource": "cpu"}
    red: dict[str, Any] = {"team": "red", "cost_centre": "cc-red"}
    return [
        workload("red", 5, "web", list_units=euros(6)),
        workload("red", 1, "web", "memory"),
        workload("=cmd|' /C calc'!A0", 2.25, "@sum(a1)"),
        workload(None, 0.75, "007"),
        line(LineKind.IDLE, euros(2), billed_seconds=3600.0, **node),
        line(LineKind.OVERHEAD, euros(1), billed_seconds=1800.0, **node),
        line(LineKind.IDLE_SHARE, euros(0.4), counterpart="idle", **shared),
        line(LineKind.IDLE_SHARE, euros(1.5), **red, counterpart="idle", **shared),
        line(LineKind.IDLE_SHARE, euros(0.5), team="blue", counterpart="idle", **shared),
        line(LineKind.OVERHEAD_SHARE, euros(0.1), counterpart="overhead", **shared),
        line(LineKind.OVERHEAD_SHARE, euros(1), **red, **shared),
        line(LineKind.SHARED_OUT, euros(-0.3), **red, counterpart="blue", **shared),
        line(LineKind.SHARED_IN, euros(0.3), team="blue", counterpart="red", **shared),
        line(LineKind.OVERSELL_GAIN, euros(-0.2), **red, **shared),
        line(LineKind.OVERSELL_GAIN, euros(0.2), team="platform", **shared),
        line(LineKind.TRUE_UP, euros(0.4), **red, **bill),
        line(LineKind.OUT_OF_CLUSTER, euros(3), **red, **bill),
        line(LineKind.UNUSED_COMMITMENT, euros(1.1), **bill),
        line(LineKind.TAX, euros(2), **red, **bill),
        line(LineKind.TAX, euros(1), team="blue", **bill),
        line(LineKind.SUPPORT, euros(0.7), **bill),
        line(LineKind.CREDIT, euros(-1.25), **red, **bill),
        line(LineKind.REFUND, euros(-0.05), **bill),
        line(LineKind.DISPUTE, euros(-0.1), **red, reference="dispute-4"),
        line(LineKind.DISPUTE, euros(0.1), team="platform", reference="dispute-4"),
        line(LineKind.ROUNDING, 3),
        line(LineKind.ROUNDING, -3, cluster=ALL_CLUSTERS),
        workload("red", 4, "web", currency="JPY", cluster="c2"),
        workload("red", -0.5, "web", correction="2026-09-r1-c1", restates="2026-09-r1", day=date(2026, 9, 4)),
        line(LineKind.TAX, euros(-0.1), correction="2026-09-r1-c1", restates="2026-09-r1", **bill),
    ]
