"""Kinds of workload: where the API serves them, where their pod template stands, how they may be changed."""

from __future__ import annotations

from dataclasses import dataclass

_TEMPLATE = ("spec", "template", "spec")
_FIXED = "its pod template cannot be changed while it exists"


@dataclass(frozen=True)
class WorkloadKind:
    """One kind of workload.

    Parameters
    ----------
    kind : str
        As Millicore names it; unique, which the API's own names are not.
    api_kind, group, version, plural : str
        As the API names and serves it.
    template_path : tuple of str
        Keys from the object to the pod spec of its template; empty where it has none.
    is_custom : bool
        Defined by a CustomResourceDefinition: takes no strategic merge patch.
    fixed_because : str
        Why it cannot be patched, empty where it can.
    """

    kind: str
    api_kind: str
    group: str
    version: str
    plural: str
    template_path: tuple[str, ...] = _TEMPLATE
    is_custom: bool = False
    fixed_because: str = ""

    @property
    def api_version(self) -> str:
        """``apps/v1``, ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """``deployment.apps``: the name that kubectl resolves without doubt."""
        singular = self.api_kind.lower()
        return f"{singular}.{self.group}" if self.group else singular

    @property
    def can_be_patched(self) -> bool:
        """Whether a change of its template reaches its next pods."""
        return not self.fixed_because


_ALL = (
    WorkloadKind("Deployment", "Deployment", "apps", "v1", "deployments"),
    WorkloadKind("StatefulSet", "StatefulSet", "apps", "v1", "statefulsets"),
    WorkloadKind("DaemonSet", "DaemonSet", "apps", "v1", "daemonsets"),
    WorkloadKind("ReplicaSet", "ReplicaSet", "apps", "v1", "replicasets"),
    WorkloadKind(
        "CronJob", "CronJob", "batch", "v1", "cronjobs", ("spec", "jobTemplate", "spec", "template", "spec")
    ),
    WorkloadKind("Job", "Job", "batch", "v1", "jobs", fixed_because=f"a Job: {_FIXED}"),
    WorkloadKind(
        "Pod",
        "Pod",
        "",
        "v1",
        "pods",
        template_path=("spec",),
        fixed_because="a pod without a workload: nobody would make it again with the new values",
    ),
    WorkloadKind("Rollout", "Rollout", "argoproj.io", "v1alpha1", "rollouts", is_custom=True),
    WorkloadKind("DeploymentConfig", "DeploymentConfig", "apps.openshift.io", "v1", "deploymentconfigs"),
    WorkloadKind("CloneSet", "CloneSet", "apps.kruise.io", "v1alpha1", "clonesets", is_custom=True),
    WorkloadKind(
        "AdvancedStatefulSet", "StatefulSet", "apps.kruise.io", "v1beta1", "statefulsets", is_custom=True
    ),
    WorkloadKind(
        "AdvancedDaemonSet", "DaemonSet", "apps.kruise.io", "v1alpha1", "daemonsets", is_custom=True
    ),
    WorkloadKind(
        "SidecarSet",
        "SidecarSet",
        "apps.kruise.io",
        "v1alpha1",
        "sidecarsets",
        template_path=("spec",),
        is_custom=True,
        fixed_because="a SidecarSet: its containers are injected into the pods of many teams",
    ),
)
KINDS = {one.kind: one for one in _ALL}
"""Known kinds by Millicore's name. ``StatefulSet`` of OpenKruise is ``AdvancedStatefulSet`` here."""

_BY_API_NAME = {(one.group, one.api_kind): one.kind for one in _ALL}
_GROUPS_THAT_REUSE_NAMES = frozenset({"apps.kruise.io"})


def canonical_kind(kind: str, api_version: str | None) -> str:
    """Return Millicore's name of a kind: OpenKruise's StatefulSet is not the one of ``apps/v1``.

    Parameters
    ----------
    kind : str
    api_version : str or None
        ``group/version`` of an owner reference or object; None is taken as the group that usually has it.
    """
    group = (api_version or "").rpartition("/")[0]
    if group in _GROUPS_THAT_REUSE_NAMES:
        return _BY_API_NAME.get((group, kind), kind)
    return kind
