"""How far each node and pool may be oversold: planned from stored usage, one plan per cluster and day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from models.oversell.calibration import Calibration, PeakReplay, calibrate
from models.oversell.ratio import RatioRules
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start, floor_hour, to_utc
from service.jobs.oversell import NodePeaks, PeakTask, measure_peaks
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.oversell_rows import EarlierPlan, PlanInput, plan_rows
from service.usecases.profiles import cluster_names
from warehouse.lake.derived_tables import OVERSELL_PLAN
from warehouse.observed import WindowState

_TABLE = "oversell_plan"
_HISTORY = timedelta(days=35)
_STALE_AFTER = timedelta(hours=2)
_EARLIER = timedelta(days=14)


@dataclass(frozen=True)
class OversellRun:
    """What one run planned: rows of ``oversell_plan`` by cluster."""

    as_of: datetime
    plans: Mapping[str, pa.Table]


def plan_oversell(
    runtime: Runtime,
    as_of: datetime | None = None,
    *,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> OversellRun:
    """Plan the oversell ratios of every cluster and store them; the same run twice stores the same.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Only hours that end by then are read; now by default.
    cluster : str, optional
        None plans all.
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    plans = {}
    for name in cluster_names(runtime, cluster):
        rows = _plan_cluster(runtime, name, moment, progress or SilentProgress())
        if rows is not None:
            day = {"cluster": name, "day": moment.date()}
            runtime.warehouse.lake.replace_rows(_TABLE, day, rows)
            plans[name] = rows
    return OversellRun(moment, plans)


def list_oversell(runtime: Runtime, principal: Principal, *, cluster: str | None = None) -> pa.Table:
    """Return the newest plan of each cluster, pools before nodes.

    Raises
    ------
    Forbidden
        If the principal sees only some teams: nodes belong to no team.
    """
    principal.require(Role.PLATFORM, Role.LEADERSHIP, Role.FINANCE)
    found = []
    for name in cluster_names(runtime, cluster):
        rows = runtime.warehouse.lake.scan(_TABLE, cluster=name)
        if rows.num_rows:
            newest = max(rows.column("computed_at").to_pylist())
            is_newest = [moment == newest for moment in rows.column("computed_at").to_pylist()]
            found.append(rows.filter(pa.array(is_newest)))
    if not found:
        return OVERSELL_PLAN.schema.empty_table()
    order = [
        ("cluster", "ascending"),
        ("scope", "descending"),
        ("name", "ascending"),
        ("resource", "ascending"),
    ]
    return pa.concat_tables(found).sort_by(order)


def _plan_cluster(runtime: Runtime, cluster: str, as_of: datetime, progress: Progress) -> pa.Table | None:
    window = _history(runtime, cluster, as_of)
    if window is None:
        return None
    nodes = runtime.warehouse.lake.scan(
        "node_hour",
        cluster=cluster,
        window=HourWindow(window.end - HOUR, window.end),
        columns=["node_key", "node_pool", "cpu_allocatable_cores", "memory_allocatable_bytes"],
    ).sort_by("node_key")
    if nodes.num_rows == 0:
        return None
    span = runtime.warehouse.ledger.span(cluster)
    assert span is not None
    parts = []
    peaks = _measure(runtime, cluster, window, progress)
    earlier = _earlier_plans(runtime, cluster, as_of)
    target = runtime.settings.oversell_violation_target
    for measured in peaks:
        rules = RatioRules(
            theta=runtime.settings.oversell_theta,
            maximum=runtime.settings.oversell_ratio_max,
            is_stale=as_of - window.end > _STALE_AFTER,
            is_off=measured.resource == "memory" and not runtime.settings.oversell_memory,
            history_days=(window.end - span.start) / DAY,
            violation_target=target,
        )
        calibrations = _calibrate_pools(measured, nodes, target)
        parts.append(
            plan_rows(PlanInput(cluster, as_of, nodes, measured, calibrations, rules, earlier, target))
        )
    return pa.concat_tables(parts)


def _history(runtime: Runtime, cluster: str, as_of: datetime) -> HourWindow | None:
    """Return the window from at most 35 days ago to the end of the newest complete hour."""
    recent = HourWindow(as_of - _HISTORY, as_of)
    rows = runtime.warehouse.ledger.rows(cluster, recent)
    complete = [row.hour for row in rows if row.state is WindowState.COMPLETE and not row.is_pending]
    if not complete:
        return None
    return HourWindow(max(recent.start, min(complete)), max(complete) + HOUR)


def _measure(runtime: Runtime, cluster: str, window: HourWindow, progress: Progress) -> list[NodePeaks]:
    pin = runtime.warehouse.pin()
    files = tuple(runtime.warehouse.lake.files("container_hour", cluster=cluster, window=window, pin=pin))
    options = dict(runtime.warehouse.location.storage_options)
    tasks = [
        PeakTask(
            cluster,
            files,
            window,
            resource,
            with_peaks=resource == "cpu" or runtime.settings.oversell_memory,
            storage_options=options,
        )
        for resource in ("cpu", "memory")
    ]
    with runtime.executor() as executor:
        results = executor.map(measure_peaks, tasks)
        return list(tracked(progress, results, f"{cluster}: replaying peaks", len(tasks)))


def _calibrate_pools(measured: NodePeaks, nodes: pa.Table, target: float) -> dict[str, Calibration]:
    """Return the calibration of each pool; one too small to show the risk takes the cluster's, if worse."""
    pool_of = dict(
        zip(nodes.column("node_key").to_pylist(), nodes.column("node_pool").to_pylist(), strict=True)
    )
    pool = np.array([pool_of.get(key) or "" for key in measured.node_keys], dtype=object)
    replay = measured.replay
    together = calibrate(replay, target)
    found = {}
    for name in {pool_of[key] or "" for key in pool_of}:
        mine = np.flatnonzero(pool[replay.node] == name) if len(replay.node) else replay.node
        part = PeakReplay(
            replay.origin[mine], replay.node[mine], replay.predicted[mine], replay.realised[mine]
        )
        own = calibrate(part, target)
        # a quantile at risk a needs about 1/a observations
        is_enough = own.sample_count * target >= 1
        found[name] = own if is_enough else replace(own, factor=max(own.factor, together.factor))
    return found


def _earlier_plans(
    runtime: Runtime, cluster: str, as_of: datetime
) -> dict[tuple[str, str, str], EarlierPlan]:
    """Return the newest ratio of an earlier day by scope, name and resource."""
    today = day_start(as_of.date())
    rows = runtime.warehouse.lake.scan(
        _TABLE, cluster=cluster, window=HourWindow(today - _EARLIER, today)
    ).sort_by("computed_at")
    return {
        (row["scope"], row["name"], row["resource"]): EarlierPlan(
            row["safe_oversell_ratio"], (as_of - row["computed_at"]) / DAY
        )
        for row in rows.to_pylist()
    }
