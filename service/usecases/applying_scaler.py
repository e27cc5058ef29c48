"""The autoscaler's part of a change: its target follows the request, or nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from ingest.kubernetes.apply import FIELD_MANAGER, KubernetesWriter, ObjectPlace
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult, FieldConflict
from models.kubernetes.channels import Channel, WorkloadMarks, choose_channel
from models.kubernetes.kinds import WorkloadKind, canonical_kind
from service.patches.autoscaler import scaler_operations
from service.patches.change import ResourceChange

_KINDS = {
    kind.kind: kind
    for kind in (
        WorkloadKind(
            "HorizontalPodAutoscaler",
            "HorizontalPodAutoscaler",
            "autoscaling",
            "v2",
            "horizontalpodautoscalers",
            (),
        ),
        WorkloadKind(
            "ScaledObject", "ScaledObject", "keda.sh", "v1alpha1", "scaledobjects", (), is_custom=True
        ),
    )
}
_TARGETS = ("f:metrics", "f:triggers")


def has_scaler(change: ResourceChange) -> bool:
    """Say whether an autoscaler must change with it."""
    return change.hpa is not None and bool(change.hpa.json_patch)


def patch_scaler(
    writer: KubernetesWriter,
    change: ResourceChange,
    overwritable: Sequence[str],
    *,
    is_dry_run: bool,
    is_rollback: bool,
) -> ApplyOutcome:
    """Patch the autoscaler that belongs to a change; who owns its targets decides, as for workloads.

    Raises
    ------
    SourceRefused, SourceUnreachable
        As `KubernetesWriter.read` and `KubernetesWriter.patch`.
    """
    hpa = change.hpa
    assert hpa is not None, "only called where the change has one"
    place = ObjectPlace(_KINDS[hpa.object_kind.value], hpa.namespace, hpa.name)
    item = writer.read(place)
    if item is None:
        return ApplyOutcome(ApplyResult.CHANGED, f"{hpa.object_kind} {hpa.name} is not there (any more)")
    refusal = _owned_elsewhere(place, item, overwritable)
    if refusal is not None:
        return refusal
    operations = scaler_operations(change, is_rollback=is_rollback)
    return writer.patch(place, ApplyMethod.JSON, operations, is_dry_run=is_dry_run).outcome


def _owned_elsewhere(
    place: ObjectPlace, item: dict[str, Any], overwritable: Sequence[str]
) -> ApplyOutcome | None:
    metadata = item["metadata"]
    owners = metadata.get("ownerReferences") or ()
    owner = next((one for one in owners if one.get("controller")), None)
    managers = _managers(metadata.get("managedFields") or ())
    marks = WorkloadMarks(
        "Deployment",  # the same marks mean the same on every kind
        metadata.get("labels") or {},
        metadata.get("annotations") or {},
        (canonical_kind(str(owner["kind"]), owner.get("apiVersion")), str(owner["name"])) if owner else None,
        managers,
    )
    decision = choose_channel(place.name, marks)
    if decision.channel is not Channel.LIVE:
        return ApplyOutcome(ApplyResult.BLOCKED, f"{place.kind.kind} {place.name}: {decision.reason}")
    others = [
        manager
        for manager in managers
        if manager != FIELD_MANAGER and not any(fnmatchcase(manager, glob) for glob in overwritable)
    ]
    if not others:
        return None
    conflicts = tuple(FieldConflict(manager, ".spec") for manager in others)
    text = f"{', '.join(others)} owns the targets of {place.kind.kind} {place.name}"
    return ApplyOutcome(ApplyResult.CONFLICT, text, conflicts)


def _managers(managed_fields: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                str(entry.get("manager"))
                for entry in managed_fields
                if not entry.get("subresource")
                and any(name in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) for name in _TARGETS)
            }
        )
    )
