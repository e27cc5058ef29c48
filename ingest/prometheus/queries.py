"""The fixed list of fleet-wide queries: how many there are does not depend on how many containers run.

How a sample reaches a bin
--------------------------
Bin ``b`` covers ``[b, b + 300 s)`` and is evaluated at its end. Gauges look back over exactly the bin,
``[5m] offset 1ms``: a sample at ``b`` belongs to the bin, one at ``b + 300 s`` to the next, with the closed
ranges of Prometheus 2 as with the left-open ones of Prometheus 3. Counters look back from the end itself
over one scrape more than the bin, because the reading at the end counts what was used inside it. Facts
that rarely change are asked for per hour in the same way (``[1h] offset 1ms`` at the end of the hour).

Every query is ``max by (identity)`` over what may be scraped twice, and rates come before it, so neither a
second scrape job nor a restarted container counts twice (``rightsizing`` pitfalls in the tests).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.prometheus.asset_queries import asset_facts, asset_sightings
from ingest.prometheus.relabelling import HONOURED, ScrapeStyle, Told
from ingest.prometheus.selectors import BIN_RANGE, HOUR_RANGE, Matchers, one_of, select
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.windows import BIN_SECONDS

HOUR_SECONDS = 3600
RATE_SAMPLES = 4
"""A rate looks back over at least this many scrapes."""

FINEST_BURST_INTERVAL = 30.0
"""Slowest scrape interval, in seconds, at which a 1-minute rate still has two samples."""

_GPUS = ".+_com_gpu.*|.+_com_mig_.+"
_RESOURCES = f'resource=~"cpu|memory|{_GPUS}"'
_NODE_RESOURCES = f'resource=~"cpu|memory|pods|{_GPUS}"'
_REAL_INTERFACES = (
    'interface!~"lo|(veth|cali|cni|cilium|lxc|docker|flannel|vxlan|geneve|tunl|kube-|nodelocaldns|dummy|br-|virbr'
    '|eni).*"'
)
"""A host lists the virtual ends of its pods' interfaces beside its own, so their bytes would count twice."""
_OOM_KILLED = 'reason="OOMKilled"'
_POD = "namespace,pod,uid"
_CONTAINER = "namespace,pod,container"


@dataclass(frozen=True)
class FleetQuery:
    """One query about the whole cluster.

    Parameters
    ----------
    name : str
    render : callable
        PromQL for matchers that every selector gets (cluster, namespaces of a shard).
    step_seconds : int
        300 or 3600.
    lead_steps, trail_steps : int
        Steps asked for before and after the window.
    is_namespaced : bool
        Whether the answer can be cut by namespace.
    """

    name: str
    render: Callable[[Matchers], str]
    step_seconds: int = BIN_SECONDS
    lead_steps: int = 0
    trail_steps: int = 0
    is_namespaced: bool = True


@dataclass(frozen=True)
class ScrapeIntervals:
    """Seconds between samples of cAdvisor and of kube-state-metrics."""

    cadvisor_seconds: float
    kube_state_seconds: float

    @property
    def rate_window_seconds(self) -> int:
        """Look-back of rates: a bin and one scrape, or four scrapes when these are longer.

        The scrape more makes the last sample before a bin count: neighbouring bins share it, so the bins of
        an hour add up to what the counter grew, and no growth between two bins is lost.
        """
        return int(max(BIN_SECONDS + self.cadvisor_seconds, RATE_SAMPLES * self.cadvisor_seconds))

    @property
    def has_minute_rates(self) -> bool:
        """Whether samples are close enough for rates over one minute."""
        return self.cadvisor_seconds <= FINEST_BURST_INTERVAL


