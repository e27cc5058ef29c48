"""Sorting a bill: every group of lines into exactly one bucket.

The order of decision: an asset that a cluster was seen to have; the rules; a tag that names a cluster; what
kind of charge it is; else out of scope.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from models.billing.assets import AssetIndex
from models.billing.buckets import Bucket, LineGroup, SortedGroup
from models.billing.rules import BillRule
from models.billing.traffic import OUT

_JOINED = ("Usage", "Purchase", "Discount", "Adjustment")
"""Charges of a resource. Taxes, credits and refunds keep their bucket though they may name one."""
_BY_CATEGORY = {
    "Tax": Bucket.TAX,
    "Credit": Bucket.CREDIT,
    "Discount": Bucket.CREDIT,
    "Refund": Bucket.REFUND,
}
CLUSTER_TAGS = (
    "eks:cluster-name",
    "aws:eks:cluster-name",
    "alpha.eksctl.io/cluster-name",
    "aks-managed-cluster-name",
    "goog-k8s-cluster-name",
    "ack.aliyun.com",
    "KubernetesCluster",
)
"""Tags whose value is the name of a cluster."""
_DATA_UNITS = ("gb", "gib", "tb", "tib", "mb", "mib", "byte", "gigabyte", "gibibyte", "request")
_CONTROL_PLANES = ("kubernetes", "amazoneks")
_MACHINES = ("compute", "ec2", "virtual machine", "ecs", "云服务器")
_CLUSTER_KEY_PREFIX = "kubernetes.io/cluster/"


def sort_lines(
    groups: Iterable[LineGroup],
    rules: Sequence[BillRule],
    assets: AssetIndex,
    clusters: Mapping[str, str],
) -> list[SortedGroup]:
    """Put every group into one bucket.

    Parameters
    ----------
    groups : iterable of LineGroup
    rules : sequence of BillRule
        In their order.
    assets : AssetIndex
        What the clusters were seen to have in the month.
    clusters : mapping of str to str
        Names under which tags may know a cluster, to its name here.

    Returns
    -------
    list of SortedGroup
        One per group, in the order given.
    """
    return [_sort(group, rules, assets, clusters) for group in groups]


def _sort(
    group: LineGroup, rules: Sequence[BillRule], assets: AssetIndex, clusters: Mapping[str, str]
) -> SortedGroup:
    if group.commitment_status == "Unused":
        return _by_rule(group, rules) or SortedGroup(group, Bucket.UNUSED_COMMITMENT, reason="unused")
    tagged = _by_cluster_tag(group, clusters) if group.charge_category in _JOINED else None
    if group.charge_category in _JOINED:
        named = None if tagged is None else tagged.cluster
        found = assets.find(group.resource_id, group.resource_name, named)
        if found is not None:
            joined = SortedGroup(
                group, Bucket.CLUSTER, found.cluster, found.asset_kind, found.asset, reason="resource"
            )
            is_traffic = group.traffic == OUT or (found.asset_kind == "node" and _counts_data(group))
            return replace(joined, asset_kind="network", asset=None) if is_traffic else joined
    ruled = _by_rule(group, rules)
    if ruled is not None:
        return _with_kind(ruled)
    if tagged is not None:
        return _with_kind(tagged)
    return SortedGroup(group, _kind_of_charge(group), reason=group.charge_category.lower())


def _by_rule(group: LineGroup, rules: Sequence[BillRule]) -> SortedGroup | None:
    for number, rule in enumerate(rules, start=1):
        if rule.fits(group):
            tags = group.tag_values if rule.team_tag or rule.cost_centre_tag else {}
            return SortedGroup(
                group,
                rule.bucket,
                rule.cluster,
                team=rule.team or tags.get(rule.team_tag or ""),
                cost_centre=rule.cost_centre or tags.get(rule.cost_centre_tag or ""),
                reason=f"rule {number}",
            )
    return None


def _by_cluster_tag(group: LineGroup, clusters: Mapping[str, str]) -> SortedGroup | None:
    tags = group.tag_values
    for key in CLUSTER_TAGS:
        cluster = clusters.get(tags.get(key, ""))
        if cluster is not None:
            return SortedGroup(group, Bucket.CLUSTER, cluster, reason=f"tag {key}")
    for key in sorted(tags):
        cluster = clusters.get(key.removeprefix(_CLUSTER_KEY_PREFIX))
        if key.startswith(_CLUSTER_KEY_PREFIX) and cluster is not None:
            return SortedGroup(group, Bucket.CLUSTER, cluster, reason=f"tag {key}")
    return None


def _counts_data(group: LineGroup) -> bool:
    """Whether lines of a machine count what it sent, not how long it ran."""
    unit = (group.unit or "").lower()
    return unit.startswith(_DATA_UNITS) and "hour" not in unit and "hr" not in unit


def _with_kind(one: SortedGroup) -> SortedGroup:
    """Tell control planes, network and machines apart among lines that name no known asset."""
    if one.bucket is not Bucket.CLUSTER:
        return one
    service = (one.group.service or "").lower()
    if any(word in service for word in _CONTROL_PLANES):
        return replace(one, asset_kind="control_plane")
    category = (one.group.service_category or "").lower()
    if one.group.traffic == OUT or category == "networking" or "transfer" in service:
        return replace(one, asset_kind="network")
    is_machine = one.group.billed_hours is not None and any(word in service for word in _MACHINES)
    return replace(one, asset_kind="node") if is_machine else one


def _kind_of_charge(group: LineGroup) -> Bucket:
    bucket = _BY_CATEGORY.get(group.charge_category)
    if bucket is not None:
        return bucket
    if "support" in (group.service or "").lower():
        return Bucket.SUPPORT
    if group.charge_category in ("Purchase", "Adjustment") and group.commitment_id is not None:
        return Bucket.COMMITMENT_PURCHASE
    is_given_back = group.charge_category == "Adjustment" or group.charge_class == "Correction"
    if is_given_back and group.billed_cost < 0:
        return Bucket.REFUND
    return Bucket.OUT_OF_SCOPE


Totals = dict[tuple[str, Bucket], tuple[Decimal, Decimal]]


def bucket_totals(groups: Iterable[SortedGroup]) -> Totals:
    """Return billed and effective cost per (currency, bucket), exactly."""
    found: Totals = {}
    for one in groups:
        key = (one.group.currency, one.bucket)
        billed, effective = found.get(key, (Decimal(0), Decimal(0)))
        found[key] = (billed + one.group.billed_cost, effective + one.group.effective_cost)
    return dict(sorted(found.items()))


def unknown_resources(groups: Iterable[SortedGroup], buckets: Collection[Bucket]) -> list[SortedGroup]:
    """Return groups of the buckets that name a resource, the dearest first."""
    found = [one for one in groups if one.bucket in buckets and one.group.resource_id]
    return sorted(
        found, key=lambda one: (-abs(one.group.effective_cost), one.group.resource_id or "", one.group.tags)
    )
