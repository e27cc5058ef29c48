"""Incidents in what an initiative touches, per day: OOM kills above the usual, and advice rolled back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from models.initiatives.initiative import Initiative
from models.initiatives.soak import DayHealth
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start, floor_hour
from service.runtime import Runtime
from warehouse.lake.reading import TableScan
from warehouse.reads.node_bills import PoolKey

_OOM_KILLS = """
    SELECT container_hour.hour AS hour, coalesce(nodes.node_pool, '') AS node_pool,
           sum(oom_killed_count) AS kills
    FROM container_hour
    JOIN (SELECT DISTINCT hour, node_key, node_pool FROM node_hour) AS nodes
      ON nodes.node_key = container_hour.node_key AND nodes.hour = container_hour.hour
    WHERE oom_killed_count > 0
    GROUP BY ALL ORDER BY ALL"""


def read_day_health(
    runtime: Runtime,
    initiative: Initiative,
    touched: Collection[PoolKey],
    before: Sequence[date],
    after: Sequence[date],
) -> list[DayHealth]:
    """Return the incidents of each billing day after a stage.

    An incident is a suggestion of the scope that was rolled back, or more OOM kills in the touched pools than
    on any of the days before.
    """
    if not after:
        return []
    kills = _kills_by_day(runtime, touched, [*before, *after])
    usual = max((kills.get(day, 0) for day in before), default=0)
    rolled_back = _rolled_back(runtime, initiative, after)
    health = []
    for day in after:
        incidents = []
        if kills.get(day, 0) > usual:
            incidents.append(f"{kills[day]} OOM kills, at most {usual} a day before")
        if rolled_back.get(day):
            incidents.append(f"{rolled_back[day]} suggestions rolled back")
        health.append(DayHealth(day, tuple(incidents)))
    return health


def _window(days: Sequence[date], zone: ZoneInfo) -> HourWindow:
    """Return the hours that billing days touch; a zone may begin its day at half past."""
    end = day_start(max(days) + DAY, zone)
    last = floor_hour(end)
    return HourWindow(floor_hour(day_start(min(days), zone)), last if last == end else last + HOUR)


def _kills_by_day(runtime: Runtime, touched: Collection[PoolKey], days: Sequence[date]) -> dict[date, int]:
    zone = runtime.settings.zone
    window = _window(days, zone)
    found: dict[date, int] = {}
    for cluster in sorted({name for name, _ in touched}):
        rows = runtime.warehouse.lake.query(
            _OOM_KILLS,
            tables={
                "container_hour": TableScan("container_hour", cluster, window),
                "node_hour": TableScan("node_hour", cluster, window),
            },
        ).to_pylist()
        for row in rows:
            if (cluster, row["node_pool"]) in touched:
                day = row["hour"].astimezone(zone).date()
                found[day] = found.get(day, 0) + int(row["kills"])
    return found


def _rolled_back(runtime: Runtime, initiative: Initiative, days: Sequence[date]) -> Mapping[date, int]:
    scope = initiative.whole_scope
    found: dict[date, int] = {}
    zone = runtime.settings.zone
    window = _window(days, zone)
    moved = runtime.warehouse.advice_days.moved_to(RecommendationState.ROLLED_BACK, window)
    for at, key, team in moved:
        workload = key.workload
        if scope.covers_workload(workload.cluster, workload.namespace, workload.name, team):
            day = at.astimezone(zone).date()
            found[day] = found.get(day, 0) + 1
    return found