def fleet_queries(
    settings: PrometheusSettings, intervals: ScrapeIntervals, style: ScrapeStyle = HONOURED
) -> tuple[FleetQuery, ...]:
    """Return the queries of one window, the heaviest first so that they do not finish last.

    Parameters
    ----------
    style : ScrapeStyle
        Which metrics carry their own labels as ``exported_…``.
    """
    seen, told = style.cadvisor, style.kube_state
    burst = settings.cpu_burst == "on" or (settings.cpu_burst == "auto" and intervals.has_minute_rates)
    container = _container_matchers(settings)
    queries = [
        FleetQuery("memory_max", lambda m: _memory(seen, m, container, "max_over_time")),
        FleetQuery("memory_mean", lambda m: _memory(seen, m, container, "avg_over_time")),
        FleetQuery("cpu_mean", lambda m: _cpu_mean(seen, m, container, intervals)),
        *([FleetQuery("cpu_max_1m", lambda m: _cpu_burst(seen, m, container))] if burst else []),
        FleetQuery("pod_info", lambda m: _pod_info(told, m), lead_steps=1, trail_steps=1),
        FleetQuery("pod_phase", lambda m: _pod_phase(told, m), lead_steps=1),
        FleetQuery("oom", lambda m: _oom(told, m), lead_steps=12),
        FleetQuery("node_usage", lambda m: _node_usage(m, intervals), is_namespaced=False),
        FleetQuery("node_info", lambda m: _node_info(told, m), lead_steps=1, trail_steps=1,
                   is_namespaced=False),
        FleetQuery("throttling", lambda m: _throttling(seen, m, container), HOUR_SECONDS),
        FleetQuery("container_facts", lambda m: _container_facts(told, m), HOUR_SECONDS, lead_steps=1),
        FleetQuery("pod_facts", lambda m: _pod_facts(told, m), HOUR_SECONDS),
        FleetQuery("pod_traffic", lambda m: _pod_traffic(seen, m), HOUR_SECONDS),
        FleetQuery("labels", lambda m: _labels(told, m), HOUR_SECONDS),
        FleetQuery("owners", lambda m: _owners(told, m), HOUR_SECONDS),
        FleetQuery("node_facts", lambda m: _node_facts(told, m), HOUR_SECONDS, lead_steps=1, trail_steps=1,
                   is_namespaced=False),
        FleetQuery("node_health", _node_health, HOUR_SECONDS, is_namespaced=False),
        FleetQuery("assets", lambda m: asset_sightings(told, m), lead_steps=1, trail_steps=1,
                   is_namespaced=False),
        FleetQuery("asset_facts", lambda m: asset_facts(style, m), HOUR_SECONDS, is_namespaced=False),
    ]  # fmt: skip
    return tuple(queries)


def scrape_queries(settings: PrometheusSettings) -> tuple[FleetQuery, ...]:
    """Return the queries that tell the scrape intervals: samples in the last 15 minutes of each hour."""
    container = _container_matchers(settings)

    def cadvisor(matchers: Matchers) -> str:
        selected = select("container_cpu_usage_seconds_total", *matchers, *container)
        return f"max(count_over_time({selected}[15m] offset 1ms))"

    def kube_state(matchers: Matchers) -> str:
        selected = select("kube_node_status_capacity", *matchers, 'resource="cpu"')
        return f"max(count_over_time({selected}[15m] offset 1ms))"

    return (
        FleetQuery("scrape", lambda m: one_of(cadvisor=cadvisor(m), kube_state=kube_state(m)), HOUR_SECONDS,
                   is_namespaced=False),
    )  # fmt: skip


def _container_matchers(settings: PrometheusSettings) -> Matchers:
    # container="" is the sum over a pod or slice, POD the pause container: both would count twice.
    # image!="", which many dashboards add, would drop every container of runtimes that tell no image
    return ('container!=""', 'container!="POD"', 'pod!=""', settings.container_matcher)


def _just_under(intervals: ScrapeIntervals) -> str:
    """Return the look-back of rates, short enough that a sample exactly that old is left out."""
    return f"{intervals.rate_window_seconds * 1000 - 1}ms"


def _cpu_mean(seen: Told, matchers: Matchers, container: Matchers, intervals: ScrapeIntervals) -> str:
    selected = select("container_cpu_usage_seconds_total", *seen.matchers((*matchers, *container)))
    return f"max by ({_CONTAINER}) ({seen(f'rate({selected}[{_just_under(intervals)}])')})"


def _cpu_burst(seen: Told, matchers: Matchers, container: Matchers) -> str:
    selected = select("container_cpu_usage_seconds_total", *seen.matchers((*matchers, *container)))
    # 299 s hold the five minutes that end inside the bin, whether ranges are closed on the left or open
    return f"max by ({_CONTAINER}) ({seen(f'max_over_time(rate({selected}[1m])[299s:1m])')})"


def _memory(seen: Told, matchers: Matchers, container: Matchers, statistic: str) -> str:
    selected = select("container_memory_working_set_bytes", *seen.matchers((*matchers, *container)))
    return f"max by ({_CONTAINER}) ({seen(f'{statistic}({selected}{BIN_RANGE})')})"


