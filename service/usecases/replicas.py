"""Replica advice for workloads: what they need at the peak to come, with what-if cost and the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np

from models.events.calendar import CalendarEvent, SeriesOf, hourly_spans
from models.events.spans import EventSpan
from models.forecast.many import forecast_many
from models.kubernetes.autoscalers import read_scalers
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.replicas import ReplicaAdvice, Scaler, ScalerKind
from models.vocabulary.windows import HOUR, HourWindow, floor_hour, to_utc
from recommender.load_tests import ChosenTests
from recommender.replica_demand import (
    Driver,
    DriverInput,
    DriverRules,
    Drivers,
    Requests,
    find_drivers,
    newest,
)
from recommender.replicas import Demand, ReplicaPrice, ReplicaRules, advise_replicas, count_for_total
from recommender.subject import UnitPrices
from recommender.workload_bins import Floats, WorkloadBins, hourly_peaks
from service.runtime import Runtime
from service.usecases.cluster_objects import objects_at
from service.usecases.load_tests import chosen_tests
from service.usecases.profiles import cluster_names
from service.usecases.request_rates import requests_of
from service.usecases.unit_prices import read_teams, read_unit_prices
from service.usecases.workload_bins import read_workload_bins
from warehouse.lake.reading import TableScan

HISTORY_DAYS = 14
HORIZON_HOURS = 168
UPPER_COVERAGE = 0.8
"""The upper bound of the 80 % interval: 9 of 10 hours stay below it."""

NO_FORECAST = "no_forecast"
STATIC_KINDS = ("Deployment", "Rollout", "CloneSet", "DeploymentConfig", "ReplicaSet")
"""Kinds without autoscaler for which replicas are advised; members of a StatefulSet are not exchangeable."""

_CHUNK = 500
_GIB = 1 << 30

_RUNNING = """
    SELECT DISTINCT namespace, workload_kind, workload_name FROM container_hour
    WHERE container_kind = 'main' AND workload_name IS NOT NULL ORDER BY ALL"""


@dataclass(frozen=True)
class ReplicaQuestion:
    """What is asked about replicas.

    Parameters
    ----------
    cluster : str or None
        None asks about all.
    as_of : datetime or None
        Only data before it is used; now by default.
    is_floor : bool
        Round down, for comparison with systems that do.
    with_static : bool
        Also workloads that no autoscaler scales.
    """

    cluster: str | None = None
    as_of: datetime | None = None
    is_floor: bool = False
    with_static: bool = False


@dataclass(frozen=True)
class WorkloadReplicas:
    """One workload: its autoscaler and the advice, or the reason why there is none."""

    workload: WorkloadKey
    team: str | None
    scaler: Scaler | None
    advice: ReplicaAdvice | None
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Outlook:
    """What a driver's load will be, hour by hour.

    Parameters
    ----------
    driver : Driver
    upper : array, shape (H,), or None
        Upper bound per hour to come; None without a forecast.
    peak : float
        Largest load to expect.
    flags : tuple of str
    """

    driver: Driver
    upper: Floats | None
    peak: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkloadOutlook:
    """One workload with what drives its replicas."""

    key: WorkloadKey
    scaler: Scaler | None
    bins: WorkloadBins | None
    drivers: Drivers
    outlooks: tuple[Outlook, ...]


def scalers_of(runtime: Runtime, cluster: str, at: datetime) -> dict[WorkloadKey, Scaler]:
    """Return what scales each workload of a cluster at an instant; KEDA's own object where it has one."""
    kinds = [kind.value for kind in ScalerKind]
    return {
        WorkloadKey(cluster, one.namespace, one.workload_kind, one.workload_name): one
        for one in read_scalers(objects_at(runtime, cluster, at, kinds))
    }


def list_replicas(
    runtime: Runtime, principal: Principal, question: ReplicaQuestion | None = None
) -> list[WorkloadReplicas]:
    """Return the advice for each workload that the principal may see."""
    asked = question or ReplicaQuestion()
    visible = principal.visible_teams()
    moment = floor_hour(to_utc(asked.as_of or runtime.now()))
    found = []
    for name in cluster_names(runtime, asked.cluster):
        teams = read_teams(runtime, name, moment)
        prices = read_unit_prices(runtime, name, moment)
        for outlook in outlooks_of(runtime, name, moment, with_static=asked.with_static):
            team = teams.get(outlook.key)
            if visible is not None and team not in visible:
                continue
            price = prices.get(outlook.key, UnitPrices())
            advice, reason = _advise(runtime, outlook, price, is_floor=asked.is_floor)
            found.append(WorkloadReplicas(outlook.key, team, outlook.scaler, advice, reason))
    return found


