from __future__ import annotations

import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa

from models.billing.assets import ClusterAsset
from models.billing.factors import AS_LANDED, BillFactor, NodeMonth, bill_factors
from models.billing.scale import apply_bill_factors, hash_factors

START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)


def node(key: str, kind: str = "m5.xlarge", *, spot: bool = False, cluster: str = "prod") -> ClusterAsset:
    return ClusterAsset(cluster, "node", key, None, kind, "eu-1", is_spot=spot)


def month(asset: ClusterAsset, billed: str, listed: str = "100") -> NodeMonth:
    return NodeMonth(asset, "USD", Decimal(billed), Decimal(listed))


COVERED, UNCOVERED = month(node("a"), "60"), month(node("b", "m5.4xlarge"), "100")


def priced(keys: list[str], hour: datetime = START) -> tuple[pa.Table, pa.Table]:
    money = pa.decimal128(18, 9)
    count = len(keys)
    costs = pa.array([Decimal("0.333333333")] * count, money)
    table = pa.table(
        {
            "hour": pa.array([hour] * count, pa.timestamp("us", tz="UTC")),
            "currency": ["USD"] * count,
            "list_cost": costs,
            "effective_cost": costs,
            "provenance": ["list"] * count,
        }
    )
    nodes = pa.table(
        {
            "hour": table.column("hour"),
            "node_key": keys,
            "instance_type": ["m5.xlarge"] * count,
            "region": ["eu-1"] * count,
            "purchase_option": ["spot" if key.startswith("spot") else "on_demand" for key in keys],
        }
    )
    return table, nodes


def test_a_benefit_helps_all_nodes_of_a_family_alike() -> None:
    (factor,) = bill_factors([COVERED, UNCOVERED], START, END)
    assert (factor.family, factor.region, factor.is_spot) == ("m5", "eu-1", False)
    assert factor.factor == Decimal("0.8")


def test_spot_and_other_regions_are_apart() -> None:
    spot = month(node("s", spot=True), "30")
    factors = bill_factors([COVERED, UNCOVERED, spot], START, END)
    assert [(one.is_spot, one.factor) for one in factors] == [(False, Decimal("0.8")), (True, Decimal("0.3"))]


def test_as_landed_every_node_has_its_own() -> None:
    factors = bill_factors([COVERED, UNCOVERED], START, END, AS_LANDED)
    assert [(one.node_key, one.factor) for one in factors] == [("a", Decimal("0.6")), ("b", Decimal(1))]


def test_hours_become_what_the_bill_charges() -> None:
    table, nodes = priced(["a", "b", "spot-1"])
    found = apply_bill_factors(table, nodes, bill_factors([COVERED, UNCOVERED], START, END), cluster="prod")
    assert found.column("effective_cost").to_pylist() == [
        Decimal("0.266666666"),
        Decimal("0.266666666"),
        Decimal("0.333333333"),
    ]
    assert found.column("provenance").to_pylist() == ["bill", "bill", "list"]
    assert found.column("list_cost").equals(table.column("list_cost"))
    assert found.schema.equals(table.schema)


def test_as_landed_hours_of_another_cluster_stay() -> None:
    table, nodes = priced(["a"])
    factors = bill_factors([COVERED], START, END, AS_LANDED)
    assert apply_bill_factors(table, nodes, factors, cluster="test").equals(table)
    scaled = apply_bill_factors(table, nodes, factors, cluster="prod")
    assert scaled.column("effective_cost").to_pylist() == [Decimal("0.200000000")]


def test_a_factor_ends_with_its_month() -> None:
    table, nodes = priced(["a"], END)
    assert apply_bill_factors(table, nodes, bill_factors([COVERED], START, END), cluster="prod").equals(table)


def test_another_currency_is_never_mixed_in() -> None:
    table, nodes = priced(["a"])
    euros = bill_factors([NodeMonth(node("a"), "EUR", Decimal(60), Decimal(100))], START, END)
    assert apply_bill_factors(table, nodes, euros, cluster="prod").equals(table)


def test_the_hash_follows_what_factors_do() -> None:
    factors = bill_factors([COVERED, UNCOVERED], START, END)
    assert hash_factors(()) == ""
    assert hash_factors(factors) == hash_factors(pickle.loads(pickle.dumps(factors)))
    changed = [BillFactor(**{**vars(factors[0]), "factor": Decimal("0.81")})]
    assert hash_factors(changed) != hash_factors(factors)
