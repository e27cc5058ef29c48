from __future__ import annotations

from decimal import Decimal

import pytest
from support.bills import group

from models.billing.assets import AssetIndex, ClusterAsset
from models.billing.buckets import Bucket
from models.billing.families import instance_family
from models.billing.rules import BillRule, check_bill_rules
from models.billing.sorting import bucket_totals, sort_lines
from models.vocabulary.errors import InputError

CLUSTERS = {"prod": "prod"}
NODE = ClusterAsset("prod", "node", "uid-1", "aws:///eu-central-1a/i-0abc")


def bucket_of(one: object, rules: tuple[BillRule, ...] = ()) -> Bucket:
    (found,) = sort_lines([one], rules, AssetIndex([NODE]), CLUSTERS)  # type: ignore[list-item]
    return found.bucket


@pytest.mark.parametrize(
    ("instance_type", "family"),
    [
        ("m5.xlarge", "m5"),
        ("m6i.metal", "m6i"),
        ("u-6tb1.112xlarge", "u-6tb1"),
        ("Standard_D4s_v5", "Dsv5"),
        ("Standard_E8-4ds_v4", "Edsv4"),
        ("Standard_NC24ads_A100_v4", "NCadsv4"),
        ("Standard_F8", "F"),
        ("n2-standard-8", "n2"),
        ("n2d-highmem-4", "n2d"),
        ("e2-medium", "e2"),
        ("ecs.g7.2xlarge", "ecs.g7"),
        ("ecs.gn7i-c8g1.2xlarge", "ecs.gn7i-c8g1"),
        ("bare metal", "bare metal"),
        (None, ""),
    ],
)
def test_a_type_belongs_to_its_family(instance_type: str | None, family: str) -> None:
    assert instance_family(instance_type) == family


@pytest.mark.parametrize(
    ("provider_id", "billed_as"),
    [
        ("aws:///eu-central-1a/i-0abc", "i-0abc"),
        ("aws:///eu-central-1a/i-0abc", "arn:aws:ec2:eu-central-1:1234:instance/i-0abc"),
        (
            "azure:///subscriptions/S/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/x",
            "/subscriptions/s/resourcegroups/RG/providers/microsoft.compute/virtualMachines/x",
        ),
        (
            "gce://shop-prod/europe-west1-b/gke-pool-1",
            "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/gke-pool-1",
        ),
        ("cn-hangzhou.i-bp1abc", "i-bp1abc"),
        ("vol-0123", "arn:aws:ec2:eu-central-1:1234:volume/vol-0123"),
    ],
)
def test_a_resource_id_finds_its_asset(provider_id: str, billed_as: str) -> None:
    asset = ClusterAsset("prod", "node", "key", provider_id)
    assert AssetIndex([asset]).find(billed_as) == asset


def test_an_id_that_two_assets_share_finds_neither() -> None:
    one = ClusterAsset("prod", "node", "a", "gce://p1/z/same")
    other = ClusterAsset("test", "node", "b", "gce://p2/z/same")
    index = AssetIndex([one, other])
    assert index.find("same") is None
    assert index.find("//compute.googleapis.com/projects/p2/zones/z/instances/same") == other


def test_a_node_without_provider_id_is_found_by_its_name() -> None:
    asset = ClusterAsset("prod", "node", "web-1@2026", None, name="web-1")
    assert AssetIndex([asset]).find("i-0fff", "web-1") == asset
    assert AssetIndex([asset]).find("i-0fff", "web-2") is None


