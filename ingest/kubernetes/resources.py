"""The resources of a cluster that are read, and nothing else: no Secrets, no ConfigMaps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """A kind of object, where the API serves it, and what is off without it."""

    kind: str
    plural: str
    group: str
    version: str
    without_it: str
    is_required: bool = False
    is_custom: bool = False
    """Many clusters do not serve it, which is then nothing to tell."""

    @property
    def path(self) -> str:
        """Path of the list of all objects in all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/{self.plural}"

    @property
    def qualified(self) -> str:
        """``deployments.apps``, ``pods``: the name that RBAC messages use."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_UNSEEN = "labels and templates of {} are not seen"

RESOURCES = (
    Resource("Node", "nodes", "", "v1", "no node can be priced", is_required=True),
    Resource("Pod", "pods", "", "v1", "no running time can be measured", is_required=True),
    Resource("Namespace", "namespaces", "", "v1", "teams named by namespace labels are not seen"),
    Resource("Deployment", "deployments", "apps", "v1", "Deployments are named from their ReplicaSets"),
    Resource(
        "ReplicaSet", "replicasets", "apps", "v1", "owners of ReplicaSets are guessed from template hashes"
    ),
    Resource("StatefulSet", "statefulsets", "apps", "v1", "labels of StatefulSets are not seen"),
    Resource("DaemonSet", "daemonsets", "apps", "v1", "labels of DaemonSets are not seen"),
    Resource("Job", "jobs", "batch", "v1", "CronJobs are guessed from the names of their Jobs"),
    Resource("CronJob", "cronjobs", "batch", "v1", "labels of CronJobs are not seen"),
    Resource(
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "autoscaling",
        "v2",
        "suggestions do not know which workloads scale themselves",
    ),
    Resource(
        "ScaledObject",
        "scaledobjects",
        "keda.sh",
        "v1alpha1",
        "suggestions do not know which workloads KEDA scales",
        is_custom=True,
    ),
    Resource(
        "PodDisruptionBudget", "poddisruptionbudgets", "policy", "v1", "plans do not know disruption budgets"
    ),
    Resource("LimitRange", "limitranges", "", "v1", "suggestions are not held within limit ranges"),
    Resource("ResourceQuota", "resourcequotas", "", "v1", "suggestions are not checked against quotas"),
    Resource("PersistentVolume", "persistentvolumes", "", "v1", "volumes are not costed"),
    Resource(
        "PersistentVolumeClaim", "persistentvolumeclaims", "", "v1", "volumes are not tied to workloads"
    ),
    Resource("Service", "services", "", "v1", "load balancers are not costed"),
    Resource("Rollout", "rollouts", "argoproj.io", "v1alpha1", _UNSEEN.format("Rollouts"), is_custom=True),
    Resource(
        "DeploymentConfig",
        "deploymentconfigs",
        "apps.openshift.io",
        "v1",
        _UNSEEN.format("DeploymentConfigs"),
        is_custom=True,
    ),
    Resource(
        "CloneSet", "clonesets", "apps.kruise.io", "v1alpha1", _UNSEEN.format("CloneSets"), is_custom=True
    ),
    Resource(
        "AdvancedStatefulSet",
        "statefulsets",
        "apps.kruise.io",
        "v1beta1",
        _UNSEEN.format("OpenKruise's StatefulSets"),
        is_custom=True,
    ),
    Resource(
        "SidecarSet",
        "sidecarsets",
        "apps.kruise.io",
        "v1alpha1",
        "containers that a SidecarSet injects are taken for the workload's own",
        is_custom=True,
    ),
)
BY_KIND = {resource.kind: resource for resource in RESOURCES}
