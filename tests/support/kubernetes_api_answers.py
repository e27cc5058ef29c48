"""Status objects and checks of the Kubernetes API test server, in the words of a real one."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from support.kubernetes_api_fields import FieldPath, dotted
from support.kubernetes_api_store import ApiResource

from models.vocabulary.quantity import parse_quantity

JsonObject = dict[str, Any]
QUANTITY_PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


class Refusal(Exception):
    """An answer that is a Status."""

    def __init__(self, code: int, reason: str, message: str, details: JsonObject | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details
        self.metadata: JsonObject = {}

    def body(self) -> JsonObject:
        status: JsonObject = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "details": self.details,
            "code": self.code,
        }
        return {key: value for key, value in status.items() if value is not None}


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def expired(message: str, continue_token: str | None = None) -> Refusal:
    refusal = Refusal(410, "Expired", message)
    if continue_token:
        refusal.metadata = {"continue": continue_token}
    return refusal


def bad_token(message: str) -> Refusal:
    return Refusal(400, "BadRequest", f"invalid continue token: continue key is not valid: {message}")


def forbidden(resource: ApiResource, user: str, verb: str, namespace: str, name: str, sub: str) -> Refusal:
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    subject = f'{resource.qualified} "{name}"' if name else resource.qualified
    what = f"{resource.plural}/{sub}" if sub else resource.plural
    message = (
        f'{subject} is forbidden: User "{user}" cannot {verb} resource "{what}" in API group '
        f'"{resource.group}" {where}'
    )
    return Refusal(403, "Forbidden", message, _details(resource, name))


def not_found(resource: ApiResource, name: str) -> Refusal:
    return Refusal(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def modified_since(resource: ApiResource, name: str) -> Refusal:
    message = (
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return Refusal(409, "Conflict", message, _details(resource, name))


def apply_conflicts(conflicts: list[tuple[str, str, FieldPath]]) -> Refusal:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using {version}',
            "field": dotted(path),
        }
        for manager, version, path in conflicts
    ]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        groups: dict[tuple[str, str], list[str]] = {}
        for manager, version, path in conflicts:
            groups.setdefault((manager, version), []).append(f"- {dotted(path)}")
        text = "\n".join(
            "\n".join([f'conflicts with "{manager}" using {version}:', *paths])
            for (manager, version), paths in groups.items()
        )
        message = f"Apply failed with {len(causes)} conflicts: {text}"
    return Refusal(409, "Conflict", message, {"causes": causes})


def bad_quantity(patch: JsonObject) -> Refusal:
    text = (
        f'Invalid value: "{_go_text(patch)}": quantities must match the regular expression '
        f"'{QUANTITY_PATTERN}'"
    )
    causes = [{"reason": "FieldValueInvalid", "message": text, "field": "patch"}]
    return Refusal(422, "Invalid", f' "" is invalid: patch: {text}', {"causes": causes})


def invalid(resource: ApiResource, name: str, field: str, value: str, why: str) -> Refusal:
    text = f'Invalid value: "{value}": {why}'
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = _details(resource, name, kind=resource.kind)
    details["causes"] = [{"reason": "FieldValueInvalid", "message": text, "field": field}]
    return Refusal(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {text}', details)


def check_pod_template(resource: ApiResource, item: JsonObject) -> None:
    """Refuse requests above limits, as validation does."""
    spec, path = item.get("spec") or {}, "spec"
    if "jobTemplate" in spec:
        spec, path = spec["jobTemplate"]["spec"]["template"]["spec"], "spec.jobTemplate.spec.template.spec"
    elif "template" in spec:
        spec, path = spec["template"].get("spec") or {}, "spec.template.spec"
    for group in ("initContainers", "containers"):
        for position, container in enumerate(spec.get(group) or ()):
            resources = container.get("resources") or {}
            limits = resources.get("limits") or {}
            for name, wanted in (resources.get("requests") or {}).items():
                if name in limits and parse_quantity(wanted) > parse_quantity(limits[name]):
                    field = f"{path}.{group}[{position}].resources.requests"
                    why = f"must be less than or equal to {name} limit of {limits[name]}"
                    raise invalid(resource, item["metadata"]["name"], field, str(wanted), why)


def has_bad_quantity(patch: Any) -> bool:
    """Whether a resources block anywhere in the patch holds something that is no quantity."""
    if isinstance(patch, list):
        return any(has_bad_quantity(item) for item in patch)
    if not isinstance(patch, dict):
        return False
    for key, value in patch.items():
        if key in ("requests", "limits", "hard") and isinstance(value, dict):
            given = [text for text in value.values() if text is not None]  # null takes one away
            if any(not re.match(QUANTITY_PATTERN, str(text)) or not _parses(text) for text in given):
                return True
        elif has_bad_quantity(value):
            return True
    return False


def unknown_format(*, is_custom: bool) -> Refusal:
    """Return the answer to a patch type that a resource does not take."""
    accepted = ["application/json-patch+json", "application/merge-patch+json"]
    accepted += [] if is_custom else ["application/strategic-merge-patch+json"]
    text = ", ".join([*accepted, "application/apply-patch+yaml"])
    message = f"the body of the request was in an unknown format - accepted media types include: {text}"
    return Refusal(415, "UnsupportedMediaType", message, {})


def bad_option(field: str, text: str) -> Refusal:
    """Return the answer to a query parameter of a patch that is not allowed."""
    causes = [{"reason": "FieldValueInvalid", "message": text, "field": field}]
    message = f'PatchOptions.meta.k8s.io "" is invalid: {field}: {text}'
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    return Refusal(422, "Invalid", message, details)


def pod_is_fixed(resource: ApiResource, name: str) -> Refusal:
    """Return the answer to a change of a pod's resources that does not go through ``resize``."""
    why = "pod updates may not change fields other than `spec.containers[*].image`"
    details = _details(resource, name, kind=resource.kind)
    details["causes"] = [{"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": "spec"}]
    return Refusal(422, "Invalid", f'Pod "{name}" is invalid: spec: Forbidden: {why}', details)


