"""Daily costs of volumes, load balancers and control planes, beside those of workloads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa

from models.chargeback.cost_rows import CAUSES, GAINS, WEIGHTS, Labels, build_cost_rows
from models.chargeback.lines import charge_lines
from models.ownership.matching import OwnershipBook
from models.ownership.rules import OwnershipRow
from models.ownership.timeline import cut

_DAY = date(2026, 10, 1)
_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
_MONEY = pa.decimal128(38, 9)
_TEXTS = ("line_kind", "resource", "node_pool", "namespace", "workload_kind", "workload_name", "label_set_id")
_COUNTS = ("request", "usage", "billed", "idle", "capacity", "allocatable")


def _table(*lines):
    shared = {"hour_group": 0, "hour_bits": 1, "container_hours": 0, "currency": "USD", "provenance": "list"}
    rows = [{**shared, "price_id": "p", **line} for line in lines]
    texts = (*_TEXTS, "currency", "provenance", "price_id")
    return pa.table(
        {
            "hour_group": pa.array([row["hour_group"] for row in rows], pa.int32()),
            "hour_bits": pa.array([row["hour_bits"] for row in rows], pa.int64()),
            "container_hours": pa.array([row["container_hours"] for row in rows], pa.int64()),
            **{name: pa.array([row.get(name) for row in rows], pa.string()) for name in texts},
            **{f"{name}_thousandths": pa.array([None] * len(rows), pa.decimal128(38, 0)) for name in _COUNTS},
            **{name: pa.array([row.get(name) for row in rows], _MONEY) for name in (*CAUSES, *GAINS)},
            **{name: pa.array([row.get(name) for row in rows], pa.decimal128(38, 0)) for name in WEIGHTS},
        }
    )


def _built(*lines):
    total = sum((line.get(name, Decimal(0)) for line in lines for name in CAUSES), Decimal(0))
    price = {"hour_group": 0, "currency": "USD", "provenance": "list", "price_id": "p"}
    prices = pa.table(
        {
            **{name: [value] for name, value in price.items()},
            **{
                name: pa.array([total], _MONEY) for name in ("effective_cost", "list_cost", "contracted_cost")
            },
        }
    )
    book = OwnershipBook([OwnershipRow("*", "shop", "red", _LONG_AGO, cost_centre="4711")])
    timeline = cut(_DAY, _DAY, ZoneInfo("UTC"), ())
    found = build_cost_rows(_table(*lines), prices, timeline, book, Labels({}, {}), cluster="c")
    return found.to_pylist()


def _by_resource(rows):
    return {row["resource"]: row for row in rows}


def test_an_unmounted_volume_names_its_owner_and_costs_nobody():
    volume = {"line_kind": "asset", "resource": "storage", "namespace": "shop", "idle_cost": Decimal(3)}
    (row,) = _built(volume)
    assert (row["line_kind"], row["team"], row["cost_centre"]) == ("asset", "red", "4711")
    assert row["idle_cost"] == row["total_cost"] == 3
    (line,) = charge_lines([row])
    assert (line.kind, line.team, line.namespace, line.effective) == ("idle", None, "shop", 3 * 10**9)


def test_a_load_balancer_belongs_to_its_namespace_and_a_control_plane_to_nobody():
    rows = _by_resource(
        _built(
            {
                "line_kind": "object",
                "resource": "load_balancer",
                "namespace": "shop",
                "workload_kind": "Service",
                "workload_name": "front",
                "used_cost": Decimal(2),
            },
            {"line_kind": "asset", "resource": "control_plane", "overhead_cost": Decimal(5)},
            {"line_kind": "container", "resource": "storage", "namespace": "shop", "used_cost": Decimal(1)},
        )
    )
    assert {name: (row["line_kind"], row["team"]) for name, row in rows.items()} == {
        "load_balancer": ("workload", "red"),
        "control_plane": ("asset", None),
        "storage": ("workload", "red"),
    }
    kinds = {line.resource: line.kind for line in charge_lines(rows.values())}
    assert kinds == {"load_balancer": "team", "control_plane": "overhead", "storage": "team"}


def test_weights_are_kept_beside_costs_and_never_added():
    container = {"line_kind": "container", "resource": "cpu", "namespace": "shop", "used_cost": Decimal(4)}
    (row,) = _built({**container, "idle_share_weight": Decimal(7), "oversell_share_weight": Decimal(2)})
    assert row["total_cost"] == 4
    assert row["idle_share_weight"] == Decimal("0.000000007")
    (line,) = charge_lines([row])
    assert (line.effective, line.idle_share_weight, line.oversell_share_weight) == (4 * 10**9, 7, 2)