@pytest.mark.parametrize(
    ("line", "bucket"),
    [
        (group(resource_id="i-0abc"), Bucket.CLUSTER),
        (group(tags={"eks:cluster-name": "prod"}), Bucket.CLUSTER),
        (group(tags={"kubernetes.io/cluster/prod": "owned"}), Bucket.CLUSTER),
        (group(tags={"goog-k8s-cluster-name": "elsewhere"}), Bucket.OUT_OF_SCOPE),
        (group(charge_category="Tax", resource_id="i-0abc"), Bucket.TAX),
        (group("-5", charge_category="Credit", resource_id="i-0abc"), Bucket.CREDIT),
        (group("-5", charge_category="Discount"), Bucket.CREDIT),
        (group("-5", charge_category="Discount", resource_id="i-0abc"), Bucket.CLUSTER),
        (group("-5", charge_category="Refund"), Bucket.REFUND),
        (group("-5", charge_category="Adjustment"), Bucket.REFUND),
        (group("5", charge_category="Adjustment"), Bucket.OUT_OF_SCOPE),
        (group("-5", charge_class="Correction"), Bucket.REFUND),
        (group("-5", charge_class="Correction", resource_id="i-0abc"), Bucket.CLUSTER),
        (group(service="AWS Support (Business)"), Bucket.SUPPORT),
        (group(commitment_status="Unused", commitment_id="sp"), Bucket.UNUSED_COMMITMENT),
        (group(charge_category="Purchase", commitment_id="sp"), Bucket.COMMITMENT_PURCHASE),
        (group(resource_id="i-0unknown"), Bucket.OUT_OF_SCOPE),
    ],
)
def test_every_line_has_its_bucket(line: object, bucket: Bucket) -> None:
    assert bucket_of(line) is bucket


def test_what_a_machine_sent_is_no_part_of_its_price() -> None:
    line = group(resource_id="i-0abc", unit="GB")
    (found,) = sort_lines([line], (), AssetIndex([NODE]), CLUSTERS)
    assert (found.cluster, found.asset_kind, found.asset) == ("prod", "network", None)


def test_the_first_rule_that_fits_decides_and_a_tag_names_the_team() -> None:
    rules = (
        BillRule(Bucket.OUT_OF_CLUSTER, service="*RDS*", team_tag="team", cost_centre="4711"),
        BillRule(Bucket.OUT_OF_CLUSTER, service="*rds*", team="dba"),
        BillRule(Bucket.OUT_OF_SCOPE, tags={"env": "lab*"}),
    )
    lines = [
        group(service="Amazon RDS", tags={"team": "shop"}),
        group(service="Amazon RDS"),
        group(tags={"env": "lab-3"}),
        group(resource_id="i-0abc", tags={"env": "lab-3"}),
    ]
    found = sort_lines(lines, rules, AssetIndex([NODE]), CLUSTERS)
    assert [(one.bucket, one.team, one.cost_centre) for one in found] == [
        (Bucket.OUT_OF_CLUSTER, "shop", "4711"),
        (Bucket.OUT_OF_CLUSTER, "dba", None),
        (Bucket.OUT_OF_SCOPE, None, None),
        (Bucket.CLUSTER, None, None),  # a cluster's own node belongs to it whatever rules say
    ]
    assert found[2].reason == "rule 3"


def test_totals_keep_currencies_apart() -> None:
    lines = [group("1.5"), group("2", currency="EUR"), group("0.25")]
    totals = bucket_totals(sort_lines(lines, (), AssetIndex([]), {}))
    assert totals == {
        ("EUR", Bucket.OUT_OF_SCOPE): (Decimal(2), Decimal(2)),
        ("USD", Bucket.OUT_OF_SCOPE): (Decimal("1.75"), Decimal("1.75")),
    }


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ((BillRule(Bucket.CLUSTER, service="x"),), "cluster"),
        ((BillRule(Bucket.OUT_OF_CLUSTER, service="x"),), "team"),
        ((BillRule(Bucket.TAX, charge_category="Taxes"),), "charge_category"),
        ((BillRule(Bucket.OUT_OF_SCOPE), BillRule(Bucket.TAX, service="x")), "bucket"),
    ],
)
def test_a_rule_that_cannot_decide_is_refused(rules: tuple[BillRule, ...], field: str) -> None:
    with pytest.raises(InputError) as refused:
        check_bill_rules(rules)
    assert refused.value.field == field
