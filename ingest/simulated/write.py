"""One entry to everything that a simulation writes: files, OpenMetrics and Kubernetes objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ingest.simulated.api_objects import write_api_objects
from ingest.simulated.company_files import write_company_files
from ingest.simulated.openmetrics import MetricsOptions, write_openmetrics
from ingest.simulated.usage_files import UsageFileWriter, month_spans
from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario
from models.simulation.scenario import Scenario
from models.simulation.timeline import ClusterTimeline
from models.simulation.truth import ClusterTruth
from models.simulation.usage import iterate_usage
from models.vocabulary.errors import UsageError

FORMATS = ("files", "openmetrics", "api")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SimulationOptions:
    """How a simulation is sized and written.

    Parameters
    ----------
    days : int or None
        Another length than the scenario's own.
    pods : int
        Size of the scenario ``fleet``.
    file_format : str
        ``parquet`` or ``csv``, for usage files.
    metrics : MetricsOptions
        Sample intervals and the set of metrics.
    objects_at : datetime or None
        Moment of the Kubernetes objects; the end of the simulation by default.
    """

    days: int | None = None
    pods: int = 1000
    file_format: str = "parquet"
    metrics: MetricsOptions = field(default_factory=MetricsOptions)
    objects_at: datetime | None = None


@dataclass(frozen=True)
class SimulationSummary:
    """What was simulated and written.

    Parameters
    ----------
    usage_files, node_file, price_file, ownership_file, budget_file, initiative_file, bill_file, \
    volume_file, mount_file, load_balancer_file, network_file : Path
        Of the format ``files``; None (or empty) without it.
    metrics_files, object_folders : tuple of Path
        Of the formats ``openmetrics`` and ``api``, one per cluster.
    """

    scenario: str
    seed: int
    start: datetime
    end: datetime
    clusters: tuple[str, ...]
    node_count: int
    pod_count: int
    usage_row_count: int
    truth_file: Path
    usage_files: tuple[Path, ...] = ()
    node_file: Path | None = None
    price_file: Path | None = None
    ownership_file: Path | None = None
    budget_file: Path | None = None
    initiative_file: Path | None = None
    bill_file: Path | None = None
    bill_rule_file: Path | None = None
    volume_file: Path | None = None
    mount_file: Path | None = None
    load_balancer_file: Path | None = None
    network_file: Path | None = None
    metrics_files: tuple[Path, ...] = ()
    object_folders: tuple[Path, ...] = ()


def write_simulation(
    scenario_name: str,
    out_dir: Path,
    *,
    seed: int,
    formats: Collection[str] = ("files",),
    options: SimulationOptions | None = None,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Simulate a scenario and write it below ``out_dir``.

    The same scenario, seed and options give the same bytes. ``truth.json`` is always written: the sums
    that every way into the warehouse must lead back to.

    Parameters
    ----------
    formats : collection of str
        Of ``files, openmetrics, api``.
    progress : callable or None
        Called with the usage rows done and expected.

    Raises
    ------
    UsageError
        If the scenario, a format or an option is not known.
    """
    chosen = options or SimulationOptions()
    _check(formats, chosen)
    scenario = build_scenario(scenario_name, seed=seed, pods=chosen.pods, days=chosen.days)
    return write_scenario(scenario, out_dir, formats=formats, options=chosen, progress=progress)


