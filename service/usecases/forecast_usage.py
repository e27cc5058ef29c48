"""Forecasts of CPU, memory and replicas: per workload, and per team as the sum of its workloads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from models.events.calendar import CalendarEvent, SeriesOf, hourly_spans
from models.forecast.many import SeriesForecasts, forecast_many
from models.forecast.seasonal_naive import FloatArray
from models.forecast.usage_grid import UsageCells, place_usage, sum_groups
from models.profiles.encoding import read_floats
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.windows import HOUR, HourWindow, floor_hour, to_utc
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.events import list_events
from service.usecases.forecast_store import replace_kinds
from service.usecases.profiles import cluster_names
from service.usecases.unit_prices import read_teams
from warehouse.reads.workload_usage import whole_hours, workload_usage

HISTORY = timedelta(days=35)
HORIZON_HOURS = 7 * 24
UNITS = {"cpu": "cores", "memory": "bytes", "replicas": "replicas"}
_COLUMN = {
    "cpu": "cpu_usage_cores_mean",
    "memory": "memory_usage_bytes_mean",
    "replicas": "replica_count_mean",
}


@dataclass(frozen=True, eq=False)
class UsageHistory:
    """Hourly use of workloads that begin together.

    Parameters
    ----------
    window : HourWindow
    keys : list of WorkloadKey
    teams : list of (str or None)
        Owner of each workload; None when it is not known.
    values : dict of str to ndarray of float, shape (n, hours)
        By resource: cores, bytes, replicas; NaN where not known.
    """

    window: HourWindow
    keys: list[WorkloadKey]
    teams: list[str | None]
    values: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class UsageForecast:
    """Forecasts of one resource.

    Parameters
    ----------
    series_kind : str
        ``workload_cpu``, ``team_memory`` and so on, as the lake table ``forecast`` has it.
    resource, unit : str
    start : datetime
        The first hour ahead.
    names, teams : list of str, of (str or None)
        One per series: the workload's key or the team; and the owner.
    found : SeriesForecasts
    """

    series_kind: str
    resource: str
    unit: str
    start: datetime
    names: list[str]
    teams: list[str | None]
    found: SeriesForecasts


def read_usage(runtime: Runtime, as_of: datetime, cluster: str | None = None) -> UsageHistory:
    """Return the hourly use of all workloads in the weeks before an event time.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime
        Only hours that end by then are read.
    cluster : str, optional
        None reads all.
    """
    end = floor_hour(as_of)
    window = HourWindow(end - HISTORY, end)
    keys: list[WorkloadKey] = []
    teams: list[str | None] = []
    parts: dict[str, list[FloatArray]] = {name: [] for name in UNITS}
    pin = runtime.warehouse.pin()
    for name in cluster_names(runtime, cluster):
        rows = workload_usage(runtime.warehouse.lake, name, window, pin)
        if not rows.num_rows:
            continue
        own = _keys(name, rows)
        known = whole_hours(runtime.warehouse.ledger, name, window)
        is_whole = np.array([hour in known for hour in window.hours()])
        owner = read_teams(runtime, name, as_of, pin)
        keys += own
        teams += [owner.get(key) for key in own]
        workload, step = (rows.column(column).to_numpy().astype(np.int64) for column in ("workload", "step"))
        for resource, column in _COLUMN.items():
            cells = UsageCells(workload, step, read_floats(rows.column(column)))
            parts[resource].append(place_usage(cells, len(own), is_whole))
    nothing = np.zeros((0, window.hour_count))
    values = {resource: np.concatenate([nothing, *found]) for resource, found in parts.items()}
    return UsageHistory(window, keys, teams, values)


def forecast_usage(
    runtime: Runtime,
    as_of: datetime | None = None,
    *,
    horizon_hours: int = HORIZON_HOURS,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> list[UsageForecast]:
    """Forecast the use of every workload and team, and keep it; the same run twice stores the same.

    Calendar events are left out of what is learned and put into what is told. Kept is the newest run of a
    month of all clusters; a run of one cluster, like every other figure of it, is only returned.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Only hours that end by then are used; now by default.
    horizon_hours : int
    cluster : str, optional
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    history = read_usage(runtime, moment, cluster)
    if not history.keys:
        return []
    ahead = HourWindow(history.window.start, moment + horizon_hours * HOUR)
    events = list_events(runtime, ahead)
    found: list[UsageForecast] = []
    shown = progress or SilentProgress()
    for resource in tracked(shown, list(UNITS), "forecasting use", len(UNITS)):
        found += _forecast_resource(history, resource, horizon_hours, events)
    if cluster is None:
        _store(runtime, moment, found)
    return found