def check_resize(resource: ApiResource, before: JsonObject, after: JsonObject) -> None:
    """Refuse what the resize sub-resource refuses: another QoS class, another field."""
    name = before["metadata"]["name"]
    _check_node_resizes(resource, before)
    quality = (before.get("status") or {}).get("qosClass") or qos_class(before["spec"])
    if qos_class(after["spec"]) != qos_class(before["spec"]):
        raise invalid(resource, name, "spec", quality, "Pod QOS Class may not change as a result of resizing")
    if _without_resources(before["spec"]) != _without_resources(after["spec"]):
        why = "only cpu and memory resources are mutable"
        details = _details(resource, name, kind=resource.kind)
        details["causes"] = [
            {"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": "spec"}
        ]
        raise Refusal(422, "Invalid", f'Pod "{name}" is invalid: spec: Forbidden: {why}', details)


def _check_node_resizes(resource: ApiResource, pod: JsonObject) -> None:
    """Refuse a running pod whose kubelet reports no resources in its container statuses: it is too old."""
    status = pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    if status.get("phase") != "Running" or not statuses or any(one.get("resources") for one in statuses):
        return
    name, why = pod["metadata"]["name"], "Pod running on node without support for resize"
    details = _details(resource, name, kind=resource.kind)
    details["causes"] = [{"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": "spec"}]
    raise Refusal(422, "Invalid", f'Pod "{name}" is invalid: spec: Forbidden: {why}', details)


def qos_class(spec: JsonObject) -> str:
    """Return Guaranteed, Burstable or BestEffort."""
    amounts: list[tuple[Decimal | None, Decimal | None]] = []
    for container in [*(spec.get("initContainers") or ()), *spec["containers"]]:
        resources = container.get("resources") or {}
        for name in ("cpu", "memory"):
            pair = [(resources.get(kind) or {}).get(name) for kind in ("requests", "limits")]
            wanted, limit = (None if text is None else parse_quantity(text) for text in pair)
            amounts.append((wanted, limit))
    if all(pair == (None, None) for pair in amounts):
        return "BestEffort"
    if all(limit is not None and wanted in (None, limit) for wanted, limit in amounts):
        return "Guaranteed"
    return "Burstable"


def _parses(text: Any) -> bool:
    return bool(re.match(r"^[+-]?\d*\.?\d+(?:[numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$", str(text)))


def _without_resources(spec: JsonObject) -> JsonObject:
    containers = [{k: v for k, v in one.items() if k != "resources"} for one in spec["containers"]]
    return {**spec, "containers": containers}


def _details(resource: ApiResource, name: str, kind: str | None = None) -> JsonObject:
    details = {"name": name, "group": resource.group, "kind": kind or resource.plural}
    return {key: value for key, value in details.items() if value}


def _go_text(value: Any) -> str:
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go_text(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_go_text(item) for item in value) + "]"
    return str(value)
