"""Upkeep of the lake: compaction of hour commits, checkpoints, old files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from models.vocabulary.windows import DAY, HourWindow, floor_hour
from service.leasing import holding
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.retention import Retained, apply_retention
from warehouse.fencing import INGEST_JOB
from warehouse.lake.tables import TABLES
from warehouse.reconcile import Mismatch, reconcile

_log = logging.getLogger(__name__)

COMPACTED_TABLES = (
    "container_hour",
    "pod_hour",
    "node_hour",
    "volume_hour",
    "volume_mount_hour",
    "load_balancer_hour",
    "network_flow_hour",
    "request_bucket_hour",
)
"""Tables that grow by a few commits an hour."""
_LOOK_BACK_DAYS = 3
"""A day is compacted again as long as late samples may have touched it."""
_SOURCE_MEMORY = timedelta(days=14)
"""Hours that a source can usually deliver again."""
_KEEP_VERSIONS = timedelta(days=7)
"""Readers may still hold an older version; nothing else relies on time travel."""


@dataclass(frozen=True)
class UpkeepReport:
    """What one night's upkeep found and removed."""

    mismatches: tuple[Mismatch, ...]
    retained: tuple[Retained, ...]


def keep_up(runtime: Runtime, progress: Progress | None = None) -> UpkeepReport:
    """Compare ledger and lake, remove what is too old, compact what is left. Safe to run at any time.

    Raises
    ------
    LeaseLost
        If a cluster is being written; what was done until then stays done.
    """
    mismatches = reconcile_hours(runtime)
    retained = apply_retention(runtime, progress)
    tidy_lake(runtime, progress)
    return UpkeepReport(tuple(mismatches), tuple(retained))


def tidy_lake(runtime: Runtime, progress: Progress | None = None) -> None:
    """Compact the last days of every cluster, write checkpoints and delete files that nobody reads.

    Raises
    ------
    LeaseLost
        If a cluster is being written; the next night does it.
    """
    lake = runtime.warehouse.lake
    today = runtime.now().date()
    days = [today - number * DAY for number in range(1, _LOOK_BACK_DAYS + 1)]
    for cluster in runtime.warehouse.clusters.list():
        with holding(runtime, cluster.name, INGEST_JOB) as held:
            for table in COMPACTED_TABLES:
                for day in days:
                    if len(lake.files(table, cluster=cluster.name, window=HourWindow.of_day(day))) > 1:
                        lake.compact(table, cluster.name, day, fence=held.renew())
    for table in tracked(progress or SilentProgress(), TABLES, "tidying the lake", len(TABLES)):
        lake.checkpoint(table)
        lake.vacuum(table, retention_hours=int(_KEEP_VERSIONS.total_seconds() // 3600))
    _log.info("lake: compacted since %s, checkpoints written", days[-1])


def reconcile_hours(runtime: Runtime) -> list[Mismatch]:
    """Compare ledger and lake over the hours that sources still remember; what differs is owed again."""
    end = floor_hour(runtime.now())
    window = HourWindow(end - _SOURCE_MEMORY, end)
    found = []
    for cluster in runtime.warehouse.clusters.list():
        for mismatch in reconcile(runtime.warehouse, cluster.name, window):
            _log.warning("%s %s: %s", mismatch.cluster, mismatch.hour, mismatch.detail)
            found.append(mismatch)
    return found
