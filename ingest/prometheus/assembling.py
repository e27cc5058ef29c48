"""Answers of the fleet queries into rows of the lake and a verdict on each hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from ingest.assembly.assets import AssetFrames, build_asset_rows
from ingest.assembly.containers import (
    BinUsage,
    ContainerFacts,
    ContainerIndex,
    count_oom_kills,
    find_lives,
    index_containers,
    rate_while_running,
    spread_over_containers,
)
from ingest.assembly.frames import EMPTY_FRAME, Axis, Booleans, Floats, Frame
from ingest.assembly.history import NamespaceLabels, build_label_sets, build_object_history
from ingest.assembly.hours import HourVerdict
from ingest.assembly.nodes import NodeFrames, Nodes, build_node_rows, find_nodes
from ingest.assembly.owners import LabelSets, find_workloads, read_label_sets
from ingest.assembly.pod_rows import PodRows, PodWorld, build_pod_rows
from ingest.assembly.pods import PodFrames, Pods, find_pods
from ingest.assembly.request_metric import RequestMetric
from ingest.assembly.requests import build_request_rows
from ingest.assembly.traffic import host_traffic, pod_traffic
from ingest.prometheus.queries import ScrapeIntervals
from models.vocabulary.windows import BINS_PER_HOUR, HourWindow
from warehouse.lake.observed_tables import (
    CONTAINER_HOUR,
    LABEL_SET,
    LOAD_BALANCER_HOUR,
    NODE_HOUR,
    OBJECT_HISTORY,
    POD_HOUR,
    REQUEST_BUCKET_HOUR,
    VOLUME_HOUR,
    VOLUME_MOUNT_HOUR,
)
from warehouse.observed import WindowState

LEAST_COVERAGE = 0.5
"""An hour of which less was observed is partial."""

_OLDEST_TOLERANCE = timedelta(minutes=5)
_USAGE_QUERIES = ("cpu_mean", "cpu_max_1m", "memory_mean", "memory_max")
_TABLES = (
    CONTAINER_HOUR,
    POD_HOUR,
    NODE_HOUR,
    VOLUME_HOUR,
    VOLUME_MOUNT_HOUR,
    LOAD_BALANCER_HOUR,
    LABEL_SET,
    OBJECT_HISTORY,
)


@dataclass(frozen=True)
class AssembledChunk:
    """Rows by table and one verdict per hour."""

    tables: dict[str, pa.Table]
    verdicts: list[HourVerdict]

    @classmethod
    def before_history(cls, window: HourWindow) -> AssembledChunk:
        """Return no rows for hours older than the first sample."""
        verdict = HourVerdict(WindowState.BEFORE_HISTORY, None, "older than the first sample of the source")
        return cls(empty_tables(), [verdict] * window.hour_count)


def empty_tables() -> dict[str, pa.Table]:
    """Return the tables that this source fills, without rows."""
    return {table.name: table.schema.empty_table() for table in _TABLES}


def assemble(
    cluster: str,
    window: HourWindow,
    frames: Mapping[str, Frame],
    intervals: ScrapeIntervals,
    oldest: datetime,
    requests: Sequence[tuple[RequestMetric, Frame]] | None = None,
) -> AssembledChunk:
    """Return the rows of a window from the answers of all fleet queries.

    Parameters
    ----------
    frames : mapping of str to Frame
        By name of the query; a query that was not asked is absent.
    oldest : datetime
        First sample of the source.
    requests : sequence of (RequestMetric, Frame), optional
        Answers about histograms that owners named; None where nobody named one.
    """
    axis = Axis(window)
    node_frames = NodeFrames(
        frames["node_info"], frames["node_facts"], frames["node_usage"], frames["node_health"],
        intervals.kube_state_seconds,
    )  # fmt: skip
    nodes = find_nodes(node_frames, axis)
    pod_frames = PodFrames(
        frames["pod_info"], frames["pod_phase"], frames["pod_facts"], intervals.kube_state_seconds
    )
    pods = find_pods(pod_frames, axis, cluster)
    world = _build_world(cluster, pods, nodes, frames, intervals)
    pod_rows = build_pod_rows(world)
    namespaces = _namespace_labels(frames["labels"], axis)
    assets = AssetFrames(frames["assets"], frames["asset_facts"], intervals.kube_state_seconds)
    hosts = host_traffic(frames["pod_traffic"], pods, nodes.machines_of_pods(pods), len(nodes))
    tables = {
        CONTAINER_HOUR.name: pod_rows.container_hour,
        POD_HOUR.name: pod_rows.pod_hour,
        NODE_HOUR.name: build_node_rows(cluster, nodes, node_frames, hosts),
        **build_asset_rows(cluster, assets, pods),
        LABEL_SET.name: build_label_sets(cluster, axis, (world.labels, nodes.labels, namespaces.labels)),
        OBJECT_HISTORY.name: build_object_history(cluster, axis, namespaces, nodes),
    }
    if requests is not None:
        table = build_request_rows(cluster, axis, requests, pods, world.workloads)
        tables[REQUEST_BUCKET_HOUR.name] = table
    verdicts = _judge_hours(axis, pods, pod_rows, frames, oldest)
    return AssembledChunk(_without_early_hours(tables, verdicts, axis), verdicts)


def _build_world(
    cluster: str, pods: Pods, nodes: Nodes, frames: Mapping[str, Frame], intervals: ScrapeIntervals
) -> PodWorld:
    by_bin = {name: frames.get(name, EMPTY_FRAME) for name in _USAGE_QUERIES}
    index = index_containers(pods, by_bin.values(), frames["container_facts"])
    machines = nodes.machines_of_pods(pods)
    facts = ContainerFacts(
        pods,
        index,
        frames["container_facts"],
        lambda pod, hour: nodes.amounts.sharing_at(int(machines[pod, hour]), hour),
    )
    lives = find_lives(pods, index, facts)
    look_back = float(intervals.rate_window_seconds)
    spread = {
        name: spread_over_containers(frame, pods, index, lives, look_back) for name, frame in by_bin.items()
    }
    rates = (look_back, intervals.cadvisor_seconds)
    spread["cpu_mean"] = rate_while_running(spread["cpu_mean"], lives, pods.axis, rates)
    label_frame = frames["labels"].only(fact="pod")
    labels = read_label_sets(label_frame, [pods.find(m) for m in label_frame.labels], len(pods), pods.axis)
    return PodWorld(
        cluster=cluster,
        pods=pods,
        index=index,
        facts=facts,
        lives=lives,
        usage=BinUsage(**spread),
        workloads=find_workloads(pods, frames["owners"], labels),
        labels=labels,
        node_keys=nodes.keys_of_pods(pods),
        throttled=_throttled(frames["throttling"], pods, index),
        oom_kills=count_oom_kills(frames["oom"], pods, index, facts.restarts),
        restarts=facts.restart_counts(),
        traffic=pod_traffic(frames["pod_traffic"], pods),
    )


def _throttled(frame: Frame, pods: Pods, index: ContainerIndex) -> Floats:
    """Return the share of throttled periods by container and hour; pods of one name share it."""
    values = np.full((len(index), pods.axis.hour_count), np.nan)
    dense = frame.dense(0, pods.axis.hour_count)
    for series, labels in enumerate(frame.labels):
        for pod in pods.find(labels):
            row = index.rows.get((pod, labels.get("container", "")))
            if row is not None:
                values[row] = dense[series]
    return values


def _namespace_labels(frame: Frame, axis: Axis) -> NamespaceLabels:
    own = frame.only(fact="namespace")
    names = sorted({labels.get("namespace", "") for labels in own.labels})
    position = {name: row for row, name in enumerate(names)}
    rows_of = [[position[labels.get("namespace", "")]] for labels in own.labels]
    sets: LabelSets = read_label_sets(own, rows_of, len(names), axis)
    return NamespaceLabels(names, sets)


def _judge_hours(
    axis: Axis, pods: Pods, rows: PodRows, frames: Mapping[str, Frame], oldest: datetime
) -> list[HourVerdict]:
    warned: dict[int, set[str]] = {}
    for name, frame in frames.items():
        for position, text in frame.warnings:
            warned.setdefault(position, set()).add(f"{name}: {text}")
    seen: Booleans = np.asarray(
        (~pods.gaps[1:-1]).reshape(axis.hour_count, BINS_PER_HOUR).any(axis=1), dtype=bool
    )
    measured = _has_samples(frames["cpu_mean"], axis)
    verdicts = []
    for index, hour in enumerate(axis.window.hours()):
        if hour + _OLDEST_TOLERANCE < oldest:
            verdicts += AssembledChunk.before_history(HourWindow.of_hour(hour)).verdicts
            continue
        expected = float(rows.expected_bins[index])
        coverage = float(min(rows.observed_bins[index] / expected, 1.0)) if expected > 0 else None
        evidence = _Evidence(bool(seen[index]), bool(measured[index]), coverage)
        verdicts.append(_judge_hour(evidence, sorted(warned.get(index, set()))))
    return verdicts


@dataclass(frozen=True)
class _Evidence:
    has_pods: bool
    has_usage: bool
    coverage: float | None


def _judge_hour(evidence: _Evidence, warnings: list[str]) -> HourVerdict:
    if not evidence.has_pods and not evidence.has_usage:
        return HourVerdict(
            WindowState.FAILED, None, "no sample of kube-state-metrics or cAdvisor in this hour"
        )
    if not evidence.has_pods:
        return HourVerdict(
            WindowState.PARTIAL,
            0.0,
            "no sample of kube-state-metrics in this hour; nothing says which pods ran",
        )
    if not evidence.has_usage:
        return HourVerdict(WindowState.PARTIAL, 0.0, "no cAdvisor sample in this hour; usage is unknown")
    if warnings:
        return HourVerdict(WindowState.PARTIAL, evidence.coverage, "; ".join(warnings)[:500])
    if evidence.coverage is not None and evidence.coverage < LEAST_COVERAGE:
        percent = f"{evidence.coverage:.0%}"
        return HourVerdict(WindowState.PARTIAL, evidence.coverage, f"only {percent} of the samples are there")
    return HourVerdict(WindowState.COMPLETE, evidence.coverage)


def _has_samples(frame: Frame, axis: Axis) -> Booleans:
    present = np.zeros(axis.hour_count, dtype=bool)
    inside = (frame.steps >= 0) & (frame.steps < axis.bin_count)
    present[np.unique(frame.steps[inside] // BINS_PER_HOUR)] = True
    return present


def _without_early_hours(
    tables: dict[str, pa.Table], verdicts: list[HourVerdict], axis: Axis
) -> dict[str, pa.Table]:
    """Drop rows of hours before history or without any sample: timestamps alone are no observation."""
    unseen = {WindowState.BEFORE_HISTORY, WindowState.FAILED}
    kept = [h for h, v in zip(axis.window.hours(), verdicts, strict=True) if v.state not in unseen]
    if len(kept) == len(verdicts):
        return tables
    wanted = pa.array(kept, pa.timestamp("us", tz="UTC"))
    return {
        name: rows.filter(pa.compute.is_in(rows["hour"], value_set=wanted))
        if "hour" in rows.column_names
        else rows
        for name, rows in tables.items()
    }
