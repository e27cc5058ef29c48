"""The metric contract: which metric feeds which facts, what is off without it, and how to turn it on.

One table for the documentation (``docs/metrics.md``), for ``millicore connect`` and ``doctor``, and for
error messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

_CADVISOR = "scrape the kubelet's /metrics/cadvisor of every node"
_KUBE_STATE = "install kube-state-metrics 2.x and scrape it with honorLabels: true"
_NODE_EXPORTER = "install node-exporter on every node and scrape it"
_DROPPED = "stock kube-prometheus-stack drops it: set kubelet.serviceMonitor.cAdvisorMetricRelabelings"
_ALLOWLIST = "start kube-state-metrics with --metric-labels-allowlist="


@dataclass(frozen=True)
class MetricNeed:
    """One line of the contract.

    Parameters
    ----------
    name : str
        The metric.
    facts : str
        What is read from it.
    is_required : bool
        Whether an hour cannot be stored without it.
    without : str
        What is missing or less exact without it.
    remedy : str
        How to turn it on.
    needs_label : str or None
        Prefix of a label without which the metric is there but says nothing.
    alternative : str or None
        Selector of series that tell the same; with them the metric is not missed.
    is_conditional : bool
        Whether the metric only exists where something has happened or is used (a Job, an init container, a
        kill), so that its absence proves nothing.
    """

    name: str
    facts: str
    is_required: bool
    without: str
    remedy: str
    needs_label: str | None = None
    alternative: str | None = None
    is_conditional: bool = False


def _required(name: str, facts: str, remedy: str) -> MetricNeed:
    return MetricNeed(name, facts, is_required=True, without="no hour can be stored", remedy=remedy)


def _optional(name: str, facts: str, without: str, remedy: str, needs_label: str | None = None) -> MetricNeed:
    return MetricNeed(name, facts, is_required=False, without=without, remedy=remedy, needs_label=needs_label)


def _conditional(name: str, facts: str, without: str, remedy: str) -> MetricNeed:
    return replace(_optional(name, facts, without, remedy), is_conditional=True)


def _instead_of(alternative: str, need: MetricNeed) -> MetricNeed:
    return replace(need, alternative=alternative)


METRICS: tuple[MetricNeed, ...] = (
    _required("container_cpu_usage_seconds_total", "CPU use of containers", _CADVISOR),
    _required("container_memory_working_set_bytes", "memory use of containers, mean and peak", _CADVISOR),
    _required("kube_pod_info", "pods by uid, and the node each runs on", _KUBE_STATE),
    _required("kube_pod_owner", "the workload a pod belongs to", _KUBE_STATE),
    _required(
        "kube_pod_container_resource_requests", "requests of CPU, memory and GPUs in force", _KUBE_STATE
    ),
    _required("kube_node_status_capacity", "capacity of nodes", _KUBE_STATE),
    _required("kube_node_status_allocatable", "what pods may request on a node", _KUBE_STATE),
    _conditional(
        "kube_pod_container_resource_limits", "limits of CPU and memory",
        "limits are unknown; suggestions say nothing about them", _KUBE_STATE,
    ),
    _conditional(
        "kube_replicaset_owner", "Deployment or Rollout of a ReplicaSet",
        "Deployments show as the ReplicaSets of each release unless pod labels tell the template hash",
        _KUBE_STATE,
    ),
    _conditional(
        "kube_job_owner", "CronJob of a Job",
        "CronJobs are recognised by the numbers that end their Jobs' names", _KUBE_STATE,
    ),
    _conditional(
        "kube_replicationcontroller_owner", "DeploymentConfig of an OpenShift ReplicationController",
        "DeploymentConfigs show as the ReplicationControllers of each release unless pod labels name them",
        _KUBE_STATE,
    ),
    _optional(
        "kube_pod_start_time", "exact start of pods",
        "pods start at their first sample; pods shorter than the scrape interval may be missed", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_status_scheduled_time", "when a pod began to hold capacity",
        "the start time stands in for it; time spent pulling images is still counted", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_created", "creation of pods",
        "only matters where neither start nor scheduled time is exported", _KUBE_STATE,
    ),
    _conditional(
        "kube_pod_completion_time", "exact end of finished pods",
        "finished pods end when first seen finished", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_status_phase", "which pods wait, run or have finished",
        "finished pods are charged until they are deleted", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_container_state_started", "start of containers",
        "containers count as running from their pod's start", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_container_status_restarts_total", "restarts", "restarts are unknown", _KUBE_STATE
    ),
    _conditional(
        "kube_pod_container_status_last_terminated_reason", "OOM kills",
        "OOM kills are unknown, so memory suggestions are less sure "
        "(container_oom_events_total stays 0 for a killed container)", _KUBE_STATE,
    ),
    _conditional(
        "kube_pod_container_status_last_terminated_timestamp", "time of OOM kills",
        "several OOM kills between two restarts count once", "use kube-state-metrics 2.11 or later",
    ),
    _conditional(
        "kube_pod_init_container_resource_requests", "requests of init containers and native sidecars",
        "what a pod reserves for its start is charged to nobody", _KUBE_STATE,
    ),
    _conditional(
        "kube_pod_init_container_info", "which init containers are native sidecars",
        "native sidecars show as init containers", _KUBE_STATE,
    ),
    _optional(
        "kube_pod_labels", "labels of pods: teams, versions, applications",
        "teams come from ownership rules and namespaces only; backfilled hours take today's labels",
        f"{_ALLOWLIST}pods=[*]", "label_",
    ),
    _optional(
        "kube_namespace_labels", "labels of namespaces",
        "teams named by labels of namespaces are not seen", f"{_ALLOWLIST}namespaces=[*]", "label_",
    ),
    _optional(
        "kube_node_labels", "instance type, region, zone, pool and purchase option of nodes",
        "node types are unknown, so costs are assumed from the default price", f"{_ALLOWLIST}nodes=[*]",
        "label_",
    ),
    _optional(
        "kube_node_info", "provider id, system uuid and address of nodes",
        "nodes are told apart by name and creation only", _KUBE_STATE,
    ),
    _optional(
        "kube_node_created", "exact start of nodes",
        "nodes start at their first sample, up to 5 minutes late", _KUBE_STATE,
    ),
    _optional(
        "container_cpu_cfs_periods_total", "share of throttled CPU periods",
        "throttling is unknown; CPU limits are judged by use alone", _CADVISOR,
    ),
    _optional(
        "container_cpu_cfs_throttled_periods_total", "share of throttled CPU periods",
        "throttling is unknown; CPU limits are judged by use alone", _CADVISOR,
    ),
    _optional(
        "container_network_receive_bytes_total", "network bytes of pods and nodes",
        "network use is unknown", _CADVISOR,
    ),
    _optional(
        "container_network_transmit_bytes_total", "network bytes of pods and nodes",
        "network use is unknown", _CADVISOR,
    ),
    _optional(
        "container_fs_reads_bytes_total", "disk bytes of pods", "disk use is unknown", _DROPPED
    ),
    _optional(
        "container_fs_writes_bytes_total", "disk bytes of pods", "disk use is unknown", _DROPPED
    ),
    _instead_of('container_cpu_usage_seconds_total{id="/"}', _optional(
        "node_cpu_seconds_total", "CPU use of whole nodes where cAdvisor's root group is dropped",
        "the use of whole nodes is unknown; oversell ratios rest on containers alone", _NODE_EXPORTER,
    )),
    _instead_of('container_memory_working_set_bytes{id="/"}', _optional(
        "node_memory_MemAvailable_bytes", "memory use of whole nodes",
        "the memory use of whole nodes is unknown", _NODE_EXPORTER,
    )),
    _optional(
        "node_filefd_allocated", "file descriptors in use",
        "hotspots by file descriptors are not seen", _NODE_EXPORTER,
    ),
    _optional(
        "node_filesystem_files_free", "inodes in use", "hotspots by inodes are not seen", _NODE_EXPORTER
    ),
    _conditional(
        "kube_persistentvolume_capacity_bytes", "which volumes exist, and how large they are",
        "volumes are not costed", _KUBE_STATE,
    ),
    _conditional(
        "kube_persistentvolume_info", "storage class and disk id of volumes",
        "volumes have the class that their claim names, and are not joined to bills", _KUBE_STATE,
    ),
    _conditional(
        "kube_persistentvolume_claim_ref", "the claim that a volume is bound to",
        "a volume whose claim is gone belongs to no namespace", _KUBE_STATE,
    ),
    _conditional(
        "kube_persistentvolume_created", "exact creation of volumes",
        "volumes begin at their first sample, up to 5 minutes late", _KUBE_STATE,
    ),
    _conditional(
        "kube_persistentvolumeclaim_info", "the volume behind a claim",
        "volumes are tied to pods by their own reference to the claim", _KUBE_STATE,
    ),
    _conditional(
        "kube_pod_spec_volumes_persistentvolumeclaims_info", "which pods mount which claim",
        "volumes belong to the namespace of their claim, to no pod", _KUBE_STATE,
    ),
    _conditional(
        "kubelet_volume_stats_used_bytes", "how full volumes are",
        "volumes that are larger than needed are not seen", "scrape the kubelet's /metrics of every node",
    ),
    _conditional(
        "kube_service_spec_type", "which Services are load balancers",
        "load balancers are not costed", _KUBE_STATE,
    ),
    _conditional(
        "kube_service_created", "exact creation of load balancers",
        "load balancers begin at their first sample, up to 5 minutes late", _KUBE_STATE,
    ),
    _conditional(
        "kube_service_status_load_balancer_ingress", "address of load balancers",
        "load balancers are not joined to bills", _KUBE_STATE,
    ),
    _conditional(
        "kube_pod_overhead_cpu_cores", "overhead of runtime classes",
        "the overhead of sandboxed pods is charged to nobody (only such pods export it)", _KUBE_STATE,
    ),
)  # fmt: skip

REQUIRED_NAMES = tuple(metric.name for metric in METRICS if metric.is_required)


def explain_missing(missing: Sequence[MetricNeed]) -> str:
    """Return one text that names missing metrics, what they are for and how to get each."""
    lines = [f"{need.name} ({need.facts}): {need.remedy}" for need in missing]
    return "Prometheus lacks metrics that Millicore needs. " + "; ".join(lines)


def contract_as_markdown() -> str:
    """Return the metric contract as the document ``docs/metrics.md``."""
    head = [
        "# Metrics that Millicore reads",
        "",
        "Generated from the metric contract in `ingest/prometheus/metrics.py`; a test keeps the two equal.",
        "Without a required metric no hour can be stored, and `millicore connect` names it. Without an",
        "optional one the hour is stored and what is off is named. `deploy/prometheus-values.yaml` turns",
        "everything on for kube-prometheus-stack.",
        "",
        "| metric | facts | required | without it | how to turn it on |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| `{need.name}` | {need.facts} | {'yes' if need.is_required else 'no'} "
        f"| {need.without} | {need.remedy} |"
        for need in METRICS
    ]
    return "\n".join([*head, *rows]) + "\n"
