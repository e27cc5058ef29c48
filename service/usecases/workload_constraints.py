"""What the cluster's objects say about a workload: risk class, bounds, autoscaler, LimitRanges, quotas."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.kubernetes.autoscalers import other_requests, read_scalers
from models.kubernetes.channels import INJECTED_CONTAINERS
from models.kubernetes.kinds import KINDS
from models.vocabulary.errors import InputError
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.quantity import parse_quantity
from models.vocabulary.replicas import PodRequests, Scaler, ScalerKind
from recommender.constraints_limit_range import LimitRule, read_limit_range
from recommender.runtime_hints import RUNTIMES, RuntimeFacts
from service.runtime import Runtime
from service.usecases.cluster_objects import objects_at

logger = logging.getLogger(__name__)

PREFIX = "millicore.io/"
OPT_OUT_ANNOTATION = f"{PREFIX}opt-out"
RISK_CLASS_ANNOTATION = f"{PREFIX}risk-class"
ALLOW_QOS_CHANGE_ANNOTATION = f"{PREFIX}allow-qos-change"
COMPRESS_ANNOTATION = f"{PREFIX}compress-requests"
SIGNS_CALENDAR_ANNOTATION = f"{PREFIX}signs-calendar"
GROUP_ANNOTATION = f"{PREFIX}group"
RENAMED_FROM_ANNOTATION = f"{PREFIX}renamed-from"
RUNTIME_ANNOTATION = f"{PREFIX}runtime"
BOUND_ANNOTATIONS = {
    "cpu_minimum_cores": f"{PREFIX}cpu-minimum",
    "cpu_maximum_cores": f"{PREFIX}cpu-maximum",
    "memory_minimum_bytes": f"{PREFIX}memory-minimum",
    "memory_maximum_bytes": f"{PREFIX}memory-maximum",
}
"""Each may end in ``.<container>`` and is then meant for that container only."""

WorkloadName = tuple[str, str, str]
"""Namespace, kind and name."""

_WORKLOADS = tuple(kind for kind in KINDS if kind not in {"Pod", "ReplicaSet"})
"""Kinds that an owner edits; pods and ReplicaSets are too many, and made by these."""
_SCALERS = (str(ScalerKind.HORIZONTAL_POD_AUTOSCALER), str(ScalerKind.SCALED_OBJECT))
_QUOTA_FIELDS = {
    "requests.cpu": "cpu_request_cores",
    "cpu": "cpu_request_cores",
    "limits.cpu": "cpu_limit_cores",
    "requests.memory": "memory_request_bytes",
    "memory": "memory_request_bytes",
    "limits.memory": "memory_limit_bytes",
}
_QUOTA_SCOPES = frozenset({"NotTerminating", "NotBestEffort"})
"""Scopes that take in a long-running pod with requests; quotas of other scopes are about other pods."""


@dataclass(frozen=True)
class WorkloadRules:
    """What objects of one cluster say, by workload or by namespace.

    Parameters
    ----------
    specs : mapping of WorkloadName to dict
        Stored part of each workload object.
    words : mapping of WorkloadName to mapping
        Annotations and labels that begin with `PREFIX`, of those workloads that have any.
    limit_rules : mapping of str to list of LimitRule
    quotas : mapping of str to mapping
        Hard limits by namespace and field of ``ResourceValues``.
    scalers : mapping of WorkloadName to Scaler
    renames : mapping of WorkloadName to str
        Old name to the workload that says it was named so.
    """

    specs: Mapping[WorkloadName, Mapping[str, Any]] = field(default_factory=dict)
    words: Mapping[WorkloadName, Mapping[str, str]] = field(default_factory=dict)
    limit_rules: Mapping[str, tuple[LimitRule, ...]] = field(default_factory=dict)
    quotas: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scalers: Mapping[WorkloadName, Scaler] = field(default_factory=dict)
    renames: Mapping[WorkloadName, str] = field(default_factory=dict)

    def risk_class(self, key: WorkloadKey) -> str | None:
        """Return the risk class that the owner asked for by annotation or label, or None."""
        return self.stated(key, RISK_CLASS_ANNOTATION)

    def stated(self, key: WorkloadKey, name: str, container: str | None = None) -> str | None:
        """Return what an annotation says, or the label of the same name; one for a container goes first."""
        words = self.words.get(name_of(key))
        if not words:
            return None
        found = None if container is None else words.get(f"{name}.{container}")
        return words.get(name) if found is None else found

    def says_yes(self, key: WorkloadKey, name: str) -> bool:
        """Whether an annotation or label is ``true``, ``yes`` or ``ok``."""
        return (self.stated(key, name) or "").strip().lower() in {"true", "yes", "ok"}

    def labels(self, key: WorkloadKey) -> Mapping[str, str]:
        """Return the labels of the workload and of its pod template, the workload's own first."""
        spec = self._spec(key)
        template = (spec.get("template") or {}).get("labels") or {}
        return {**template, **(spec.get("labels") or {})}

    def bounds(self, key: ContainerKey) -> dict[str, float]:
        """Return smallest and largest values that the owner set; one that cannot be read is left out."""
        found: dict[str, float] = {}
        if name_of(key.workload) not in self.words:
            return found
        for name, annotation in BOUND_ANNOTATIONS.items():
            text = self.stated(key.workload, annotation, key.container)
            if text is not None:
                try:
                    found[name] = float(parse_quantity(text, field=annotation))
                except InputError as problem:
                    logger.warning("%s: %s is not used: %s", key, annotation, problem)
        return found

    def runtime(self, key: ContainerKey) -> RuntimeFacts | None:
        """Return the container's language runtime: as its owner says, else as its template shows."""
        shown = (self.container(key) or {}).get("runtime") or {}
        stated = (self.stated(key.workload, RUNTIME_ANNOTATION, key.container) or "").strip().lower()
        name = {"java": "jvm", "golang": "go", "nodejs": "node"}.get(stated, stated) or shown.get("name")
        if name not in RUNTIMES:
            return None
        found_in = RUNTIME_ANNOTATION if stated else str(shown.get("found_in", "its template"))
        facts = shown if shown.get("name") == name else {}
        return RuntimeFacts(
            name, found_in, facts.get("heap_bytes"), facts.get("heap_ratio"), facts.get("threads")
        )

    def container(self, key: ContainerKey) -> Mapping[str, Any] | None:
        """Return the container in the pod template, None where template or container is not known."""
        return next((one for one in self.containers(key.workload) if one["name"] == key.container), None)

    def containers(self, key: WorkloadKey) -> Sequence[Mapping[str, Any]]:
        """Return the containers of the pod template, empty when it is not known."""
        return (self._spec(key).get("template") or {}).get("containers") or ()

    def is_injected(self, key: ContainerKey) -> bool:
        """Whether a webhook puts the container into the pod: it is in the pod and not in the template."""
        names = {one["name"] for one in self.containers(key.workload)}
        return key.container not in names if names else key.container in INJECTED_CONTAINERS

    def surge(self, key: WorkloadKey, replicas: float) -> float:
        """Return how many more pods a rollout starts before it ends old ones (default 25 %, rounded up)."""
        if key.kind != "Deployment":
            return 0.0
        strategy = self._spec(key).get("strategy") or {}
        if strategy.get("type") == "Recreate":
            return 0.0
        stated = str((strategy.get("rollingUpdate") or {}).get("maxSurge", "25%"))
        if stated.endswith("%"):
            return float(-(-replicas * float(stated[:-1]) // 100))
        return float(stated)

    def scaler(self, key: WorkloadKey) -> Scaler | None:
        """Return what scales the workload."""
        return self.scalers.get(name_of(key))

    def pod_others(self, key: ContainerKey) -> PodRequests:
        """Return what the pod's other containers request together."""
        return other_requests(self.containers(key.workload), key.container)

    def _spec(self, key: WorkloadKey) -> Mapping[str, Any]:
        return self.specs.get(name_of(key), {})


def name_of(key: WorkloadKey) -> WorkloadName:
    """Return namespace, kind and name."""
    return key.namespace, key.kind, key.name


def read_rules(runtime: Runtime, cluster: str, at: datetime) -> WorkloadRules:
    """Return what the objects in force at an instant say about workloads."""
    specs: dict[WorkloadName, Mapping[str, Any]] = {}
    limits: dict[str, tuple[LimitRule, ...]] = {}
    quotas: dict[str, dict[str, float]] = {}
    scalers = []
    kinds = (*_WORKLOADS, "LimitRange", "ResourceQuota", *_SCALERS)
    for kind, namespace, name, spec in objects_at(runtime, cluster, at, kinds):
        if kind == "LimitRange":
            limits[namespace] = (*limits.get(namespace, ()), *read_limit_range(spec.get("limits") or ()))
        elif kind == "ResourceQuota":
            _tighten(quotas.setdefault(namespace, {}), spec)
        elif kind in _SCALERS:
            scalers.append((kind, namespace, name, spec))
        else:
            specs[namespace, kind, name] = spec
    found = {(one.namespace, one.workload_kind, one.workload_name): one for one in read_scalers(scalers)}
    words = {name: said for name, spec in specs.items() if (said := _words(spec))}
    return WorkloadRules(specs, words, limits, quotas, found, _renames(words))


def _tighten(hard: dict[str, float], spec: Mapping[str, Any]) -> None:
    """Add one quota: the smallest of several holds; one for other kinds of pods does not."""
    if spec.get("scopeSelector") or set(spec.get("scopes") or ()) - _QUOTA_SCOPES:
        return
    for resource, text in (spec.get("hard") or {}).items():
        name = _QUOTA_FIELDS.get(resource)
        if name is not None:
            amount = float(parse_quantity(text, field=f"ResourceQuota {resource}"))
            hard[name] = min(hard.get(name, amount), amount)


def _words(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return what annotations and labels say to Millicore; annotations go before labels."""
    template = (spec.get("template") or {}).get("labels") or {}
    said = {**template, **(spec.get("labels") or {}), **(spec.get("annotations") or {})}
    return {name: str(text) for name, text in said.items() if name.startswith(PREFIX)}


def _renames(words: Mapping[WorkloadName, Mapping[str, str]]) -> dict[WorkloadName, str]:
    found = {}
    for (namespace, kind, name), said in words.items():
        old = said.get(RENAMED_FROM_ANNOTATION)
        if old:
            place, _, old_name = old.rpartition("/")
            found[place or namespace, kind, old_name] = f"{namespace}/{name}"
    return found


def read_hpa_metrics(
    runtime: Runtime, cluster: str, at: datetime
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Return the metrics on which each workload (namespace, kind, name) is scaled at an instant."""
    found: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for one in read_scalers(objects_at(runtime, cluster, at, _SCALERS)):
        key = (one.namespace, one.workload_kind, one.workload_name)
        names = {metric.name.lower() for metric in one.metrics}
        found[key] = tuple(sorted({*found.get(key, ()), *names}))
    return found
