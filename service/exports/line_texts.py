"""What each kind of charge line is called, and where FOCUS files it."""

from __future__ import annotations

from dataclasses import dataclass

from models.chargeback.lines import BILL_KINDS, ChargeLine, LineKind

_GIB_SECONDS = float(1 << 30) * 3600


@dataclass(frozen=True)
class Resource:
    """How a resource is sold: its unit, seconds (or bytes) per unit, and where FOCUS files it."""

    unit: str
    per_unit: float
    sku: str
    label: str
    service_category: str = "Compute"
    service_subcategory: str = "Containers"
    asset: tuple[str, str] = ("nodes", "Kubernetes Node Pool")
    """Name of all its assets in a cluster, and their type."""


RESOURCES = {
    "cpu": Resource("Core-Hours", 3600.0, "k8s-cpu-core-hour", "CPU"),
    "memory": Resource("GiB-Hours", _GIB_SECONDS, "k8s-memory-gib-hour", "Memory"),
    "gpu": Resource("GPU-Hours", 3600.0, "k8s-gpu-hour", "GPU"),
    "storage": Resource(
        "GiB-Hours",
        _GIB_SECONDS,
        "k8s-volume-gib-hour",
        "Volumes",
        "Storage",
        "Other (Storage)",
        ("volumes", "Kubernetes Volume"),
    ),
    "load_balancer": Resource(
        "Hours",
        3600.0,
        "k8s-load-balancer-hour",
        "Load balancers",
        "Networking",
        "Application Networking",
        ("load-balancers", "Kubernetes Load Balancer"),
    ),
    "network": Resource(
        "GiB",
        float(1 << 30),
        "k8s-network-gib",
        "Network",
        "Networking",
        "Network Connectivity",
        ("network", "Kubernetes Network"),
    ),
    "control_plane": Resource(
        "Hours",
        3600.0,
        "k8s-control-plane-hour",
        "Control plane",
        asset=("control-plane", "Kubernetes Control Plane"),
    ),
}


@dataclass(frozen=True)
class Filing:
    """Where FOCUS files a kind of line, and what it is called.

    Parameters
    ----------
    description : str
    category, frequency : str
        ``ChargeCategory`` and ``ChargeFrequency``.
    service : (str, str) or None
        ``ServiceCategory`` and ``ServiceSubcategory``; None takes those of the resource.
    """

    description: str
    category: str = "Usage"
    frequency: str = "Usage-Based"
    service: tuple[str, str] | None = None


_OTHER = ("Other", "Other (Other)")

FILINGS = {
    LineKind.TEAM: Filing("Kubernetes workloads: used and requested"),
    LineKind.UNOWNED: Filing("Kubernetes workloads: share that ownership rules leave to nobody"),
    LineKind.IDLE: Filing("Capacity that nobody requested or used"),
    LineKind.OVERHEAD: Filing("Capacity that nodes keep for themselves"),
    LineKind.IDLE_SHARE: Filing("Share of idle capacity, by policy"),
    LineKind.OVERHEAD_SHARE: Filing("Share of overhead, by policy"),
    LineKind.SHARED_IN: Filing("Share of a shared team's cost, by policy"),
    LineKind.SHARED_OUT: Filing("Cost of a shared team passed on, by policy"),
    LineKind.OVERSELL_GAIN: Filing("Gain of selling more than the nodes hold, by policy"),
    LineKind.TRUE_UP: Filing("True-up to the provider's bill", "Adjustment", "One-Time"),
    LineKind.OUT_OF_CLUSTER: Filing("Provider's services outside the clusters", service=_OTHER),
    LineKind.UNUSED_COMMITMENT: Filing("Commitment that was paid and not used"),
    LineKind.TAX: Filing("Tax of the provider's bill", "Tax", "One-Time", _OTHER),
    LineKind.SUPPORT: Filing(
        "Support fee of the provider's bill",
        "Purchase",
        "Recurring",
        ("Management and Governance", "Support"),
    ),
    LineKind.CREDIT: Filing("Credit of the provider's bill", "Credit", "One-Time", _OTHER),
    LineKind.REFUND: Filing("Refund of the provider's bill", "Credit", "One-Time", _OTHER),
    LineKind.DISPUTE: Filing("Settled dispute", "Adjustment", "One-Time", _OTHER),
    LineKind.ROUNDING: Filing("Rounding to whole coins", "Adjustment", "One-Time"),
}

_NO_RESOURCE_SKU = {kind: f"charge-{kind.value.replace('_', '-')}" for kind in LineKind} | {
    LineKind.ROUNDING: "k8s-rounding"
}


def description(line: ChargeLine) -> str:
    """Return what a line charges, in words."""
    correction = f"Correction of {line.restates}: " if line.correction else ""
    resource = RESOURCES.get(line.resource or "")
    return f"{correction}{FILINGS[line.kind].description}{f' ({resource.label})' if resource else ''}"


def service(line: ChargeLine) -> tuple[str, str]:
    """Return the service category and subcategory of a line."""
    filed = FILINGS[line.kind].service
    if filed is not None:
        return filed
    resource = RESOURCES.get(line.resource or "", RESOURCES["cpu"])
    return resource.service_category, resource.service_subcategory


def asset(line: ChargeLine) -> tuple[str, str]:
    """Return id and type of what was charged: a node pool, other assets of the cluster, or a document."""
    if line.kind in BILL_KINDS:
        return f"bill://{line.reference or line.kind}", "Provider Bill"
    name, asset_type = RESOURCES.get(line.resource or "", RESOURCES["cpu"]).asset
    return f"k8s://{line.cluster}/{line.node_pool or name}", asset_type


def sku(line: ChargeLine) -> str:
    """Return what is sold: a resource, or the kind of charge where there is none."""
    resource = RESOURCES.get(line.resource or "")
    return resource.sku if resource else _NO_RESOURCE_SKU[line.kind]
