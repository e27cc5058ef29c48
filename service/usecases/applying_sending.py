"""The patch of one change: what is sent by each method, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ingest.kubernetes.apply import FIELD_MANAGER, KubernetesWriter, Sent
from ingest.kubernetes.apply_pods import find_pods, resize_pods
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult, FieldConflict
from models.kubernetes.field_managers import applied_resources
from models.kubernetes.templates import (
    are_same_values,
    find_container,
    template_containers,
)
from service.patches.change import ResourceChange, changed_sections, full_sections
from service.patches.json_operations import json_patch
from service.patches.resize import resize_document
from service.patches.strategic import in_template
from service.usecases.applying_live import LiveTarget, changed, containers_of, examine, pod_spec

JsonObject = dict[str, Any]
_KUBECTL_APPLY = "kubectl-client-side-apply"
_TRIES = 3
_RACED = (409, 422)
"""Statuses of a patch whose object moved on: of a stated version, and of a tested one."""


def send(
    writer: KubernetesWriter,
    target: LiveTarget,
    method: ApplyMethod,
    overwritable: Sequence[str],
    *,
    is_dry_run: bool,
) -> ApplyOutcome:
    """Send the change by a method and return what came of it.

    Parameters
    ----------
    writer : KubernetesWriter
    target : LiveTarget
    method : ApplyMethod
    overwritable : sequence of str
        Globs of field managers whose values a merge or JSON patch may overwrite.
    is_dry_run : bool

    Raises
    ------
    SourceRefused, SourceUnreachable
        As `KubernetesWriter.patch`.
    UsageError
        If the method cannot say the change.
    """
    if method is ApplyMethod.RESIZE:
        return _resize(writer, target, is_dry_run=is_dry_run)
    if method is not ApplyMethod.SERVER_SIDE and (conflict := _held_by_others(target, overwritable)):
        return conflict
    for _ in range(_TRIES):
        document = build_document(target, method)
        sent = writer.patch(target.place, method, document, is_dry_run=is_dry_run)
        if sent.outcome.status not in _RACED or sent.outcome.result is not ApplyResult.CHANGED:
            return _warned(_verified(writer, target, sent, method), target, method)
        # only its status may have moved on: look again, and send for the newer version
        found = examine(writer, target.change, method)
        if isinstance(found, ApplyOutcome):
            return found
        target = found
    return sent.outcome


def _warned(outcome: ApplyOutcome, target: LiveTarget, method: ApplyMethod) -> ApplyOutcome:
    """Add that a manifest somewhere still says something else, where kubectl wrote the values."""
    if method is ApplyMethod.SERVER_SIDE or _KUBECTL_APPLY not in target.managers:
        return outcome
    text = "kubectl apply of its manifest would put the old values back: change the manifest too"
    return replace(outcome, details=(*outcome.details, text))


def build_document(target: LiveTarget, method: ApplyMethod) -> Any:
    """Return the patch that a method sends, with the version of the object that it is for."""
    change = target.change
    metadata = {"resourceVersion": target.version}
    if method is ApplyMethod.JSON:
        test = {"op": "test", "path": "/metadata/resourceVersion", "value": target.version}
        return [test, *json_patch(change)]
    if method is ApplyMethod.STRATEGIC:
        container = {"name": change.key.container, "resources": changed_sections(change)}
        return {"metadata": metadata, **in_template(change, container)}
    return {
        "apiVersion": change.kind.api_version,
        "kind": change.kind.api_kind,
        "metadata": {"name": target.place.name, "namespace": target.place.namespace, **metadata},
        **_applied_template(target),
    }


def _applied_template(target: LiveTarget) -> JsonObject:
    """Return the template to apply: our container, and what we applied before to others.

    What a manager no longer applies, the server takes away.
    """
    change = target.change
    wanted: dict[str, list[JsonObject]] = {
        change.group: [{"name": change.key.container, "resources": full_sections(change.after)}]
    }
    earlier = applied_resources(target.item["metadata"].get("managedFields"), change.kind, FIELD_MANAGER)
    spec = pod_spec(change.kind, target.item)
    for (group, name), fields in sorted(earlier.items()):
        live = next((one for one in spec.get(group) or () if one.get("name") == name), None)
        if name == change.key.container or live is None:
            continue
        sections: dict[str, dict[str, str]] = {}
        for section, resource in sorted(fields):
            amount = ((live.get("resources") or {}).get(section) or {}).get(resource)
            if amount is not None:
                sections.setdefault(section, {})[resource] = amount
        wanted.setdefault(group, []).append({"name": name, "resources": sections})
    content: JsonObject = dict(wanted)
    for part in reversed(change.kind.template_path):
        content = {part: content}
    return content


def _verified(writer: KubernetesWriter, target: LiveTarget, sent: Sent, method: ApplyMethod) -> ApplyOutcome:
    """Compare what the API answered with what was asked for; after a lost answer, look at the object."""
    outcome, item = sent.outcome, sent.item
    if outcome.result is ApplyResult.UNKNOWN:
        item = writer.read(target.place)
        if item is None or not _shows(target, item):
            return outcome
        return ApplyOutcome(ApplyResult.APPLIED, "the answer was lost, the object shows the change")
    if item is None or _shows(target, item):
        return outcome
    remedy = (
        "server-side apply cannot take away a value that another manager set, use --method strategic"
        if method is ApplyMethod.SERVER_SIDE
        else "a webhook changed them"
    )
    return ApplyOutcome(ApplyResult.REFUSED, f"other values would come out: {remedy}", status=outcome.status)


def _shows(target: LiveTarget, item: JsonObject) -> bool:
    container = find_container(containers_of(target.change.kind, item), target.change.key.container)
    return container is not None and are_same_values(container.values, target.change.after)


def _resize(writer: KubernetesWriter, target: LiveTarget, *, is_dry_run: bool) -> ApplyOutcome:
    if not writer.serves_resize():
        return ApplyOutcome(
            ApplyResult.REFUSED, "this API server cannot resize pods in place (Kubernetes 1.33 or newer can)"
        )
    change = target.change
    pods = find_pods(writer, target.item, change.key.container)
    fitting = [pod for pod in pods if _runs_with_old_values(pod, change)]
    if pods and not fitting:
        return changed("no pod runs with the values that the suggestion was made for")
    outcome = resize_pods(writer, fitting, resize_document(change), is_dry_run=is_dry_run)
    rest = len(pods) - len(fitting)
    left = (f"{rest} pods run with other values and are left alone",) if rest else ()
    return replace(outcome, details=(*outcome.details, *left))


def _runs_with_old_values(pod: JsonObject, change: ResourceChange) -> bool:
    container = find_container(template_containers(pod["spec"]), change.key.container)
    return container is not None and are_same_values(container.values, change.before)


def _held_by_others(target: LiveTarget, overwritable: Sequence[str]) -> ApplyOutcome | None:
    others = [
        manager
        for manager in target.managers
        if manager != FIELD_MANAGER and not any(fnmatchcase(manager, glob) for glob in overwritable)
    ]
    if not others:
        return None
    path = ".".join(("", *target.change.kind.template_path, target.change.group))
    field = f'{path}[name="{target.change.key.container}"].resources'
    return ApplyOutcome(
        ApplyResult.CONFLICT,
        f"{', '.join(others)} owns the resources of {target.change.key.container}: change it there, or add "
        "the manager to apply_overwritable_managers",
        tuple(FieldConflict(manager, field) for manager in others),
    )
