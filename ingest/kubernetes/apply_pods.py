"""Pods of a workload that may be resized in place, and what their kubelets say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.kubernetes.apply import KubernetesWriter, ObjectPlace, pod_place
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult
from models.kubernetes.kinds import KINDS

JsonObject = dict[str, Any]
_CONDITIONS = ("PodResizePending", "PodResizeInProgress")
_RANK = (
    ApplyResult.PASSED,
    ApplyResult.APPLIED,
    ApplyResult.CHANGED,
    ApplyResult.REFUSED,
    ApplyResult.FORBIDDEN,
    ApplyResult.UNKNOWN,
)


def find_pods(writer: KubernetesWriter, workload: Mapping[str, Any], container: str) -> list[JsonObject]:
    """Return the running pods that a workload controls and that hold a container, by name.

    Pods are found by the workload's selector and kept only if their controller is the workload itself, or a
    ReplicaSet that it controls: a selector alone may match pods of others.

    Raises
    ------
    SourceRefused, SourceUnreachable
        As :meth:`KubernetesWriter.read`.
    """
    metadata = workload["metadata"]
    selector = (workload.get("spec") or {}).get("selector") or {}
    labels = selector.get("matchLabels") if "matchLabels" in selector else None
    wanted, others = str(metadata.get("uid")), {}
    found = []
    for pod in writer.list_in(metadata["namespace"], "pods", labels):
        controller = _controller(pod)
        if controller is None or not _runs(pod, container):
            continue
        uid = str(controller.get("uid"))
        if uid != wanted and controller.get("kind") == "ReplicaSet":
            if uid not in others:
                place = ObjectPlace(KINDS["ReplicaSet"], metadata["namespace"], controller["name"])
                above = _controller(writer.read(place) or {})
                others[uid] = str((above or {}).get("uid"))
            uid = others[uid]
        if uid == wanted:
            found.append(pod)
    return sorted(found, key=lambda pod: str(pod["metadata"]["name"]))


def resize_pods(
    writer: KubernetesWriter, pods: Sequence[JsonObject], document: JsonObject, *, is_dry_run: bool
) -> ApplyOutcome:
    """Resize pods one after another, and stop at the first that is not taken.

    Parameters
    ----------
    writer : KubernetesWriter
    pods : sequence of mapping
        As :func:`find_pods` returns them.
    document : mapping
        Strategic merge patch of a pod: ``spec.containers`` with name and resources.
    is_dry_run : bool

    Returns
    -------
    ApplyOutcome
        Its details hold a line per pod: taken, in progress, deferred or infeasible as the kubelet says.
    """
    details: list[str] = []
    worst = ApplyOutcome(ApplyResult.CHANGED, "no running pod of the workload holds the container")
    for number, pod in enumerate(pods):
        name, namespace = str(pod["metadata"]["name"]), str(pod["metadata"]["namespace"])
        sent = writer.patch(
            pod_place(namespace, name, is_resize=True),
            ApplyMethod.RESIZE,
            document,
            is_dry_run=is_dry_run,
        )
        said = sent.outcome.message
        if sent.outcome.result is ApplyResult.APPLIED:
            said = describe_resize(writer.read(pod_place(namespace, name)) or {}) or "taken by the API"
        details.append(f"{name}: {said}")
        if number == 0 or _RANK.index(sent.outcome.result) > _RANK.index(worst.result):
            worst = sent.outcome
        if not sent.outcome.result.is_success:
            break
    rest = len(pods) - len(details)
    details += [f"{rest} more pods were not asked"] if rest else []
    return ApplyOutcome(worst.result, worst.message, worst.conflicts, tuple(details), worst.status)


def describe_resize(pod: Mapping[str, Any]) -> str:
    """Return what a pod's conditions say about its resize, empty when nothing is pending."""
    conditions = {one.get("type"): one for one in (pod.get("status") or {}).get("conditions") or ()}
    parts = []
    for name in _CONDITIONS:
        one = conditions.get(name)
        if one is not None and one.get("status") == "True":
            reason = f" {one['reason']}" if one.get("reason") else ""
            message = f" ({one['message']})" if one.get("message") else ""
            parts.append(f"{name}{reason}{message}")
    return ", ".join(parts)


def _controller(item: Mapping[str, Any]) -> JsonObject | None:
    owners: Sequence[JsonObject] = (item.get("metadata") or {}).get("ownerReferences") or ()
    return next((one for one in owners if one.get("controller")), None)


def _runs(pod: Mapping[str, Any], container: str) -> bool:
    spec = pod.get("spec") or {}
    names = {one["name"] for group in ("containers", "initContainers") for one in spec.get(group) or ()}
    is_going = bool(pod["metadata"].get("deletionTimestamp"))
    return (pod.get("status") or {}).get("phase") == "Running" and not is_going and container in names
