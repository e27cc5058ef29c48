"""Where pods may run: taints and tolerations, node selectors, required affinity, spreading, pins.

Rules are Kubernetes' own: https://kubernetes.io/docs/concepts/scheduling-eviction/ (assign-pod-node,
taint-and-toleration). Preferred rules are not looked at: they bind nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

HOSTNAME_KEY = "kubernetes.io/hostname"
_KEEPING_OUT = ("NoSchedule", "NoExecute")


@dataclass(frozen=True, eq=False)
class Placement:
    """Rules of some pods on some nodes.

    Parameters
    ----------
    allowed : ndarray of bool, shape (groups, nodes)
        Nodes on which the pods of a group may run.
    group : ndarray of int, shape (pods,)
    spread : ndarray of int, shape (pods,)
        Pods of one number never share a node; -1 may.
    pinned_to : ndarray of int, shape (pods,)
        Node that a pod cannot leave; -1 where it can.
    """

    allowed: NDArray[np.bool_]
    group: NDArray[np.int64]
    spread: NDArray[np.int64]
    pinned_to: NDArray[np.int64]

    @classmethod
    def free(cls, pod_count: int, node_count: int) -> Placement:
        """Return rules that forbid nothing."""
        nothing = np.full(pod_count, -1, dtype=np.int64)
        everywhere = np.ones((1, node_count), dtype=np.bool_)
        return cls(everywhere, np.zeros(pod_count, dtype=np.int64), nothing, nothing)

    @property
    def is_free(self) -> bool:
        """Whether no pod is bound by any rule."""
        return bool(self.allowed.all() and (self.spread < 0).all() and (self.pinned_to < 0).all())


@dataclass(frozen=True)
class NodeRules:
    """What of a node decides who may run on it: its name, labels and taints."""

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class PodRules:
    """What a pod asks of its node.

    ``spread_group`` is a name that at most one pod per node bears (required anti-affinity by host name);
    ``pinned_because`` says why it cannot be moved, empty when it can.
    """

    tolerations: Sequence[Mapping[str, Any]] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    node_affinity_terms: Sequence[Mapping[str, Any]] = ()
    spread_group: str | None = None
    pinned_because: str = ""


def build_placement(
    pods: Sequence[PodRules], nodes: Sequence[NodeRules], node_of_pod: Sequence[int]
) -> Placement:
    """Return the rules of pods on nodes; pods of equal rules form one group.

    Parameters
    ----------
    pods : sequence of PodRules
    nodes : sequence of NodeRules
    node_of_pod : sequence of int
        Index of the node on which each runs now.
    """
    groups: dict[str, int] = {}
    spreads: dict[str, int] = {}
    masks: list[list[bool]] = []
    group, spread = [], []
    for pod in pods:
        key = json.dumps([pod.tolerations, pod.node_selector, pod.node_affinity_terms], default=list)
        if key not in groups:
            groups[key] = len(groups)
            masks.append([may_run(pod, node) for node in nodes])
        group.append(groups[key])
        name = pod.spread_group
        spread.append(-1 if name is None else spreads.setdefault(name, len(spreads)))
    pinned = [at if pod.pinned_because else -1 for pod, at in zip(pods, node_of_pod, strict=True)]
    allowed = np.array(masks, dtype=np.bool_).reshape(-1, len(nodes))
    if not len(allowed):
        allowed = np.ones((1, len(nodes)), dtype=np.bool_)
    return Placement(
        allowed,
        np.array(group, dtype=np.int64),
        np.array(spread, dtype=np.int64),
        np.array(pinned, dtype=np.int64),
    )


def may_run(pod: PodRules, node: NodeRules) -> bool:
    """Whether a pod's rules and a node's taints allow the pod on the node, room not looked at."""
    keeping_out = [taint for taint in node.taints if taint.get("effect") in _KEEPING_OUT]
    if not all(any(_tolerates(one, taint) for one in pod.tolerations) for taint in keeping_out):
        return False
    if any(node.labels.get(key) != value for key, value in pod.node_selector.items()):
        return False
    terms = pod.node_affinity_terms
    return not terms or any(_meets(term, node) for term in terms)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return not toleration.get("key") or toleration["key"] == taint.get("key")
    is_same_value = (toleration.get("value") or "") == (taint.get("value") or "")
    return toleration.get("key") == taint.get("key") and is_same_value


def _meets(term: Mapping[str, Any], node: NodeRules) -> bool:
    """Whether a node meets every expression of a term; a term without any matches nothing."""
    labels = [(one, node.labels) for one in term.get("matchExpressions") or ()]
    fields = [(one, {"metadata.name": node.name}) for one in term.get("matchFields") or ()]
    wanted = [*labels, *fields]
    return bool(wanted) and all(_holds(one, values) for one, values in wanted)


def _holds(expression: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    found, wanted = values.get(str(expression.get("key"))), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return found in wanted
        case "NotIn":
            return found not in wanted
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case "Gt" | "Lt" as operator:
            return _compares(operator, found, wanted)
    return False


def _compares(operator: str, found: str | None, wanted: Sequence[str]) -> bool:
    try:
        one, other = int(str(found)), int(str(wanted[0]))
    except (ValueError, IndexError):
        return False
    return one > other if operator == "Gt" else one < other
