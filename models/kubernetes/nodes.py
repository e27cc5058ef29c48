"""What a node is: its key, type, place, pool and purchase option, read from labels and provider id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.windows import to_utc

UNKNOWN = "unknown"
ON_DEMAND = "on_demand"
SPOT = "spot"
SERVERLESS = "serverless"

_TYPE_LABELS = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_REGION_LABELS = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_POOL_LABELS = (
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "alibabacloud.com/nodepool-id",
    "node.alibabacloud.com/nodepool-id",
    "karpenter.sh/nodepool",
    "karpenter.sh/provisioner-name",
    "kops.k8s.io/instancegroup",
    "machine.openshift.io/cluster-api-machineset",
    "node-pool",
    "nodepool",
    "node.kubernetes.io/pool",
)
_OPTION_BY_LABEL = {
    "eks.amazonaws.com/capacitytype": {"on_demand": ON_DEMAND, "spot": SPOT},
    # "reserved" is a capacity reservation, billed like on demand unless the bill says otherwise
    "karpenter.sh/capacity-type": {"on-demand": ON_DEMAND, "spot": SPOT, "reserved": ON_DEMAND},
    "cloud.google.com/gke-spot": {"true": SPOT},
    "cloud.google.com/gke-preemptible": {"true": SPOT},
    "cloud.google.com/gke-provisioning": {"spot": SPOT, "preemptible": SPOT, "standard": ON_DEMAND},
    "kubernetes.azure.com/scalesetpriority": {"spot": SPOT, "regular": ON_DEMAND},
    "node.alibabacloud.com/spot-strategy": {
        "spotaspricego": SPOT,
        "spotwithpricelimit": SPOT,
        "nospot": ON_DEMAND,
    },
    "node.alibabacloud.com/instance-charge-type": {"postpaid": ON_DEMAND},
    "node.kubernetes.io/lifecycle": {"spot": SPOT, "od": ON_DEMAND, "normal": ON_DEMAND},
    "spotinst.io/node-lifecycle": {"spot": SPOT, "od": ON_DEMAND},
    "lifecycle": {"spot": SPOT, "ec2spot": SPOT, "ondemand": ON_DEMAND},
    "eks.amazonaws.com/compute-type": {"fargate": SERVERLESS},
    # the nodes of ACK, AKS and others that hand their pods to a container service
    "type": {"virtual-kubelet": SERVERLESS},
}
_MANAGED_MARKS = ("cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool")
"""Where only spot nodes carry an option label, a node of the platform without one is on demand."""

_USELESS_UUIDS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
    }
)
"""System uuids that firmware gives to many machines at once; they identify nobody."""

_AWS_ZONE = re.compile(r"^aws:///(?P<zone>[a-z0-9-]+)/")
_GCE_ZONE = re.compile(r"^gce://[^/]+/(?P<zone>[a-z0-9-]+)/")
_ALIBABA_REGION = re.compile(r"^(?:alicloud://)?(?P<region>[a-z]{2}-[a-z0-9-]+)\.i-")
_REGION_OF_ZONE = (
    re.compile(r"^(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)[a-z]$"),
    re.compile(r"^(?P<region>[a-z]+-[a-z]+\d+)-[a-z]$"),
)


@dataclass(frozen=True)
class NodeDescription:
    """Type and place of a node; None where neither label nor provider id tells."""

    instance_type: str | None
    region: str | None
    zone: str | None
    node_pool: str
    purchase_option: str | None


def node_key(provider_id: str | None, system_uuid: str | None, name: str, created: datetime | None) -> str:
    """Return the identity of a machine: provider id, else system uuid, else ``name@created``.

    A replaced node that keeps its name gets another key. ``created`` is rounded to the second, as the API
    states it; without it the key is ``name@unknown``.
    """
    if provider_id:
        return provider_id
    if system_uuid and system_uuid.lower() not in _USELESS_UUIDS:
        return system_uuid.lower()
    if created is None:
        return f"{name}@{UNKNOWN}"
    return f"{name}@{to_utc(created):%Y-%m-%dT%H:%M:%SZ}"


def instance_type(labels: Mapping[str, str]) -> str | None:
    """Return the instance type that a node's labels state."""
    return _first(labels, _TYPE_LABELS)


def zone(labels: Mapping[str, str], provider_id: str | None = None) -> str | None:
    """Return the availability zone from labels, else from an AWS or Google provider id."""
    if stated := _first(labels, _ZONE_LABELS):
        return stated
    for pattern in (_AWS_ZONE, _GCE_ZONE):
        if match := pattern.match(provider_id or ""):
            return match["zone"]
    return None


def region(labels: Mapping[str, str], provider_id: str | None = None) -> str | None:
    """Return the region from labels, else from the provider id or the zone's name."""
    if stated := _first(labels, _REGION_LABELS):
        return stated
    if match := _ALIBABA_REGION.match(provider_id or ""):
        return match["region"]
    known_zone = zone(labels, provider_id)
    for pattern in _REGION_OF_ZONE:
        if match := pattern.match(known_zone or ""):
            return match["region"]
    return None


def purchase_option(labels: Mapping[str, str]) -> str | None:
    """Return ``serverless``, ``spot`` or ``on_demand`` as the labels of the clouds and their tools tell it.

    None when no label does. Reserved capacity and saving plans are never read from labels: they are a
    matter of the bill or the price list.
    """
    folded = {name.lower(): value.lower() for name, value in labels.items()}
    options = [
        options[folded[label]] for label, options in _OPTION_BY_LABEL.items() if folded.get(label) in options
    ]
    for special in (SERVERLESS, SPOT):
        if special in options:
            return special
    if options or any(mark in labels for mark in _MANAGED_MARKS):
        return ON_DEMAND
    return None


def node_pool(labels: Mapping[str, str], type_name: str | None, option: str | None) -> str:
    """Return the pool from the labels of EKS, GKE, AKS, ACK, Karpenter and others, else ``type/option``."""
    return _first(labels, _POOL_LABELS) or f"{type_name or UNKNOWN}/{option or UNKNOWN}"


def describe_node(labels: Mapping[str, str], provider_id: str | None = None) -> NodeDescription:
    """Return everything that labels and provider id tell about a node."""
    type_name, option = instance_type(labels), purchase_option(labels)
    return NodeDescription(
        type_name,
        region(labels, provider_id),
        zone(labels, provider_id),
        node_pool(labels, type_name, option),
        option,
    )


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)
