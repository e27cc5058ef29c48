"""Targets of an autoscaler that move together with a request, so that it triggers where it did before.

A utilisation target is a percentage of the request. Halving the request alone would double the replicas, so

    target' = target x old request / new request        (whole percents, rounded down)

keeps the absolute trigger per pod. Bounds: at least 1; at most ``floor(limit / request x 100)``, which is 100
in class Guaranteed, because no pod can use more than its limit. Targets of kind AverageValue, and metrics
that are not CPU or memory, do not depend on the request and stay.
"""

from __future__ import annotations

import math
from typing import Any

from models.vocabulary.quantity import say_cores, say_memory
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.replicas import (
    HpaChange,
    PodRequests,
    Scaler,
    ScalerKind,
    ScalerMetric,
    TargetChange,
)

TOLERANCE = 0.1
"""An autoscaler does nothing while use is within 10 % of the target (the API's default)."""

_LARGEST_TARGET = 1_000_000
_SAME = 1e-9
_FIELDS = {
    "cpu": ("cpu_request_cores", "cpu_limit_cores"),
    "memory": ("memory_request_bytes", "memory_limit_bytes"),
}
_ALONE = PodRequests()


def rescale_hpa(
    scaler: Scaler,
    container: str,
    current: ResourceValues,
    advised: ResourceValues,
    others: PodRequests = _ALONE,
) -> HpaChange | None:
    """Return how an autoscaler must change when a container's requests do.

    Parameters
    ----------
    scaler : Scaler
        Of the container's workload.
    container : str
        Name of the container that changes.
    current, advised : ResourceValues
        A resource whose request is equal in both is left alone.
    others : PodRequests
        The other containers of the pod: a metric of kind Resource is a percentage of all requests together.

    Returns
    -------
    HpaChange or None
        None when no trigger moves. A change that is not possible says why in ``reason``; the request must
        then stay (per resource: ``blocked_resources``).
    """
    targets = tuple(
        _rescale(metric, container, (current, advised), others, scaler)
        for metric in scaler.metrics
        if metric.follows_request
        and metric.container in {None, container}
        and _is_changed(metric.name, current, advised)
    )
    if not targets:
        return None
    is_possible = all(target.is_possible for target in targets)
    return HpaChange(
        object_kind=scaler.kind,
        namespace=scaler.namespace,
        name=scaler.name,
        targets=targets,
        minimum_replicas=scaler.minimum_replicas,
        maximum_replicas=scaler.maximum_replicas,
        json_patch=tuple(_json_patch(scaler, targets)) if is_possible else (),
    )


def _is_changed(resource: str, current: ResourceValues, advised: ResourceValues) -> bool:
    old, new = (getattr(values, _FIELDS[resource][0]) for values in (current, advised))
    if old is None or new is None:
        return old is not new
    return bool(abs(new - old) > _SAME * max(abs(old), abs(new)))


def _rescale(
    metric: ScalerMetric,
    container: str,
    values: tuple[ResourceValues, ResourceValues],
    others: PodRequests,
    scaler: Scaler,
) -> TargetChange:
    counted = others if metric.container is None else _ALONE
    old, new = (_total(one, counted, metric.name, 0) for one in values)
    before = metric.target
    if not before or not old or not new:
        return _impossible(metric, _undefined(metric, container, scaler))
    if scaler.minimum_replicas > scaler.maximum_replicas:
        bounds = f"{scaler.minimum_replicas} to {scaler.maximum_replicas}"
        return _impossible(metric, f"{scaler.label} has no valid bounds ({bounds} replicas).")
    exact = before * old / new
    ceiling = _ceiling(new, _total(values[1], counted, metric.name, 1))
    after = int(min(max(math.floor(exact + _SAME), 1), ceiling))
    why_not = _why_not(metric, exact, after, ceiling)
    said = _say(scaler, metric, (round(before), after), before / 100 * old)
    return TargetChange(
        metric=metric.name,
        container=metric.container,
        position=metric.position,
        target_before=round(before),
        target_after=after,
        trigger_before=before / 100 * old,
        trigger_after=after / 100 * new,
        is_possible=why_not is None,
        reason=said if why_not is None else f"{scaler.label}: {why_not}",
    )


