"""Where the pods of a cluster may run, from its objects: taints, selectors, affinity, budgets, pins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.packing.placement import HOSTNAME_KEY, NodeRules, PodRules
from service.runtime import Runtime
from warehouse.lake.reading import TableScan

_OBJECTS = """
    SELECT kind, namespace, name, uid, spec FROM (
      SELECT * FROM object_history
      WHERE kind IN ('Node', 'Pod', 'PodDisruptionBudget') AND observed_by = 'kubernetes'
        AND valid_from <= $at
      QUALIFY row_number() OVER (PARTITION BY kind, uid ORDER BY valid_from DESC) = 1)
    WHERE valid_to IS NULL OR valid_to > $at
    ORDER BY kind, namespace, name, uid"""
"""The newest version of each object; one that went has ``valid_to`` in its last."""

_SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"


@dataclass(frozen=True)
class ClusterRules:
    """Rules of one cluster's pods by uid and of its nodes by key.

    Without a Kubernetes API as a source both are empty: then nothing is known about taints.
    """

    pods: Mapping[str, PodRules] = field(default_factory=dict)
    nodes: Mapping[str, NodeRules] = field(default_factory=dict)

    @property
    def are_known(self) -> bool:
        """Whether the cluster's API tells the rules."""
        return bool(self.nodes)


def read_rules_of_pods(runtime: Runtime, cluster: str, at: datetime) -> ClusterRules:
    """Return the rules in force at an instant."""
    rows = runtime.warehouse.lake.query(
        _OBJECTS,
        tables={"object_history": TableScan("object_history", cluster)},
        parameters={"at": at},
    ).to_pylist()
    objects = [
        (row["kind"], row["namespace"], row["name"], row["uid"], json.loads(row["spec"])) for row in rows
    ]
    budgets = [
        (namespace, spec)
        for kind, namespace, _, _, spec in objects
        if kind == "PodDisruptionBudget" and _allows_none(spec)
    ]
    return ClusterRules(
        pods={
            uid: _pod(namespace, spec, budgets) for kind, namespace, _, uid, spec in objects if kind == "Pod"
        },
        nodes={
            str(spec.get("node_key")): NodeRules(name, spec.get("labels") or {}, spec.get("taints") or ())
            for kind, _, name, _, spec in objects
            if kind == "Node"
        },
    )


def _pod(namespace: str, spec: Mapping[str, Any], budgets: list[tuple[str, Mapping[str, Any]]]) -> PodRules:
    affinity = spec.get("affinity") or {}
    required = (affinity.get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    return PodRules(
        tolerations=spec.get("tolerations") or (),
        node_selector=spec.get("node_selector") or {},
        node_affinity_terms=required.get("nodeSelectorTerms") or (),
        spread_group=_spread_group(namespace, spec, affinity),
        pinned_because=_pin(namespace, spec, budgets),
    )


def _spread_group(namespace: str, spec: Mapping[str, Any], affinity: Mapping[str, Any]) -> str | None:
    """Return a name for the pods that refuse each other on one node: those of one anti-affinity term."""
    terms = (affinity.get("podAntiAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or ()
    for term in terms:
        selector = term.get("labelSelector") or {}
        if term.get("topologyKey") == HOSTNAME_KEY and _selects(selector, spec.get("labels") or {}):
            return f"{namespace} {json.dumps(selector, sort_keys=True)}"
    return None


def _pin(namespace: str, spec: Mapping[str, Any], budgets: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Return why a pod cannot be moved, empty when it can."""
    annotations, labels = spec.get("annotations") or {}, spec.get("labels") or {}
    if annotations.get(_SAFE_TO_EVICT) == "false" or annotations.get(_DO_NOT_DISRUPT) == "true":
        return "its annotation forbids eviction"
    if spec.get("host_paths"):
        return "it keeps data on its node"
    if any(place == namespace and _selects(one.get("selector") or {}, labels) for place, one in budgets):
        return "its disruption budget allows none to go"
    return ""


def _allows_none(budget: Mapping[str, Any]) -> bool:
    """Whether a PodDisruptionBudget never lets a pod go, whatever the number of replicas."""
    return str(budget.get("maxUnavailable")) in ("0", "0%") or str(budget.get("minAvailable")) == "100%"


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything of its namespace."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_meets(one, labels) for one in selector.get("matchExpressions") or ())


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(expression["key"]), expression.get("values") or ()
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }.get(expression["operator"], False)
