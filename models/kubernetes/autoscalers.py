"""Autoscalers as the API shows them: HorizontalPodAutoscaler (v2) and KEDA's ScaledObject (v1alpha1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.vocabulary.errors import InputError
from models.vocabulary.quantity import parse_quantity
from models.vocabulary.replicas import PodRequests, Scaler, ScalerKind, ScalerMetric, TargetKind

DEFAULT_CPU_TARGET = 80
"""Percent: what the API uses for a HorizontalPodAutoscaler without metrics."""

_KEDA_MAXIMUM = 100
_SCALE_DOWN_SECONDS = 300
_RESOURCES = ("cpu", "memory")
_STEADY_KINDS = ("main", "sidecar")

Spec = Mapping[str, Any]
ScalerObject = tuple[str, str, str, Spec]
"""Kind, namespace, name and stored spec of an object."""


def read_scalers(objects: Iterable[ScalerObject]) -> list[Scaler]:
    """Return the autoscalers among objects, each once.

    A HorizontalPodAutoscaler that a ScaledObject owns is left out: KEDA would undo a change of it, so the
    ScaledObject is the one to edit. A number that cannot be read is no number: a target is None then, and a
    bound 0, which no valid object has as its maximum.
    """
    found = []
    for kind, namespace, name, spec in objects:
        if kind == ScalerKind.SCALED_OBJECT:
            found.append(read_scaled_object(namespace, name, spec))
        elif kind == ScalerKind.HORIZONTAL_POD_AUTOSCALER and not _is_owned_by_keda(spec):
            found.append(read_hpa(namespace, name, spec))
    return found


def read_hpa(namespace: str, name: str, spec: Spec) -> Scaler:
    """Return a HorizontalPodAutoscaler; without metrics it has the API's default, 80 % CPU."""
    target = spec.get("scaleTargetRef") or {}
    metrics = [_hpa_metric(i, one) for i, one in enumerate(spec.get("metrics") or ())]
    default = ScalerMetric(-1, "cpu", None, TargetKind.UTILIZATION, float(DEFAULT_CPU_TARGET))
    return Scaler(
        kind=ScalerKind.HORIZONTAL_POD_AUTOSCALER,
        namespace=namespace,
        name=name,
        workload_kind=str(target.get("kind", "")),
        workload_name=str(target.get("name", "")),
        minimum_replicas=_count(spec.get("minReplicas"), 1),
        maximum_replicas=_count(spec.get("maxReplicas"), 1),
        metrics=tuple(metrics) or (default,),
        scale_down_window_seconds=_scale_down_window(spec.get("behavior")),
    )


def read_scaled_object(namespace: str, name: str, spec: Spec) -> Scaler:
    """Return a ScaledObject of KEDA; triggers that are neither CPU nor memory keep their type as name."""
    target = spec.get("scaleTargetRef") or {}
    advanced = (spec.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    return Scaler(
        kind=ScalerKind.SCALED_OBJECT,
        namespace=namespace,
        name=name,
        workload_kind=str(target.get("kind") or "Deployment"),
        workload_name=str(target.get("name", "")),
        minimum_replicas=_count(spec.get("minReplicaCount"), 0),
        maximum_replicas=_count(spec.get("maxReplicaCount"), _KEDA_MAXIMUM),
        metrics=tuple(_keda_metric(i, one) for i, one in enumerate(spec.get("triggers") or ())),
        scale_down_window_seconds=_scale_down_window(advanced.get("behavior")),
    )


def other_requests(template_containers: Iterable[Mapping[str, Any]], container: str) -> PodRequests:
    """Return the summed requests and limits of all other long-running containers of a pod template.

    Parameters
    ----------
    template_containers : iterable of mappings
        ``name``, ``kind`` (main, init, sidecar), ``requests`` and ``limits`` in base units, as stored of a
        Deployment's template.
    container : str
        The one that is not counted.
    """
    others = [
        one for one in template_containers if one["name"] != container and one.get("kind") in _STEADY_KINDS
    ]

    def total(*parts: str, resource: str) -> float | None:
        amounts = [_first(one, parts, resource) for one in others]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if len(known) == len(amounts) else None

    # a limit without a request is the request too, as in Kubernetes
    return PodRequests(
        cpu_request_cores=total("requests", "limits", resource="cpu"),
        cpu_limit_cores=total("limits", resource="cpu"),
        memory_request_bytes=total("requests", "limits", resource="memory"),
        memory_limit_bytes=total("limits", resource="memory"),
    )


def _first(container: Mapping[str, Any], parts: tuple[str, ...], resource: str) -> float | None:
    stated = ((container.get(part) or {}).get(resource) for part in parts)
    return next((float(amount) for amount in stated if amount is not None), None)


def _hpa_metric(position: int, metric: Spec) -> ScalerMetric:
    kind = str(metric.get("type", ""))
    if kind in {"Resource", "ContainerResource"}:
        part = metric.get("resource" if kind == "Resource" else "containerResource") or {}
        container = part.get("container") if kind == "ContainerResource" else None
        target_kind, target = _hpa_target(part.get("target") or {})
        return ScalerMetric(position, str(part.get("name", "")).lower(), container, target_kind, target)
    part = metric.get(kind[:1].lower() + kind[1:]) or {}
    name = str((part.get("metric") or {}).get("name") or kind.lower() or "unknown")
    target_kind, target = _hpa_target(part.get("target") or {})
    # a metric of one's own may be called cpu; it does not follow the request
    return ScalerMetric(position, f"{kind.lower()}:{name}", None, target_kind, target)


def _hpa_target(target: Spec) -> tuple[TargetKind | None, float | None]:
    fields = (
        (TargetKind.UTILIZATION, "averageUtilization"),
        (TargetKind.AVERAGE_VALUE, "averageValue"),
        (TargetKind.VALUE, "value"),
    )
    for kind, name in fields:
        if target.get(name) is not None:
            return kind, _amount(target[name])
    return None, None


def _keda_metric(position: int, trigger: Spec) -> ScalerMetric:
    kind = str(trigger.get("type", "unknown")).lower()
    metadata = trigger.get("metadata") or {}
    if kind not in _RESOURCES:
        return ScalerMetric(position, f"trigger:{kind}", None, None, None)
    # before KEDA 2.7 the kind of target stood in the metadata
    stated = str(trigger.get("metricType") or metadata.get("type") or "")
    target_kind = next((one for one in TargetKind if one.value.lower() == stated.lower()), None)
    target = _amount(metadata.get("value"))
    return ScalerMetric(position, kind, metadata.get("containerName") or None, target_kind, target)


def _scale_down_window(behavior: Any) -> int:
    stated = ((behavior or {}).get("scaleDown") or {}).get("stabilizationWindowSeconds")
    return _count(stated, _SCALE_DOWN_SECONDS)


def _amount(stated: Any) -> float | None:
    if stated is None:
        return None
    try:
        return float(parse_quantity(stated))
    except InputError:
        return None


def _count(stated: Any, default: int) -> int:
    if stated is None:
        return default
    try:
        return int(stated)
    except (TypeError, ValueError):
        return 0


def _is_owned_by_keda(spec: Spec) -> bool:
    return (spec.get("owner") or {}).get("kind") == ScalerKind.SCALED_OBJECT
