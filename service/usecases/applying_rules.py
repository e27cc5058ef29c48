"""Rules of the installation about changing clusters: switched on, windows, freezes, changes per day."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from models.applying.maintenance import (
    WEEKDAYS,
    Admission,
    Freeze,
    Scope,
    WeeklyWindow,
    admit,
)
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import WorkloadKey
from service.runtime import Runtime
from service.settings import Settings

_DAY = timedelta(days=1)


def check_enabled(runtime: Runtime, cluster: str) -> None:
    """Refuse unless applying is switched on for a cluster.

    Raises
    ------
    UsageError
        The setting is named.
    """
    settings = runtime.settings
    if not settings.apply_enabled:
        raise UsageError("applying is switched off: set apply_enabled (docs/applying.md says what it needs)")
    if not any(fnmatchcase(cluster, glob) for glob in settings.apply_clusters):
        raise UsageError(f"applying is switched off for cluster {cluster}: add it to apply_clusters")


def is_enabled(runtime: Runtime, cluster: str) -> bool:
    """Say whether applying is switched on for a cluster."""
    try:
        check_enabled(runtime, cluster)
    except UsageError:
        return False
    return True


def admission(runtime: Runtime, workload: WorkloadKey, team: str | None) -> Admission:
    """Say whether a workload may be changed now, by windows and freezes."""
    where = (workload.cluster, workload.namespace, team)
    windows = [one for one in _windows(runtime.settings) if one.scope.includes(*where)]
    freezes = [one for one in _freezes(runtime.settings) if one.scope.includes(*where)]
    return admit(runtime.now(), windows, freezes)


def find_blocks(runtime: Runtime, workload: WorkloadKey, team: str | None) -> list[str]:
    """Return why a workload may not be changed now, empty where it may."""
    blocks = []
    found = admission(runtime, workload, team)
    if not found.is_open:
        blocks.append(found.reason)
    most = runtime.settings.apply_max_workloads_per_day
    since = runtime.now() - _DAY
    changed = runtime.warehouse.apply_attempts.count_changed(workload.cluster, since)
    if changed >= most:
        blocks.append(
            f"{changed} workloads of {workload.cluster} were changed within 24 hours, the most that "
            "apply_max_workloads_per_day allows: try again tomorrow"
        )
    return blocks


def _windows(settings: Settings) -> list[WeeklyWindow]:
    return [
        WeeklyWindow(
            Scope(one.cluster, one.namespace, one.team),
            tuple(WEEKDAYS.index(day) for day in one.days),
            one.opens,
            one.closes,
            one.zone,
        )
        for one in settings.maintenance_windows
    ]


def _freezes(settings: Settings) -> list[Freeze]:
    return [
        Freeze(Scope(one.cluster, one.namespace, one.team), one.start, one.end, one.reason)
        for one in settings.change_freezes
    ]
