"""A simulated cluster as OpenMetrics text for ``promtool tsdb create-blocks-from openmetrics``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.simulated.cadvisor import CadvisorFamilies, node_address
from ingest.simulated.container_signals import ContainerSignals
from ingest.simulated.exposition import Family, ScrapeGrid, Series, write_family
from ingest.simulated.kube_state import KubeStateFamilies
from models.simulation.noise import uniform
from models.simulation.timeline import ClusterTimeline
from models.vocabulary.errors import UsageError

_WRITE_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class MetricsOptions:
    """What is scraped how often.

    Parameters
    ----------
    interval_seconds : int
        Between scrapes of kubelets and node-exporter.
    state_interval_seconds : int
        Between scrapes of kube-state-metrics; below 300, or Prometheus takes its series for ended.
    offset_seconds : int
        From a full interval to the scrape; targets of a real server have one each.
    is_stock : bool
        Leave out what a stock installation leaves out: labels, file descriptors, inodes and volumes.
    cluster_label : str
        Value of the label ``cluster`` on every series; empty for none.

    Raises
    ------
    UsageError
        If an interval is not between 1 and 299 seconds.
    """

    interval_seconds: int = 60
    state_interval_seconds: int = 240
    offset_seconds: int = 13
    is_stock: bool = False
    cluster_label: str = ""

    def __post_init__(self) -> None:
        for name in ("interval_seconds", "state_interval_seconds"):
            if not 1 <= getattr(self, name) < 300:
                raise UsageError(f"{name} is {getattr(self, name)}: choose 1 to 299 seconds")


def write_openmetrics(timeline: ClusterTimeline, path: Path, options: MetricsOptions | None = None) -> int:
    """Write all metrics of a cluster and return the samples written.

    Families are generated one after another, so memory holds the use of the cluster and one series' text.
    """
    chosen = options or MetricsOptions()
    path.parent.mkdir(parents=True, exist_ok=True)
    gaps = [(gap.start, gap.end, gap.node_position) for gap in timeline.plan.gaps]
    grids = [
        ScrapeGrid(timeline.start, timeline.end, interval, chosen.offset_seconds % interval, gaps)
        for interval in (chosen.interval_seconds, chosen.state_interval_seconds)
    ]
    signals = ContainerSignals(timeline)
    samples = 0
    with path.open("w", buffering=_WRITE_BUFFER_BYTES, encoding="utf-8", newline="\n") as file:
        for family, grid in _families(timeline, signals, grids[0], grids[1], chosen):
            samples += write_family(file, _labelled(family, chosen.cluster_label), grid)
        file.write("# EOF\n")
    return samples


def _families(
    timeline: ClusterTimeline,
    signals: ContainerSignals,
    grid: ScrapeGrid,
    state_grid: ScrapeGrid,
    options: MetricsOptions,
) -> Iterator[tuple[Family, ScrapeGrid]]:
    for family in CadvisorFamilies(timeline, signals, grid).families():
        yield family, grid
    kube_state = KubeStateFamilies(timeline, signals, state_grid, has_labels=not options.is_stock)
    for family in kube_state.families():
        yield family, state_grid
    yield Family("up", "gauge", _up(timeline, grid)), grid
    if not options.is_stock:
        for family in _node_exporter(timeline, grid):
            yield family, grid


def _labelled(family: Family, cluster: str) -> Family:
    if not cluster:
        return family
    series = (
        Series({**one.labels, "cluster": cluster}, one.start, one.end, one.values, one.node, one.is_integer)
        for one in family.series
    )
    return Family(family.name, family.kind, series)


def _up(timeline: ClusterTimeline, grid: ScrapeGrid) -> Iterator[Series]:
    """Yield whether each target answered; a node in a gap does not, and the server still says so."""
    for node in timeline.nodes:
        moments = grid.between(node.created_at, node.deleted_at)
        values = np.ones(len(moments))
        for gap in timeline.plan.gaps:
            if gap.node_position == node.position:
                values[(moments >= gap.start) & (moments < gap.end)] = 0.0
        labels = {"instance": f"{node_address(node)}:10250", "job": "kubelet", "node": node.name}
        yield Series(labels, node.created_at, node.deleted_at, values, is_integer=True)
    target = {"instance": "10.20.250.9:8080", "job": "kube-state-metrics"}
    yield Series(target, timeline.start, timeline.end, 1.0)


def _node_exporter(timeline: ClusterTimeline, grid: ScrapeGrid) -> Iterator[Family]:
    """Yield file descriptors and inodes of each node; one in seven nodes runs low on inodes."""

    def series(node_value: str) -> Iterator[Series]:
        for node in timeline.nodes:
            moments = grid.between(node.created_at, node.deleted_at)
            labels = {"instance": node.name, "job": "node-exporter", "node": node.name}
            if node_value in ("files", "free"):
                labels |= {"device": "/dev/nvme0n1p1", "fstype": "ext4", "mountpoint": "/"}
            wave = 1 + 0.1 * np.sin(moments / 7000.0 + node.position)
            level = float(uniform(np.array([node.position * 7919 + 17], dtype=np.uint64))[0])
            amounts: dict[str, object] = {
                "allocated": 4000.0 * (1 + level) * wave,
                "maximum": 1_000_000.0,
                "files": 5_242_880.0,
                "free": 5_242_880.0 * (0.06 if node.position % 7 == 3 else 0.8) * wave,
            }
            value = amounts[node_value]
            values = value if isinstance(value, float) else np.asarray(value, dtype=np.float64)
            yield Series(labels, node.created_at, node.deleted_at, values, node.position, is_integer=True)

    yield Family("node_filefd_allocated", "gauge", series("allocated"))
    yield Family("node_filefd_maximum", "gauge", series("maximum"))
    yield Family("node_filesystem_files", "gauge", series("files"))
    yield Family("node_filesystem_files_free", "gauge", series("free"))
