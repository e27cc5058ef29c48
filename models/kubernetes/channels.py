"""Through which channel a workload may be changed: who owns the field decides.

A workload that Git, Helm or an operator writes is never patched live: its owner would undo the change, or
the change would hide that Git says something else. Marks are read from labels, annotations, owner references
and field managers, never from whole manifests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from models.kubernetes.kinds import KINDS


class Channel(StrEnum):
    """How a change reaches a workload."""

    LIVE = "live"
    GIT = "git"
    HELM = "helm"
    CUSTOM_RESOURCE = "custom_resource"
    PLATFORM_TEAM = "platform_team"
    NONE = "none"


@dataclass(frozen=True)
class WorkloadMarks:
    """What a workload's object says about who writes it.

    Parameters
    ----------
    kind : str
        As Millicore names it (``KINDS``); anything else is a custom resource.
    labels, annotations : mapping of str to str
    owner : tuple of (kind, name) or None
        The controlling owner of the workload itself.
    field_managers : tuple of str
        Managers of this container's resources.
    template_containers : frozenset of str or None
        Containers of the pod template; None where no template is known.
    """

    kind: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owner: tuple[str, str] | None = None
    field_managers: tuple[str, ...] = ()
    template_containers: frozenset[str] | None = None


@dataclass(frozen=True)
class ChannelDecision:
    """The channel and, in a sentence, why and where to go instead."""

    channel: Channel
    reason: str


INJECTED_CONTAINERS = frozenset(
    {
        *("istio-proxy", "istio-init", "istio-validation"),
        *("linkerd-proxy", "linkerd-init", "linkerd-network-validator"),
        *("envoy-sidecar", "consul-dataplane", "kuma-sidecar", "kuma-init"),
        *("vault-agent", "vault-agent-init", "daprd", "cloud-sql-proxy", "aws-guardduty-agent"),
        *("datadog-agent-injected", "dynatrace-operator", "fluentbit-sidecar", "otc-container"),
        *("opentelemetry-auto-instrumentation", "queue-proxy", "gke-gcsfuse-sidecar"),
    }
)
"""Containers that webhooks put into pods; asked only where no template is known."""

_GIT_MARKS = (
    ("argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("argocd.argoproj.io/instance", "Argo CD application"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("kapp.k14s.io/app", "kapp application"),
    ("objectset.rio.cattle.io/id", "Rancher Fleet bundle"),
    ("config.kubernetes.io/owning-inventory", "applied inventory"),
    ("configmanagement.gke.io/managed", "Config Sync package"),
)
_GIT_MANAGERS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "gotk-kustomize-controller": "Flux",
    "fleetagent": "Rancher Fleet",
    "configsync.gke.io": "Config Sync",
    "kapp": "kapp",
    "kapp-server-side-apply": "kapp",
    "Terraform": "Terraform",
    "HashiCorp": "Terraform",
    "pulumi-kubernetes": "Pulumi",
}
_HELM_MANAGERS = frozenset({"helm", "Helm", "helm-controller"})


def choose_channel(container: str, marks: WorkloadMarks) -> ChannelDecision:
    """Return how a change of a container's resources must reach its workload.

    Tried in this order: injected containers, owners that are custom resources, kinds that cannot be
    patched, Git and Helm marks, field managers; what nobody claims may be patched live.
    """
    for judge in (_injected, _owned, _fixed, _marked, _managed):
        decision = judge(container, marks)
        if decision is not None:
            return decision
    return ChannelDecision(Channel.LIVE, f"no tool claims this {marks.kind}: it may be patched live")


def _injected(container: str, marks: WorkloadMarks) -> ChannelDecision | None:
    if marks.kind == "SidecarSet":
        return ChannelDecision(
            Channel.PLATFORM_TEAM, "a SidecarSet injects it into pods: ask the platform team to change that"
        )
    template = marks.template_containers
    is_injected = container in INJECTED_CONTAINERS if template is None else container not in template
    if not is_injected:
        return None
    return ChannelDecision(
        Channel.PLATFORM_TEAM,
        f"{container} is injected into the pods and is not in the template of the {marks.kind}: "
        "ask the platform team to change the injector",
    )


def _owned(container: str, marks: WorkloadMarks) -> ChannelDecision | None:
    del container
    if marks.kind not in KINDS:
        return ChannelDecision(
            Channel.CUSTOM_RESOURCE,
            f"an operator makes the pods of this {marks.kind}: change the resources field of its resource",
        )
    if marks.owner is not None and marks.owner[0] not in KINDS:
        kind, name = marks.owner
        return ChannelDecision(
            Channel.CUSTOM_RESOURCE,
            f"{kind} {name} owns this {marks.kind} and would undo a patch: change its resources field",
        )
    labels = marks.labels
    if cluster_service := labels.get("olm.owner"):
        return ChannelDecision(
            Channel.CUSTOM_RESOURCE, f"the operator package {cluster_service} (OLM) owns it: set it there"
        )
    manager = labels.get("app.kubernetes.io/managed-by", "")
    if manager.endswith(("-operator", "_operator")):
        return ChannelDecision(
            Channel.CUSTOM_RESOURCE, f"{manager} manages it: change the resource that it reads"
        )
    return None


def _fixed(container: str, marks: WorkloadMarks) -> ChannelDecision | None:
    del container
    if KINDS[marks.kind].can_be_patched:
        return None
    return ChannelDecision(
        Channel.NONE, f"it is {KINDS[marks.kind].fixed_because}; change the manifest that makes it"
    )


def _marked(container: str, marks: WorkloadMarks) -> ChannelDecision | None:
    del container
    found = {**marks.labels, **marks.annotations}
    for mark, owner in _GIT_MARKS:
        if found.get(mark):
            name = found[mark].partition(":")[0]
            return ChannelDecision(
                Channel.GIT, f"{owner} {name} writes it from Git and would undo a patch: change it there"
            )
    if release := found.get("helm.toolkit.fluxcd.io/name"):
        return ChannelDecision(
            Channel.HELM, f"Flux installs it from HelmRelease {release}: change the values of the release"
        )
    release = found.get("meta.helm.sh/release-name", "")
    if release or found.get("app.kubernetes.io/managed-by") == "Helm":
        named = f"Helm release {release}" if release else "a Helm chart"
        return ChannelDecision(
            Channel.HELM, f"{named} writes it, the next upgrade would undo a patch: change the values"
        )
    return None


def _managed(container: str, marks: WorkloadMarks) -> ChannelDecision | None:
    for manager in marks.field_managers:
        if manager in _GIT_MANAGERS:
            return ChannelDecision(
                Channel.GIT,
                f"{_GIT_MANAGERS[manager]} (field manager {manager}) owns the resources of {container}: "
                "change it in Git",
            )
        if manager in _HELM_MANAGERS:
            return ChannelDecision(
                Channel.HELM,
                f"Helm (field manager {manager}) owns the resources of {container}: change the values",
            )
    return None