def _total(values: ResourceValues, others: PodRequests, resource: str, part: int) -> float | None:
    """Return the request (part 0) or limit (part 1) of what the metric counts; None when one is unset."""
    name = _FIELDS[resource][part]
    own, rest = getattr(values, name), getattr(others, name)
    return None if own is None or rest is None else float(own + rest)


def _ceiling(request: float, limit: float | None) -> int:
    """Return the largest target that use can reach, percent; none is known without a limit."""
    if limit is None:
        return _LARGEST_TARGET
    return max(math.floor(limit / request * 100 + _SAME), 1)


def _why_not(metric: ScalerMetric, exact: float, after: int, ceiling: int) -> str | None:
    if exact <= (metric.target or 0) and after >= 1 and abs(after / exact - 1) <= TOLERANCE:
        return None
    if exact > ceiling:
        return (
            f"the {metric.name} target would become {exact:.0f} %, but no pod can use more than {ceiling} % "
            "of its request before its limit stops it, so it would never scale out."
        )
    if exact * (1 + TOLERANCE) > ceiling:
        return (
            f"the {metric.name} target would become {exact:.0f} %, and an autoscaler acts only "
            f"{TOLERANCE:.0%} above its target, more than the {ceiling} % that a limit lets a pod use."
        )
    if abs(after / exact - 1) > TOLERANCE:
        return (
            f"the {metric.name} target would become {exact:.1f} %, but targets are whole percents: "
            f"{after} % would trigger {abs(after / exact - 1):.0%} {'later' if after > exact else 'earlier'}."
        )
    return None


def _undefined(metric: ScalerMetric, container: str, scaler: Scaler) -> str:
    if not metric.target:
        return f"{scaler.label} names no {metric.name} target that can be read."
    place = container if metric.container else "one of the pod's containers"
    return (
        f"{scaler.label} scales on a share of the {metric.name} request, but {place} has none, "
        "so it cannot scale now."
    )


def _impossible(metric: ScalerMetric, reason: str) -> TargetChange:
    target = round(metric.target or 0)
    return TargetChange(
        metric=metric.name,
        container=metric.container,
        position=metric.position,
        target_before=target,
        target_after=target,
        trigger_before=None,
        trigger_after=None,
        is_possible=False,
        reason=reason,
    )


def _say(scaler: Scaler, metric: ScalerMetric, targets: tuple[int, int], trigger: float) -> str:
    amount = say_cores(trigger) if metric.name == "cpu" else say_memory(trigger)
    whose = f"container {metric.container}" if metric.container else "pod"
    return (
        f"{scaler.label}: {metric.name} target {targets[0]} % becomes {targets[1]} %, so that it still "
        f"scales at {amount} per {whose} and the number of replicas stays."
    )


def _json_patch(scaler: Scaler, targets: tuple[TargetChange, ...]) -> list[dict[str, Any]]:
    operations: list[dict[str, Any]] = []
    for target in targets:
        if target.position < 0:
            # the API's default is not in the object: the list is written with it
            operations.append({"op": "add", "path": "/spec/metrics", "value": [_cpu_metric(target)]})
            continue
        if scaler.kind is ScalerKind.SCALED_OBJECT:
            path = f"/spec/triggers/{target.position}/metadata/value"
            before, after = str(target.target_before), str(target.target_after)
            operations += [_test(path, before), {"op": "replace", "path": path, "value": after}]
            continue
        part = "containerResource" if target.container else "resource"
        path = f"/spec/metrics/{target.position}/{part}/target/averageUtilization"
        operations += [
            _test(path, target.target_before),
            {"op": "replace", "path": path, "value": target.target_after},
        ]
    return operations


def _test(path: str, value: Any) -> dict[str, Any]:
    return {"op": "test", "path": path, "value": value}


def _cpu_metric(target: TargetChange) -> dict[str, Any]:
    wanted = {"type": "Utilization", "averageUtilization": target.target_after}
    return {"type": "Resource", "resource": {"name": "cpu", "target": wanted}}