def write_scenario(
    scenario: Scenario,
    out_dir: Path,
    *,
    formats: Collection[str] = ("files",),
    options: SimulationOptions | None = None,
    progress: Progress | None = None,
) -> SimulationSummary:
    """Write a scenario of one's own; as `write_simulation`."""
    chosen = options or SimulationOptions()
    _check(formats, chosen)
    out_dir.mkdir(parents=True, exist_ok=True)
    timelines = [build_timeline(scenario, plan) for plan in scenario.clusters]
    step = _Steps(timelines, progress)
    truths, usage_files = [], []
    for timeline in timelines:
        truth, paths = _write_usage(timeline, out_dir, formats, chosen, step)
        truths.append(truth)
        usage_files += paths
    truth_file = _write_truth(scenario, truths, out_dir)
    named: dict[str, Path] = {}
    if "files" in formats:
        company = write_company_files(scenario, timelines, out_dir)
        named = dict(zip(_COMPANY_FILES, company, strict=True))
    metrics, objects = _write_cluster_formats(timelines, out_dir, formats, chosen)
    return SimulationSummary(
        scenario=scenario.name,
        seed=scenario.seed,
        start=datetime.fromtimestamp(scenario.start, UTC),
        end=datetime.fromtimestamp(scenario.end, UTC),
        clusters=tuple(timeline.plan.name for timeline in timelines),
        node_count=sum(len(timeline.nodes) for timeline in timelines),
        pod_count=sum(len(timeline.pods) for timeline in timelines),
        usage_row_count=sum(truth.usage_rows for truth in truths),
        truth_file=truth_file,
        usage_files=tuple(usage_files),
        metrics_files=tuple(metrics),
        object_folders=tuple(objects),
        **named,
    )


def _check(formats: Collection[str], options: SimulationOptions) -> None:
    for one in formats:
        if one not in FORMATS:
            raise UsageError(f"{one!r} is not a format of a simulation: choose of {', '.join(FORMATS)}")
    if options.file_format not in ("parquet", "csv"):
        raise UsageError(f"{options.file_format!r} is not a file format: choose parquet or csv")


_COMPANY_FILES = (
    "node_file",
    "price_file",
    "ownership_file",
    "budget_file",
    "initiative_file",
    "bill_file",
    "bill_rule_file",
    "volume_file",
    "mount_file",
    "load_balancer_file",
    "network_file",
)
"""Fields of the summary, in the order in which the files are written."""


class _Steps:
    """Counts usage rows for a progress bar."""

    def __init__(self, timelines: list[ClusterTimeline], progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self._expected = sum(
            int(((t.containers.end - t.containers.start) // 300 + 1).sum()) for t in timelines
        )

    def add(self, rows: int) -> None:
        """Report more rows."""
        self._done += rows
        if self._progress is not None:
            self._progress(min(self._done, self._expected), self._expected)


def _write_usage(
    timeline: ClusterTimeline,
    out_dir: Path,
    formats: Collection[str],
    options: SimulationOptions,
    step: _Steps,
) -> tuple[ClusterTruth, list[Path]]:
    """Run through a cluster's use once: sum it, and write usage files if they are wanted."""
    truth = ClusterTruth(timeline)
    writer = UsageFileWriter(timeline, out_dir / "usage", options.file_format) if "files" in formats else None
    for month, start, end in month_spans(timeline.start, timeline.end):
        for rows in iterate_usage(timeline, start, end):
            truth.add(rows)
            if writer is not None:
                writer.write(month, rows)
            step.add(len(rows))
    return truth, [] if writer is None else writer.close()


def _write_truth(scenario: Scenario, truths: list[ClusterTruth], out_dir: Path) -> Path:
    path = out_dir / "truth.json"
    report = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "start": datetime.fromtimestamp(scenario.start, UTC).isoformat(),
        "end": datetime.fromtimestamp(scenario.end, UTC).isoformat(),
        "is_simulated": True,
        "clusters": [truth.report(scenario) for truth in truths],
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return path


def _write_cluster_formats(
    timelines: list[ClusterTimeline], out_dir: Path, formats: Collection[str], options: SimulationOptions
) -> tuple[list[Path], list[Path]]:
    metrics, objects = [], []
    for timeline in timelines:
        name = timeline.plan.name
        if "openmetrics" in formats:
            path = out_dir / "metrics" / f"{name}.om"
            write_openmetrics(timeline, path, options.metrics)
            metrics.append(path)
        if "api" in formats:
            folder = out_dir / "objects" / name
            moment = options.objects_at
            write_api_objects(
                timeline, folder, timeline.end - 1 if moment is None else int(moment.timestamp())
            )
            objects.append(folder)
    return metrics, objects