def advise_workloads(
    runtime: Runtime, cluster: str, as_of: datetime, *, with_static: bool = False
) -> dict[WorkloadKey, ReplicaAdvice]:
    """Return replica advice by workload, for the right-sizing run: an autoscaler's trigger stays per pod."""
    prices = read_unit_prices(runtime, cluster, as_of)
    found = {}
    for outlook in outlooks_of(runtime, cluster, as_of, with_static=with_static):
        advice, _ = _advise(runtime, outlook, prices.get(outlook.key, UnitPrices()), is_floor=False)
        if advice is not None:
            found[outlook.key] = advice
    return found


def outlooks_of(
    runtime: Runtime,
    cluster: str,
    as_of: datetime,
    *,
    with_static: bool = False,
    horizon_hours: int = HORIZON_HOURS,
    only: WorkloadKey | None = None,
) -> Iterator[WorkloadOutlook]:
    """Yield what drives the replicas of each workload with an autoscaler, load test or weighted requests.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    as_of : datetime
        Start of an hour; nothing after it is used.
    with_static : bool
        Also all other workloads of exchangeable kinds.
    horizon_hours : int
    only : WorkloadKey, optional
        This workload alone, whether anything scales it or not.
    """
    window = HourWindow(as_of - timedelta(days=HISTORY_DAYS), as_of)
    scalers = scalers_of(runtime, cluster, as_of)
    tests = chosen_tests(runtime, cluster, as_of)
    requests = requests_of(runtime, cluster, window, as_of)
    keys = {*scalers, *tests, *(key for key, one in requests.items() if one.weights is not None)}
    if with_static:
        keys |= _static_workloads(runtime, cluster, window)
    ordered = sorted(keys) if only is None else [only]
    horizon = HourWindow(window.start, as_of + horizon_hours * HOUR)
    ahead = _Calendar(window.start, runtime.warehouse.events.list(horizon))
    for start in range(0, len(ordered), _CHUNK):
        chunk = ordered[start : start + _CHUNK]
        bins = read_workload_bins(runtime, window, chunk)
        known = _Known(scalers, tests, requests, DriverRules(runtime.settings.replica_target_ratio))
        yield from _outlooks([known.of(key, bins.get(key)) for key in chunk], horizon_hours, ahead)


def rules_of(
    runtime: Runtime, workload: WorkloadOutlook, target: float, *, is_floor: bool = False
) -> ReplicaRules:
    """Return target and bounds of a workload: the autoscaler's, else at least the setting's minimum.

    A workload that runs with fewer than the setting says is not raised to it: its owner chose that.
    """
    if workload.scaler is None:
        now = max(round(replicas_now(workload.bins) or 1.0), 1)
        return ReplicaRules(target, min(runtime.settings.replica_minimum, now), None, is_floor=is_floor)
    low, high = workload.scaler.minimum_replicas, workload.scaler.maximum_replicas
    return ReplicaRules(target, min(low, high), high, is_floor=is_floor)


@dataclass(frozen=True)
class _Known:
    scalers: Mapping[WorkloadKey, Scaler]
    tests: Mapping[WorkloadKey, ChosenTests]
    requests: Mapping[WorkloadKey, Requests]
    rules: DriverRules

    def of(self, key: WorkloadKey, bins: WorkloadBins | None) -> WorkloadOutlook:
        """Return a workload with its drivers, not yet forecast."""
        scaler = self.scalers.get(key)
        if bins is None:
            return WorkloadOutlook(key, scaler, None, Drivers((), (), "it did not run in this window"), ())
        tests = self.tests.get(key, ChosenTests((), ()))
        given = DriverInput(bins, scaler, tests, self.requests.get(key, Requests()))
        return WorkloadOutlook(key, scaler, bins, find_drivers(given, self.rules), ())


