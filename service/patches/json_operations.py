"""The JSON patch (RFC 6902): the container by its place, with a test of its name first."""

from __future__ import annotations

from typing import Any

from models.vocabulary.errors import UsageError
from service.patches.change import ResourceChange, full_sections

Operations = list[dict[str, Any]]


def json_patch(change: ResourceChange) -> Operations:
    """Return the operations of a change.

    The first tests the container's name, so that a template whose containers moved is not patched. Requests
    and limits are written as whole maps; quantities of other resources stay as the template states them.

    Raises
    ------
    UsageError
        If the place of the container in the template is not known, or the kind cannot be patched.
    """
    place = change.container
    if place is None:
        raise UsageError(
            "the place of the container is not known because the cluster's API is not read: "
            "use --format strategic, or give the cluster a kubeconfig"
        )
    base = "/".join(("", *change.kind.template_path, place.group, str(place.position)))
    operations: Operations = [{"op": "test", "path": f"{base}/name", "value": change.key.container}]
    written = full_sections(change.after)
    sections = {
        "requests": {**place.other_requests, **written.get("requests", {})},
        "limits": {**place.other_limits, **written.get("limits", {})},
    }
    if not place.has_resources:
        value = {name: content for name, content in sections.items() if content}
        return [*operations, {"op": "add", "path": f"{base}/resources", "value": value}]
    is_stated = {
        "requests": bool(place.other_requests or full_sections(place.values).get("requests")),
        "limits": bool(place.other_limits or full_sections(place.values).get("limits")),
    }
    for name, content in sections.items():
        if not content and not is_stated[name]:
            continue
        # "add" replaces what is there, and is no error where nothing is
        operations.append({"op": "add", "path": f"{base}/resources/{name}", "value": content})
    return operations


def invert_operations(operations: Operations) -> Operations:
    """Return the patch that takes ``replace`` operations back, each of which follows a test of its value.

    Raises
    ------
    UsageError
        If an operation is neither a test nor a replacement of a tested value.
    """
    tested = {one["path"]: one["value"] for one in operations if one["op"] == "test"}
    replaced = {one["path"]: one["value"] for one in operations if one["op"] == "replace"}
    if len(tested) + len(replaced) != len(operations) or not replaced.keys() <= tested.keys():
        raise UsageError(
            "the change of the autoscaler cannot be taken back by a patch: set the target by hand"
        )
    inverted: Operations = []
    for path, value in tested.items():
        inverted.append({"op": "test", "path": path, "value": replaced.get(path, value)})
        if path in replaced:
            inverted.append({"op": "replace", "path": path, "value": value})
    return inverted