def _throttling(seen: Told, matchers: Matchers, container: Matchers) -> str:
    def increase(metric: str) -> str:
        selected = select(metric, *seen.matchers((*matchers, *container)))
        return f"sum by ({_CONTAINER}) ({seen(f'increase({selected}[1h])')})"

    throttled = increase("container_cpu_cfs_throttled_periods_total")
    return f"{throttled} / ({increase('container_cpu_cfs_periods_total')} > 0)"


def _pod_info(told: Told, matchers: Matchers) -> str:
    selected = select("kube_pod_info", *told.matchers(matchers), *told.matchers(('node!=""',)))
    return f"max by ({_POD},node,host_network) ({told(f'count_over_time({selected}{BIN_RANGE})')})"


def _pod_phase(told: Told, matchers: Matchers) -> str:
    selected = select("kube_pod_status_phase", *told.matchers(matchers), 'phase!="Running"')
    return f"max by ({_POD},phase) ({told(f'last_over_time({selected}{BIN_RANGE})')}) == 1"


def _oom(told: Told, matchers: Matchers) -> str:
    """Time of the last OOM kill while it is the last termination; 1 where no time is exported."""
    own = told.matchers(matchers)

    def last(metric: str, *more: str) -> str:
        inner = told(f"last_over_time({select(metric, *own, *more)}{BIN_RANGE})")
        return f"max by ({_POD},container) ({inner})"

    killed = f"({last('kube_pod_container_status_last_terminated_reason', _OOM_KILLED)} == 1)"
    return f"({last('kube_pod_container_status_last_terminated_timestamp')} and {killed}) or {killed}"


def _container_facts(told: Told, matchers: Matchers) -> str:
    identity = f"{_POD},container"
    own = told.matchers(matchers)

    def amounts(metric: str, statistic: str) -> str:
        inner = told(f"{statistic}({select(metric, *own, _RESOURCES)}{HOUR_RANGE})")
        return f"max by ({identity},resource) ({inner})"

    def overhead(metric: str, resource: str) -> str:
        inner = f"max by ({_POD}) ({told(f'avg_over_time({select(metric, *own)}{HOUR_RANGE})')})"
        return f'label_replace({inner},"resource","{resource}","","")'

    restarts = told(f"max_over_time({select('kube_pod_container_status_restarts_total', *own)}{HOUR_RANGE})")
    started = told(f"min_over_time({select('kube_pod_container_state_started', *own)}{HOUR_RANGE})")
    init = told(f"last_over_time({select('kube_pod_init_container_info', *own)}{HOUR_RANGE})")
    return one_of(
        request=amounts("kube_pod_container_resource_requests", "avg_over_time"),
        init_request=amounts("kube_pod_init_container_resource_requests", "avg_over_time"),
        limit=amounts("kube_pod_container_resource_limits", "max_over_time"),
        init_limit=amounts("kube_pod_init_container_resource_limits", "max_over_time"),
        overhead_cpu=overhead("kube_pod_overhead_cpu_cores", "cpu"),
        overhead_memory=overhead("kube_pod_overhead_memory_bytes", "memory"),
        restarts=f"max by ({identity}) ({restarts})",
        started=f"min by ({identity}) ({started})",
        init=f"max by ({identity},restart_policy) ({init})",
    )


def _pod_facts(told: Told, matchers: Matchers) -> str:
    own = told.matchers(matchers)

    def latest(metric: str) -> str:
        return f"max by ({_POD}) ({told(f'max_over_time({select(metric, *own)}{HOUR_RANGE})')})"

    return one_of(
        scheduled=latest("kube_pod_status_scheduled_time"),
        start=latest("kube_pod_start_time"),
        created=latest("kube_pod_created"),
        completion=latest("kube_pod_completion_time"),
    )


def _owners(told: Told, matchers: Matchers) -> str:
    own = told.matchers(matchers)

    def owners(metric: str, identity: str) -> str:
        inner = told(f"last_over_time({select(metric, *own)}{HOUR_RANGE})")
        return f"max by (namespace,{identity},owner_kind,owner_name) ({inner})"

    return one_of(
        pod=owners("kube_pod_owner", "pod,uid"),
        replicaset=owners("kube_replicaset_owner", "replicaset"),
        job=owners("kube_job_owner", "job_name"),
        replicationcontroller=owners("kube_replicationcontroller_owner", "replicationcontroller"),
    )


def _labels(told: Told, matchers: Matchers) -> str:
    own = told.matchers(matchers)

    def labels(metric: str) -> str:
        return told(f"last_over_time({select(metric, *own)}{HOUR_RANGE})")

    return one_of(pod=labels("kube_pod_labels"), namespace=labels("kube_namespace_labels"))


