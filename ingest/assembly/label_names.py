"""Label names that kube-state-metrics has flattened, back to what Kubernetes calls them, as far as possible.

``app.kubernetes.io/name`` is exported as ``label_app_kubernetes_io_name``: every character outside
``[a-zA-Z0-9_]`` becomes ``_``, and an inner capital letter becomes ``_`` and a small one. The way back is
known for the names below and their prefixes; any other name stays as exported, without ``label_``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PREFIX = "label_"

_DOMAINS = (
    "app.kubernetes.io/",
    "topology.kubernetes.io/",
    "node.kubernetes.io/",
    "beta.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
    "node-role.kubernetes.io/",
    "batch.kubernetes.io/",
    "apps.kubernetes.io/",
    "statefulset.kubernetes.io/",
    "kubernetes.io/",
    "eks.amazonaws.com/",
    "alpha.eksctl.io/",
    "cloud.google.com/",
    "kubernetes.azure.com/",
    "node.alibabacloud.com/",
    "alibabacloud.com/",
    "karpenter.sh/",
    "karpenter.k8s.aws/",
    "kops.k8s.io/",
    "machine.openshift.io/",
    "helm.sh/",
    "argocd.argoproj.io/",
    "spotinst.io/",
)
_KNOWN_NAMES = (
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "eks.amazonaws.com/capacityType",
    "cost-center",
    "cost-centre",
    "k8s-app",
    "job-name",
    "node-pool",
)
_SNAKE = re.compile(r"([a-z0-9])([A-Z])")
_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")


def _flatten(name: str) -> str:
    return _SNAKE.sub(r"\1_\2", _UNSAFE.sub("_", name)).lower()


_FLAT_NAMES = {_flatten(name): name for name in _KNOWN_NAMES} | {
    _UNSAFE.sub("_", name): name for name in _KNOWN_NAMES
}
_FLAT_DOMAINS = tuple(sorted(((_flatten(d), d) for d in _DOMAINS), key=lambda pair: -len(pair[0])))
_DASHED_IN_DOMAINS = frozenset(
    _flatten(name)
    for name in (
        "part-of",
        "managed-by",
        "instance-type",
        "capacity-type",
        "gke-nodepool",
        "gke-spot",
        "gke-preemptible",
        "gke-provisioning",
        "nodepool-id",
        "provisioner-name",
        "nodegroup-name",
        "spot-strategy",
        "instance-charge-type",
        "pod-name",
        "job-name",
        "node-lifecycle",
        "cluster-api-machineset",
    )
)


def restore_label_name(exported: str) -> str:
    """Return the Kubernetes name of an exported label (with or without ``label_``), best effort."""
    flat = exported.removeprefix(_PREFIX)
    if flat in _FLAT_NAMES:
        return _FLAT_NAMES[flat]
    for prefix, domain in _FLAT_DOMAINS:
        if flat.startswith(prefix) and len(flat) > len(prefix):
            rest = flat[len(prefix) :]
            return domain + (rest.replace("_", "-") if rest in _DASHED_IN_DOMAINS else rest)
    return flat


def restore_labels(series_labels: Mapping[str, str]) -> dict[str, str]:
    """Return the Kubernetes labels that a ``kube_…_labels`` series carries; other labels are left out."""
    return {
        restore_label_name(name): value
        for name, value in series_labels.items()
        if name.startswith(_PREFIX) and value
    }