def visible(forecast: UsageForecast, principal: Principal) -> Iterator[int]:
    """Yield the positions of the series that a principal may see: all, or those of the own teams.

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    """
    teams = principal.visible_teams()
    return (
        position for position, team in enumerate(forecast.teams) if teams is None or (team or "") in teams
    )


def _keys(cluster: str, rows: pa.Table) -> list[WorkloadKey]:
    number = rows.column("workload").to_numpy()
    first = np.flatnonzero(np.diff(number, prepend=-1))
    named = rows.select(["namespace", "workload_kind", "workload_name"]).take(pa.array(first)).to_pylist()
    return [
        WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]) for row in named
    ]


def _forecast_resource(
    history: UsageHistory, resource: str, horizon: int, events: Sequence[CalendarEvent]
) -> list[UsageForecast]:
    """Forecast workloads and teams together: what is learned of one kind serves the other."""
    grid, count = history.values[resource], len(history.keys)
    teams = sorted({team for team in history.teams if team is not None})
    position = {team: index for index, team in enumerate(teams)}
    group = [-1 if team is None else position[team] for team in history.teams]
    both = np.concatenate([grid, sum_groups(grid, group, len(teams))])
    series = [SeriesOf(key.cluster, key.namespace, key.kind, key.name) for key in history.keys]
    # Of a sum over workloads only events of every workload are known to move the whole.
    series += [SeriesOf("", "", "", "")] * len(teams)
    found = forecast_many(both, horizon, events=hourly_spans(events, history.window.start, series))
    names: list[str] = [str(key) for key in history.keys]
    return [
        UsageForecast(kind, resource, UNITS[resource], history.window.end, named, owners, found.part(rows))
        for kind, named, owners, rows in (
            (f"workload_{resource}", names, history.teams, slice(count)),
            (f"team_{resource}", teams, list[str | None](teams), slice(count, None)),
        )
        if named
    ]


def _store(runtime: Runtime, as_of: datetime, found: Sequence[UsageForecast]) -> None:
    kinds = [f"{what}_{resource}" for what in ("workload", "team") for resource in UNITS]
    replace_kinds(runtime, as_of, kinds, [_rows(forecast, as_of) for forecast in found])


def _rows(forecast: UsageForecast, as_of: datetime) -> pa.Table:
    """Return rows of the lake table of the series that have a forecast."""
    found = forecast.found
    known = np.flatnonzero([reason is None for reason in found.reason])
    horizon = found.value.shape[1]
    count = len(known) * horizon
    hours = [forecast.start + step * HOUR for step in range(horizon)]

    def each(values: Sequence[object] | FloatArray) -> pa.Array:
        picked = [values[position] for position in known.tolist()]
        return pa.array(picked, from_pandas=True).take(pa.array(np.repeat(np.arange(len(known)), horizon)))

    columns = {
        "run_month": pa.repeat(f"{as_of:%Y-%m}", count),
        "series_kind": pa.repeat(forecast.series_kind, count),
        "series": each(forecast.names),
        "run_at": pa.repeat(pa.scalar(as_of, pa.timestamp("us", "UTC")), count),
        "target_start": pa.array(hours, pa.timestamp("us", "UTC")).take(
            pa.array(np.tile(np.arange(horizon), len(known)))
        ),
        "model": each(found.model),
        "value": pa.array(found.value[known].ravel()),
        "unit": pa.repeat(forecast.unit, count),
        "backtest_wape": each(found.wape),
        "naive_wape": each(found.naive_wape),
    }
    for coverage in found.lower:
        columns[f"lower_{coverage * 100:.0f}"] = pa.array(found.lower[coverage][known].ravel())
        columns[f"upper_{coverage * 100:.0f}"] = pa.array(found.upper[coverage][known].ravel())
    return pa.table(columns)