@dataclass(frozen=True)
class _Calendar:
    start: datetime
    events: Sequence[CalendarEvent]

    def spans(self, keys: Sequence[WorkloadKey]) -> list[EventSpan]:
        """Return the events as hours of one series per workload."""
        series = [SeriesOf(key.cluster, key.namespace, key.kind, key.name) for key in keys]
        return hourly_spans(self.events, self.start, series)


def _outlooks(
    workloads: Sequence[WorkloadOutlook], horizon: int, calendar: _Calendar
) -> Iterator[WorkloadOutlook]:
    """Forecast the measured drivers of some workloads in one go."""
    measured = [
        (workload.key, hourly_peaks(driver.series))
        for workload in workloads
        for driver in workload.drivers.drivers
        if driver.series is not None
    ]
    series = [values for _, values in measured]
    events = calendar.spans([key for key, _ in measured])
    found = forecast_many(np.stack(series), horizon, events=events) if series else None
    row = 0
    for workload in workloads:
        outlooks = []
        for driver in workload.drivers.drivers:
            if driver.series is None:
                outlooks.append(Outlook(driver, None, float(driver.stated_peak or 0.0), driver.flags))
                continue
            assert found is not None
            upper = found.upper[UPPER_COVERAGE][row] if found.reason[row] is None else None
            outlooks.append(_outlook(driver, series[row], upper))
            row += 1
        yield replace(workload, outlooks=tuple(outlooks))


def _outlook(driver: Driver, history: Floats, upper: Floats | None) -> Outlook:
    if upper is not None and not np.isnan(upper).any():
        return Outlook(driver, upper, float(upper.max()), driver.flags)
    return Outlook(driver, None, float(np.nanmax(history)), (*driver.flags, NO_FORECAST))


def _advise(
    runtime: Runtime, workload: WorkloadOutlook, prices: UnitPrices, *, is_floor: bool
) -> tuple[ReplicaAdvice | None, str | None]:
    if not workload.outlooks:
        return None, workload.drivers.reason
    now = replicas_now(workload.bins)
    price = price_of_replica(workload.bins, prices)
    answers = []
    for outlook in workload.outlooks:
        rules = rules_of(runtime, workload, outlook.driver.target_per_replica, is_floor=is_floor)
        driver = outlook.driver
        flags = tuple(dict.fromkeys((*workload.drivers.flags, *outlook.flags)))
        demand = Demand(driver.metric, driver.unit, outlook.peak, flags)
        answers.append((advise_replicas(demand, rules, now, price, driver.basis), outlook, rules))
    advice, outlook, rules = max(
        answers, key=lambda one: (one[0].replica_count_needed, one[0].replica_count_advised)
    )
    if workload.scaler is not None and outlook.upper is not None:
        mean = float(np.mean([count_for_total(float(load), rules) for load in outlook.upper]))
        advice = replace(
            advice,
            monthly_cost_advised=price.per_month(mean),
            flags=(*advice.flags, "cost_at_mean_replicas"),
        )
    return advice, None


def replicas_now(bins: WorkloadBins | None) -> float | None:
    """Return the mean replicas of the newest day that is known."""
    if bins is None:
        return None
    known = bins.replicas()
    known = known[~np.isnan(known)][-288:]
    return float(known.mean()) if len(known) else None


def price_of_replica(bins: WorkloadBins | None, prices: UnitPrices) -> ReplicaPrice:
    """Return what one replica's requests cost per hour at the workload's own prices; None where unpriced."""
    if bins is None or prices.cpu_core_hour is None or prices.memory_gib_hour is None:
        return ReplicaPrice()
    cores, size = newest(bins.request_per_pod("cpu")), newest(bins.request_per_pod("memory"))
    if cores is None or size is None:
        return ReplicaPrice()
    hourly = prices.cpu_core_hour * Decimal(repr(cores)) + prices.memory_gib_hour * Decimal(repr(size / _GIB))
    return ReplicaPrice(hourly, prices.currency)


def _static_workloads(runtime: Runtime, cluster: str, window: HourWindow) -> set[WorkloadKey]:
    last_day = HourWindow(max(window.start, window.end - timedelta(days=1)), window.end)
    rows = runtime.warehouse.lake.query(
        _RUNNING, tables={"container_hour": TableScan("container_hour", cluster, last_day)}
    ).to_pylist()
    return {
        WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        for row in rows
        if row["workload_kind"] in STATIC_KINDS
    }
