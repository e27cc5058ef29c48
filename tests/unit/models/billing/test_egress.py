from __future__ import annotations

import pytest
from support.bills import group

from models.billing.buckets import Bucket, SortedGroup
from models.billing.egress import Payer, Sender, egress_charges, egress_lines
from models.billing.traffic import is_egress
from models.chargeback.lines import LineKind

NETWORK = {"service": "AWS Data Transfer", "service_category": "Networking"}


def billed(cost: str = "1", /, kind: str | None = "network", **changes: object) -> SortedGroup:
    return SortedGroup(group(cost, **{**NETWORK, **changes}), Bucket.CLUSTER, "prod", kind)


@pytest.mark.parametrize("unit", ["GB", "1 GB", "GiB", "gibibyte", "TB", "Bytes"])
def test_network_lines_that_count_data_are_egress(unit: str) -> None:
    assert is_egress(billed(unit=unit))


@pytest.mark.parametrize("unit", ["Hours", "GB-Mo", "Requests", "GB-Hours", None])
def test_hours_requests_and_stored_data_are_not(unit: str | None) -> None:
    assert not is_egress(billed(unit=unit))


def test_the_words_of_a_line_count_before_its_unit() -> None:
    assert is_egress(billed(unit=None, traffic="out"))
    assert not is_egress(billed(unit="GB", traffic="in"))


def test_data_of_other_assets_is_not_egress() -> None:
    assert not is_egress(billed(kind="volume", unit="GB"))
    assert not is_egress(SortedGroup(group("1", unit="GB", **NETWORK), Bucket.OUT_OF_CLUSTER))


def test_egress_is_summed_by_document() -> None:
    found = egress_charges(
        [
            billed("1.5", unit="GB"),
            billed("0.5", unit="GB", region="eu-2"),
            billed("9", unit="GB", invoice="INV-2"),
            billed("7", unit="Hours"),
        ]
    )
    assert found == {
        ("USD", "prod"): {"INV-1 AWS Data Transfer": 2_000_000_000, "INV-2 AWS Data Transfer": 9_000_000_000}
    }


def test_a_workload_s_part_is_divided_among_those_who_paid_for_it() -> None:
    shop = Sender(
        "shop", "Deployment", "web", 300.0, (Payer("red", "4711", "rule", 3), Payer("blue", None, "label", 1))
    )
    nodes = Sender(None, None, None, 100.0)
    lines = egress_lines(("EUR", "prod"), {"INV-1 Traffic": 400}, [shop, nodes])
    assert [(line.team, line.cost_centre, line.namespace, line.effective) for line in lines] == [
        ("red", "4711", "shop", 225),
        ("blue", None, "shop", 75),
        (None, None, None, 100),
    ]
    assert {(line.kind, line.resource, line.provenance, line.reference) for line in lines} == {
        (LineKind.TRUE_UP, "network", "bill", "INV-1 Traffic, shared by bytes")
    }


def test_a_workload_that_nobody_was_charged_for_is_unowned() -> None:
    (line,) = egress_lines(("EUR", "prod"), {"INV-1": 7}, [Sender("lab", "Job", "x", 1.0)])
    assert (line.team, line.namespace, line.workload_name, line.effective) == (None, "lab", "x", 7)


def test_egress_stays_with_the_cluster_where_nobody_is_known_to_have_sent() -> None:
    assert egress_lines(("EUR", "prod"), {"INV-1": 7}, []) == []
    assert egress_lines(("EUR", "prod"), {"INV-1": 7}, [Sender("lab", "Job", "x", 0.0)]) == []
