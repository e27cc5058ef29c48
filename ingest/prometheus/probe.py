"""First contact with a Prometheus: what it is and holds, what is missing, what a backfill would cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingest.prometheus.connection import PrometheusConnection
from ingest.prometheus.engine import QueryEngine
from ingest.prometheus.history import find_history, read_intervals
from ingest.prometheus.metrics import METRICS, MetricNeed, explain_missing
from ingest.prometheus.queries import FleetQuery, ScrapeIntervals, fleet_queries
from ingest.prometheus.relabelling import ScrapeStyle, find_style
from ingest.prometheus.selectors import select
from ingest.prometheus.settings import PrometheusSettings
from models.kubernetes.nodes import UNKNOWN
from models.vocabulary.errors import MetricsMissing
from models.vocabulary.windows import BINS_PER_HOUR, DAY, HOUR, HourWindow

_CLUSTER_LABELS = ("cluster", "k8s_cluster", "cluster_name", "k8s_cluster_name", "kubernetes_cluster")
_TYPE_LABELS = ("label_node_kubernetes_io_instance_type", "label_beta_kubernetes_io_instance_type")
_BYTES_PER_SAMPLE = 28.0
"""Measured on answers of the fleet queries, labels included; ``tests/benchmarks`` prints it."""

_LOOK_SECONDS = 600


@dataclass(frozen=True)
class BackfillEstimate:
    """What reading the whole history would ask of the server."""

    hours: int
    query_count: int
    sample_count: int
    answer_bytes: int


@dataclass(frozen=True)
class ProbeReport:
    """What a Prometheus holds.

    Parameters
    ----------
    url : str
    dialect : str
        Prometheus, Thanos, Mimir, Cortex or VictoriaMetrics.
    version : str
    intervals : ScrapeIntervals or None
        None without history.
    oldest, newest : datetime or None
        First and last sample of kube-state-metrics within the history looked at.
    cluster_label : str or None
        Label of kube-state-metrics' series that tells clusters apart.
    cluster_values : tuple of str
        Its values.
    found, missing : tuple of MetricNeed
        The metric contract, split.
    node_types : mapping of str to int
        Nodes per instance type; ``unknown`` where no label tells it.
    container_count, pod_count, node_count : int
        At the newest sample.
    backfill : BackfillEstimate or None
    remarks : tuple of str
        What looks wrong in the set-up of the scrape, with the remedy.
    """

    url: str
    dialect: str
    version: str
    intervals: ScrapeIntervals | None
    oldest: datetime | None
    newest: datetime | None
    cluster_label: str | None
    cluster_values: tuple[str, ...]
    found: tuple[MetricNeed, ...]
    missing: tuple[MetricNeed, ...]
    node_types: Mapping[str, int]
    container_count: int
    pod_count: int
    node_count: int
    backfill: BackfillEstimate | None
    remarks: tuple[str, ...] = ()

    @property
    def missing_required(self) -> tuple[MetricNeed, ...]:
        """Metrics without which no hour can be stored."""
        return tuple(need for need in self.missing if need.is_required)

    @property
    def missing_optional(self) -> tuple[MetricNeed, ...]:
        """Metrics whose absence takes something away."""
        return tuple(need for need in self.missing if not need.is_required)

    def require(self) -> None:
        """Refuse a server that lacks required metrics.

        Raises
        ------
        MetricsMissing
            Naming each with its remedy.
        """
        if self.missing_required:
            raise MetricsMissing(explain_missing(self.missing_required))


def probe(connection: PrometheusConnection, *, now: datetime | None = None) -> ProbeReport:
    """Return what a Prometheus holds. Asks about twenty small questions and changes nothing.

    Raises
    ------
    SourceRefused
        If the credentials are refused.
    SourceUnreachable
        If there is no Prometheus API at the address.
    """
    settings = connection.settings
    dialect, version = _recognise(connection.build_info())
    engine = QueryEngine(connection)
    moment = now or datetime.now(UTC)
    history = find_history(engine, settings, moment)
    newest = history[1] if history else moment
    look_back = HOUR if history else settings.history_limit
    span = (int((newest - look_back).timestamp()), int(newest.timestamp()) + _LOOK_SECONDS)
    missing = missing_metrics(connection, span)
    label, values = _find_cluster_label(connection, span)
    at = newest.timestamp()
    style = find_style(connection, *span)
    counts = {name: _count(connection, text, at) for name, text in _counts(settings, style).items()}
    # two hours: the interval is told by the end of an hour, which the newest one may not have reached
    last_hour = HourWindow.of_hour(newest - timedelta(seconds=1))
    last_hours = HourWindow(last_hour.start - HOUR, last_hour.end)
    intervals = read_intervals(engine, settings, last_hours) if history else None
    return ProbeReport(
        url=settings.url,
        dialect=dialect,
        version=version,
        intervals=intervals,
        oldest=history[0] if history else None,
        newest=history[1] if history else None,
        cluster_label=label,
        cluster_values=values,
        found=tuple(need for need in METRICS if need not in missing),
        missing=tuple(missing),
        node_types=_node_types(connection, at, counts["nodes"]),
        container_count=counts["containers"],
        pod_count=counts["pods"],
        node_count=counts["nodes"],
        backfill=_estimate(settings, history, intervals, counts) if history and intervals else None,
        remarks=_remarks(connection, span, (label, values), style),
    )


def missing_metrics(connection: PrometheusConnection, span: tuple[int, int]) -> list[MetricNeed]:
    """Return the metrics of the contract that are missed: no series of the cluster in a range of seconds."""
    cluster = connection.settings.cluster_matchers
    pattern = "|".join(need.name for need in METRICS)
    matcher = "{" + ",".join((f'__name__=~"{pattern}"', *cluster)) + "}"
    names = set(connection.label_values("__name__", *span, (matcher,)))
    missing = []
    for need in METRICS:
        is_there = need.name in names
        if is_there and need.needs_label:
            labels = connection.label_names(*span, (select(need.name, *cluster) or need.name,))
            is_there = any(label.startswith(need.needs_label) for label in labels)
        if not is_there and need.alternative:
            is_there = bool(connection.label_values("__name__", *span, (need.alternative,)))
        if not is_there and not need.is_conditional:
            missing.append(need)
    return missing


def _recognise(build: Mapping[str, str]) -> tuple[str, str]:
    """Return dialect and version from ``buildinfo``."""
    version = build.get("version", "")
    application = build.get("application", "").lower()
    for name in ("Mimir", "Cortex", "Thanos"):
        if name.lower() in application:
            return name, version
    if not build:
        return "unknown", ""
    if version.startswith("0."):
        return "Thanos", version
    if "revision" not in build and "goVersion" not in build:
        # VictoriaMetrics answers with a fixed version and nothing else
        return "VictoriaMetrics", version
    return "Prometheus", version


def _find_cluster_label(
    connection: PrometheusConnection, span: tuple[int, int]
) -> tuple[str | None, tuple[str, ...]]:
    """Look at kube-state-metrics only: other exporters use a label ``cluster`` for what they please."""
    own = connection.settings.cluster_label
    for label in (own,) if own else _CLUSTER_LABELS:
        values = connection.label_values(label, *span, ("kube_node_status_capacity",))
        if values:
            return label, tuple(sorted(values))
    return None, ()


def _counts(settings: PrometheusSettings, style: ScrapeStyle) -> dict[str, str]:
    cluster = settings.cluster_matchers
    look = f"[{_LOOK_SECONDS}s]"
    seen, told = style.cadvisor, style.kube_state
    named = seen.matchers(('container!=""', 'container!="POD"', settings.container_matcher))
    containers = select("container_memory_working_set_bytes", *cluster, *named)
    pods = select("kube_pod_info", *cluster)
    nodes = select("kube_node_status_capacity", *cluster, 'resource="cpu"')
    running = seen(f"last_over_time({containers}{look})")
    return {
        "containers": f"count(max by (namespace,pod,container) ({running}))",
        "pods": f"count(max by (namespace,pod,uid) ({told(f'last_over_time({pods}{look})')}))",
        "nodes": f"count(max by (node) ({told(f'last_over_time({nodes}{look})')}))",
    }


def _count(connection: PrometheusConnection, expression: str, moment: float) -> int:
    values = connection.query(expression, moment).values
    return int(values[0]) if len(values) else 0


def _node_types(connection: PrometheusConnection, moment: float, node_count: int) -> dict[str, int]:
    selected = select("kube_node_labels", *connection.settings.cluster_matchers)
    by = ",".join(("node", *_TYPE_LABELS))
    samples = connection.query(f"max by ({by}) (last_over_time({selected}[{_LOOK_SECONDS}s]))", moment)
    types = {
        labels.get("node", ""): next((labels[t] for t in _TYPE_LABELS if labels.get(t)), UNKNOWN)
        for labels in samples.labels
    }
    counts: dict[str, int] = {}
    for name in types.values():
        counts[name] = counts.get(name, 0) + 1
    if node_count > len(types):
        counts[UNKNOWN] = counts.get(UNKNOWN, 0) + node_count - len(types)
    return dict(sorted(counts.items()))


def _estimate(
    settings: PrometheusSettings,
    history: tuple[datetime, datetime],
    intervals: ScrapeIntervals,
    counts: Mapping[str, int],
) -> BackfillEstimate:
    hours = max(1, round((history[1] - history[0]) / HOUR))
    queries = fleet_queries(settings, intervals)
    samples = hours * sum(_samples_per_hour(query, counts) for query in queries)
    days = -(-hours // int(DAY / HOUR))
    pieces = max(1, -(-samples // (days * len(queries) * settings.sample_budget)))
    return BackfillEstimate(
        hours, days * (len(queries) + 1) * pieces, samples, int(samples * _BYTES_PER_SAMPLE)
    )


def _samples_per_hour(query: FleetQuery, counts: Mapping[str, int]) -> int:
    """Return roughly what one hour of a query holds; series per object as in the query itself."""
    containers, pods, nodes = counts["containers"], counts["pods"], counts["nodes"]
    by_name = {
        "pod_info": pods,
        "node_info": nodes,
        "node_usage": 2 * nodes,
        "container_facts": 6 * containers,
        "pod_facts": 3 * pods,
        "pod_traffic": 4 * pods,
        "labels": pods,
        "owners": pods + pods // 3,
        "node_facts": 8 * nodes,
        "node_health": 2 * nodes,
        "pod_phase": pods // 20,
        "oom": containers // 50,
    }
    steps = BINS_PER_HOUR if query.step_seconds < 3600 else 1
    return steps * by_name.get(query.name, containers)


def _remarks(
    connection: PrometheusConnection,
    span: tuple[int, int],
    cluster: tuple[str | None, tuple[str, ...]],
    style: ScrapeStyle,
) -> tuple[str, ...]:
    remarks = []
    settings = connection.settings
    labels = connection.label_names(*span, (select("kube_pod_info", *settings.cluster_matchers),))
    if style.is_renamed:
        names = sorted({f"exported_{name}" for name in (*style.cadvisor.renamed, *style.kube_state.renamed)})
        remarks.append(
            f"a scrape without honorLabels has renamed labels to {', '.join(names)}: they are read from "
            "there; honorLabels: true (honor_labels in a scrape configuration) makes queries cheaper"
        )
    if labels and "uid" not in labels:
        remarks.append("kube_pod_info has no label uid: use kube-state-metrics 2.x")
    label, values = cluster
    if label and len(values) > 1 and not settings.cluster_label:
        remarks.append(
            f"the server holds {len(values)} clusters by the label {label} ({', '.join(values[:5])}); "
            "name the one to read with cluster_label and cluster_label_value"
        )
    if settings.cluster_label_value and settings.cluster_label_value not in values:
        remarks.append(
            f"no series of kube-state-metrics has {settings.cluster_label}={settings.cluster_label_value}; "
            f"there are: {', '.join(values[:10]) or 'none'}"
        )
    return tuple(remarks)
