"""Which workload a pod belongs to: owner chains, bare pods, static pods, and the revision of its template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

KNOWN_KINDS = frozenset(
    {
        "ReplicaSet",
        "ReplicationController",
        "Deployment",
        "DeploymentConfig",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Rollout",
        "CloneSet",
        "AdvancedStatefulSet",
        "AdvancedDaemonSet",
    }
)
"""Kinds an owner chain is followed through. An owner of another kind (an operator's own resource) ends it."""

_JOB_OF_CRONJOB = re.compile(r"^(?P<name>.+)-\d{8,10}$")
_NUMBERED = re.compile(r"-\d+")
_LONGEST_CHAIN = 8
_REVISION_LABELS = (
    "pod-template-hash",
    "rollouts-pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
)


@dataclass(frozen=True)
class Owner:
    """Kind and name of an owner, in the namespace of what it owns."""

    kind: str
    name: str


@dataclass(frozen=True)
class PodOwnership:
    """What names the workload of a pod.

    Parameters
    ----------
    namespace, name : str
    owner : Owner or None
        The controlling owner reference (``controller: true``, else the only one).
    labels : mapping
        Pod labels; may be empty where the source does not export them.
    generate_name : str or None
        ``metadata.generateName``.
    node : str or None
        Node name; shortens the names of static pods.
    """

    namespace: str
    name: str
    owner: Owner | None
    labels: Mapping[str, str]
    generate_name: str | None = None
    node: str | None = None


class _Unknown:
    """Marks an owner that no source has described (yet, or any more)."""


UNKNOWN_OWNER = _Unknown()
OwnerLookup = Callable[[str, str, str], "Owner | _Unknown | None"]
"""``lookup(namespace, kind, name)``: the owner, None when it has none, UNKNOWN_OWNER when not described."""


def owner_lookup(owners: Mapping[tuple[str, str, str], Owner | None]) -> OwnerLookup:
    """Return a lookup over a map from (namespace, kind, name) to the owner of that object."""
    return lambda namespace, kind, name: owners.get((namespace, kind, name), UNKNOWN_OWNER)


def find_workload(pod: PodOwnership, lookup: OwnerLookup) -> Owner:
    """Return kind and name of a pod's workload.

    The chain of controllers is followed through known kinds and stops at the last of them. A ReplicaSet or
    a Job that nobody describes any more still gives its Deployment (name without the template hash) or its
    CronJob (name without the scheduled minute), an OpenShift ReplicationController its DeploymentConfig by
    the pod label of that name. Static pods (owner kind Node) lose their node's name.
    Bare pods are named by ``generateName``, else the label ``app.kubernetes.io/name``, else themselves.
    """
    if pod.owner is None or pod.owner.kind == "Node":
        return Owner("Pod", _bare_pod_name(pod))
    current = pod.owner
    for _ in range(_LONGEST_CHAIN):
        if current.kind not in KNOWN_KINDS:
            return current
        above = lookup(pod.namespace, current.kind, current.name)
        if isinstance(above, _Unknown):
            return _guess_above(current, pod.labels)
        if above is None or above.kind not in KNOWN_KINDS:
            return current
        current = above
    return current


def revision_of(labels: Mapping[str, str], workload_name: str) -> str | None:
    """Return the hash of the pod template that made a pod, None where no label tells it."""
    for label in _REVISION_LABELS:
        if revision := labels.get(label):
            return revision.removeprefix(f"{workload_name}-")
    return None


def _guess_above(owner: Owner, labels: Mapping[str, str]) -> Owner:
    if owner.kind == "ReplicaSet":
        rollout_hash = labels.get("rollouts-pod-template-hash")
        template_hash = rollout_hash or labels.get("pod-template-hash")
        if template_hash and owner.name.endswith(f"-{template_hash}"):
            kind = "Rollout" if rollout_hash else "Deployment"
            return Owner(kind, owner.name.removesuffix(f"-{template_hash}"))
    deployment_config = labels.get("deploymentconfig", "")
    if owner.kind == "ReplicationController" and _NUMBERED.fullmatch(
        owner.name.removeprefix(deployment_config)
    ):
        return Owner("DeploymentConfig", deployment_config)
    if owner.kind == "Job" and (match := _JOB_OF_CRONJOB.match(owner.name)):
        return Owner("CronJob", match["name"])
    return owner


def _bare_pod_name(pod: PodOwnership) -> str:
    if pod.owner is not None:
        for node in (pod.node, pod.owner.name):
            if node and pod.name.endswith(f"-{node}"):
                return pod.name.removesuffix(f"-{node}")
        return pod.name
    if pod.generate_name:
        return pod.generate_name.rstrip("-") or pod.name
    return pod.labels.get("app.kubernetes.io/name") or pod.name