def _pod_traffic(seen: Told, matchers: Matchers) -> str:
    def increase(metric: str, part: str) -> str:
        real = _REAL_INTERFACES if part == "interface" else ""
        selected = select(metric, *seen.matchers((*matchers, 'pod!=""', real)))
        inner = seen(f"increase({selected}[1h])")
        return f"sum by (namespace,pod) (max by (namespace,pod,{part}) ({inner}))"

    return one_of(
        network_receive=increase("container_network_receive_bytes_total", "interface"),
        network_transmit=increase("container_network_transmit_bytes_total", "interface"),
        disk_read=increase("container_fs_reads_bytes_total", "container,device"),
        disk_write=increase("container_fs_writes_bytes_total", "container,device"),
    )


def _node_info(told: Told, matchers: Matchers) -> str:
    info = told(f"count_over_time({select('kube_node_info', *matchers)}{BIN_RANGE})")
    cpu = select("kube_node_status_capacity", *matchers, 'resource="cpu"')
    return (
        f"max by (node,provider_id,system_uuid,internal_ip) ({info}) "
        f"or on (node) max by (node) ({told(f'count_over_time({cpu}{BIN_RANGE})')})"
    )


def _node_facts(told: Told, matchers: Matchers) -> str:
    def amounts(metric: str) -> str:
        selected = select(metric, *matchers, _NODE_RESOURCES)
        return f"max by (node,resource) ({told(f'avg_over_time({selected}{HOUR_RANGE})')})"

    created = told(f"max_over_time({select('kube_node_created', *matchers)}{HOUR_RANGE})")
    return one_of(
        capacity=amounts("kube_node_status_capacity"),
        allocatable=amounts("kube_node_status_allocatable"),
        created=f"max by (node) ({created})",
        labels=told(f"last_over_time({select('kube_node_labels', *matchers)}{HOUR_RANGE})"),
    )


def _node_usage(matchers: Matchers, intervals: ScrapeIntervals) -> str:
    """CPU and memory of whole nodes: cAdvisor's root group, and node-exporter where that is dropped."""
    root = (*matchers, 'id="/"')
    cpu = select("container_cpu_usage_seconds_total", *root)
    memory = select("container_memory_working_set_bytes", *root)
    busy = select("node_cpu_seconds_total", *matchers, 'mode!~"idle|iowait|steal"')
    total = select("node_memory_MemTotal_bytes", *matchers)
    available = select("node_memory_MemAvailable_bytes", *matchers)
    by = "node,instance"
    look_back = _just_under(intervals)
    held = f"max by ({by}) (avg_over_time({total}{BIN_RANGE}))"
    free = f"max by ({by}) (avg_over_time({available}{BIN_RANGE}))"
    return one_of(
        cpu=f"max by ({by}) (rate({cpu}[{look_back}]))",
        memory=f"max by ({by}) (avg_over_time({memory}{BIN_RANGE}))",
        exporter_cpu=f"sum by ({by}) (max by ({by},cpu,mode) (rate({busy}[{look_back}])))",
        exporter_memory=f"{held} - {free}",
    )


def _node_health(matchers: Matchers) -> str:
    by = "node,instance"
    used = select("node_filefd_allocated", *matchers)
    most = select("node_filefd_maximum", *matchers)
    free = select("node_filesystem_files_free", *matchers, 'fstype!~"tmpfs|overlay|squashfs"')
    files = select("node_filesystem_files", *matchers, 'fstype!~"tmpfs|overlay|squashfs"')

    def moved(metric: str) -> str:
        selected = select(metric, *matchers, 'id="/"', _REAL_INTERFACES)
        return f"sum by ({by}) (max by ({by},interface) (increase({selected}[1h])))"

    return one_of(
        network_receive=moved("container_network_receive_bytes_total"),
        network_transmit=moved("container_network_transmit_bytes_total"),
        file_descriptors=(
            f"max by ({by}) (max_over_time({used}{HOUR_RANGE})) / "
            f"(max by ({by}) (max_over_time({most}{HOUR_RANGE})) > 0)"
        ),
        inodes=(
            f"max by ({by}) (1 - min by ({by},mountpoint) (min_over_time({free}{HOUR_RANGE})) / "
            f"(max by ({by},mountpoint) (max_over_time({files}{HOUR_RANGE})) > 0))"
        ),
    )
