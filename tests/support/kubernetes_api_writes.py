"""Writing to the Kubernetes API test server: which patch is taken, validated and stored, and as whose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from support import kubernetes_api_answers as answers
from support.kubernetes_api_admission import admit_pod
from support.kubernetes_api_answers import Refusal
from support.kubernetes_api_calls import Call
from support.kubernetes_api_fields import ApplyConflict
from support.kubernetes_api_patch import (
    PatchInvalid,
    apply_server_side,
    json_patch,
    merge_patch,
    own_changes,
    strategic_merge_patch,
)
from support.kubernetes_api_store import ObjectStore

JsonObject = dict[str, Any]
APPLY = "application/apply-patch+yaml"
_JSON = "application/json-patch+json"
_MERGE = "application/merge-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class PatchRequest:
    """A patch as it came over the wire."""

    call: Call
    content_type: str
    patch: Any
    agent: str
    now: datetime


def write_patch(
    store: ObjectStore,
    before: JsonObject,
    request: PatchRequest,
    kubelet: Callable[[JsonObject], JsonObject] | None,
) -> JsonObject:
    """Patch an object and return it as it then is; nothing is stored on a dry run."""
    call, patch = request.call, request.patch
    _check_options(request)
    if isinstance(patch, dict):
        if answers.has_bad_quantity(patch):
            raise answers.bad_quantity(patch)
        stated = (patch.get("metadata") or {}).get("resourceVersion")
        if stated and stated != before["metadata"]["resourceVersion"]:
            raise answers.modified_since(call.resource, call.name)
    after = _patched(request, before)
    if not call.resource.is_custom:  # the schema of a custom resource compares no requests with limits
        answers.check_pod_template(call.resource, after)
    if call.subresource == "resize":
        answers.check_resize(call.resource, before, after)
        admit_pod(store, call.namespace, before, after)
    elif call.resource.kind == "Pod" and after["spec"] != before["spec"]:
        raise answers.pod_is_fixed(call.resource, call.name)
    if after.get("spec") != before.get("spec"):
        after["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
    if call.query.get("dryRun") == "All" or after == before:
        return after
    stored = store.put(call.resource, after)
    if call.subresource == "resize" and kubelet is not None:
        store.put(call.resource, kubelet(stored))
    return stored


def _check_options(request: PatchRequest) -> None:
    query = request.call.query
    if query.get("dryRun", "All") != "All":
        raise answers.bad_option("dryRun", f'Unsupported value: "{query["dryRun"]}": supported values: "All"')
    if request.content_type == APPLY and not query.get("fieldManager"):
        raise answers.bad_option("fieldManager", "Required value: is required for apply patch")
    if request.content_type != APPLY and "force" in query:
        raise answers.bad_option("force", "Forbidden: may not be specified for non-apply patch")


def _patched(request: PatchRequest, before: JsonObject) -> JsonObject:
    call, patch = request.call, request.patch
    is_apply = request.content_type == APPLY
    entry = {
        "manager": call.query.get("fieldManager") or request.agent.split("/")[0],
        "operation": "Apply" if is_apply else "Update",
        "apiVersion": call.resource.api_version,
        "time": f"{request.now:%Y-%m-%dT%H:%M:%SZ}",
        "fieldsType": "FieldsV1",
    }
    if call.subresource:
        entry["subresource"] = call.subresource
    try:
        if is_apply:
            if call.resource.is_custom:
                raise Refusal(501, "NotImplemented", "the test server applies no custom resources")
            return apply_server_side(before, patch, entry, force=call.query.get("force") == "true")
        after = _merged(request, before)
    except ApplyConflict as problem:
        raise answers.apply_conflicts(problem.conflicts) from problem
    except PatchInvalid as problem:
        # a real server keeps what failed to itself
        raise Refusal(
            422, "Invalid", "the server rejected our request due to an error in our request", {}
        ) from problem
    if answers.has_bad_quantity(after.get("spec")):
        raise answers.bad_quantity({"spec": after["spec"]})
    return own_changes(before, after, entry)


def _merged(request: PatchRequest, before: JsonObject) -> JsonObject:
    found: JsonObject
    if request.content_type == _JSON:
        found = json_patch(before, request.patch)
    elif request.content_type == _MERGE:
        found = merge_patch(before, request.patch)
    elif request.content_type == _STRATEGIC and not request.call.resource.is_custom:
        found = strategic_merge_patch(before, request.patch)
    else:
        raise answers.unknown_format(is_custom=request.call.resource.is_custom)
    return found
