"""The change of the autoscaler that belongs to a change of requests: never one without the other."""

from __future__ import annotations

import json
import shlex
from typing import Any

from models.vocabulary.replicas import HpaChange, ScalerKind
from service.patches.change import ResourceChange
from service.patches.json_operations import Operations, invert_operations

_QUALIFIED = {
    ScalerKind.HORIZONTAL_POD_AUTOSCALER: "horizontalpodautoscaler.autoscaling",
    ScalerKind.SCALED_OBJECT: "scaledobject.keda.sh",
}


def scaler_operations(change: ResourceChange, *, is_rollback: bool) -> Operations:
    """Return the JSON patch of the autoscaler, empty where nothing changes on it."""
    if change.hpa is None or not change.hpa.json_patch:
        return []
    operations = [dict(one) for one in change.hpa.json_patch]
    return invert_operations(operations) if is_rollback else operations


def scaler_document(change: ResourceChange, *, is_rollback: bool) -> dict[str, Any] | None:
    """Return which autoscaler is to be patched and how, None where nothing changes on it."""
    operations = scaler_operations(change, is_rollback=is_rollback)
    if change.hpa is None or not operations:
        return None
    return {
        "kind": change.hpa.object_kind.value,
        "namespace": change.hpa.namespace,
        "name": change.hpa.name,
        "json_patch": operations,
    }


def scaler_line(change: ResourceChange, *, is_rollback: bool) -> str:
    """Return the kubectl line that patches the autoscaler, empty where nothing changes on it."""
    operations = scaler_operations(change, is_rollback=is_rollback)
    if change.hpa is None or not operations:
        return ""
    hpa: HpaChange = change.hpa
    return shlex.join(
        [
            *("kubectl", "--namespace", hpa.namespace, "patch", _QUALIFIED[hpa.object_kind], hpa.name),
            *("--type", "json", "--patch", json.dumps(operations)),
        ]
    )
