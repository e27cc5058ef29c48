"""What the cluster's objects say about a workload: autoscalers, opt-out and risk class, LimitRanges."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.quantity import parse_quantity
from recommender.subject import Constraints
from service.runtime import Runtime
from warehouse.lake.reading import TableScan

OPT_OUT_ANNOTATION = "millicore.io/opt-out"
RISK_CLASS_ANNOTATION = "millicore.io/risk-class"

_OBJECTS_AT = """
    SELECT kind, namespace, name, spec FROM object_history
    WHERE list_contains($kinds, kind) AND valid_from <= $at AND (valid_to IS NULL OR valid_to > $at)
    QUALIFY row_number() OVER (
        PARTITION BY kind, namespace, name ORDER BY valid_from DESC, uid DESC) = 1
    ORDER BY kind, namespace, name"""
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


@dataclass(frozen=True)
class WorkloadRules:
    """What objects of one cluster say: annotations by workload, limits of containers by namespace."""

    annotations: Mapping[tuple[str, str, str], Mapping[str, str]]
    limit_ranges: Mapping[str, Mapping[str, Any]]

    def risk_class(self, key: WorkloadKey) -> str | None:
        """Return the risk class that the owner asked for by annotation, or None."""
        return self._annotation(key).get(RISK_CLASS_ANNOTATION)

    def constraints(self, key: WorkloadKey) -> Constraints:
        """Return the constraints of a container of the workload."""
        return Constraints(
            is_opted_out=self._annotation(key).get(OPT_OUT_ANNOTATION, "").lower() == "true",
            **self.limit_ranges.get(key.namespace, {}),
        )

    def _annotation(self, key: WorkloadKey) -> Mapping[str, str]:
        return self.annotations.get((key.namespace, key.kind, key.name), {})


def read_rules(runtime: Runtime, cluster: str, at: datetime) -> WorkloadRules:
    """Return what the objects in force at an instant say about workloads."""
    annotations: dict[tuple[str, str, str], dict[str, str]] = {}
    ranges: dict[str, dict[str, float]] = {}
    for kind, namespace, name, spec in _objects_at(runtime, cluster, at, (*_WORKLOADS, "LimitRange")):
        if kind == "LimitRange":
            ranges[namespace] = {**ranges.get(namespace, {}), **_container_limits(spec)}
        else:
            annotations[namespace, kind, name] = spec.get("annotations") or {}
    return WorkloadRules(annotations, ranges)


def read_hpa_metrics(
    runtime: Runtime, cluster: str, at: datetime
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """Return the metrics on which each workload (namespace, kind, name) is scaled at an instant."""
    found: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for _, namespace, _, spec in _objects_at(runtime, cluster, at, ("HorizontalPodAutoscaler",)):
        target = spec.get("scaleTargetRef") or {}
        key = (namespace, str(target.get("kind")), str(target.get("name")))
        found[key] = tuple(sorted({*found.get(key, ()), *_metric_names(spec)}))
    return found


def _objects_at(
    runtime: Runtime, cluster: str, at: datetime, kinds: tuple[str, ...]
) -> list[tuple[str, str, str, dict[str, Any]]]:
    rows = runtime.warehouse.lake.query(
        _OBJECTS_AT,
        tables={"object_history": TableScan("object_history", cluster)},
        parameters={"kinds": list(kinds), "at": at},
    )
    return [
        (row["kind"], row["namespace"], row["name"], json.loads(row["spec"] or "{}"))
        for row in rows.to_pylist()
    ]


def _metric_names(spec: Mapping[str, Any]) -> list[str]:
    names = []
    for metric in spec.get("metrics") or []:
        resource = metric.get("resource") or metric.get("containerResource") or {}
        names.append(str(resource.get("name") or metric.get("type", "unknown")).lower())
    # An autoscaler without metrics scales on 80 % CPU: the API's default.
    return names or ["cpu"]


_LIMIT_FIELDS = {
    ("min", "cpu"): "cpu_minimum_cores",
    ("max", "cpu"): "cpu_maximum_cores",
    ("min", "memory"): "memory_minimum_bytes",
    ("max", "memory"): "memory_maximum_bytes",
}


def _container_limits(spec: Mapping[str, Any]) -> dict[str, float]:
    limits = {}
    for item in spec.get("limits") or []:
        if item.get("type") == "Container":
            for (bound, resource), name in _LIMIT_FIELDS.items():
                text = (item.get(bound) or {}).get(resource)
                if text is not None:
                    limits[name] = float(parse_quantity(text, field=f"LimitRange {bound} {resource}"))
    return limits
