"""The guard on advice, fed from the warehouse: what a day may still change, and whether data look right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.windows import HourWindow
from recommender.data_breaker import BreakerLimits, SpanSums, find_data_fault
from recommender.fleet_guard import Answer, Capacity, FleetContext, FleetLimits, guard_fleet
from recommender.fleet_reductions import has_increase, has_reduction, reduction_of
from recommender.presets import POLICY
from recommender.subject import UnitPrices
from service.runtime import Runtime
from service.usecases.unit_prices import read_unit_prices
from warehouse.database.advice_days import StandingAdvice
from warehouse.lake.reading import TableScan

_DAYS_LOOKED_BACK = 28
_WHOLE_DAY_HOURS = 24
_SPANS_HOURS = (_WHOLE_DAY_HOURS, 3)
"""A whole day, and the newest hours: a fault that began at noon is not hidden by a good morning."""

_SPANS = """
    SELECT date_diff('hour', hour, $end) - 1 AS hours_ago,
           sum(cpu_usage_core_seconds) / 3600 AS core_hours,
           sum(running_seconds) / 3600 AS pod_hours,
           sum(running_seconds) FILTER (cpu_usage_core_seconds IS NOT NULL) / 3600 AS measured_hours,
           sum(running_seconds) FILTER (cpu_usage_core_seconds = 0) / 3600 AS zero_hours
    FROM container_hour
    WHERE hour < $end AND running_seconds > 0 AND container_kind <> '(pod)'
    GROUP BY hours_ago"""


def guard_answers(
    runtime: Runtime,
    cluster: str,
    answers: Sequence[Answer],
    as_of: datetime,
    prices: Mapping[WorkloadKey, UnitPrices] | None = None,
) -> list[Answer]:
    """Return a cluster's answers with reductions beyond the day's limits held back, in the same order.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    answers : sequence of Recommendation or NoRecommendation
        Of all containers of the cluster.
    as_of : datetime
        Event time of the run, a whole hour: the day is its UTC day.
    prices : mapping of WorkloadKey to UnitPrices, optional
        For answers of which only the raise is kept; read when they are needed and not given.
    """
    context, limits = read_context(runtime, cluster, answers, as_of, prices), fleet_limits(runtime)
    binds = context.breaker is not None or context.workload_count > limits.free_workload_count
    if prices is None and binds and any(_is_mixed(answer) for answer in answers):
        context = replace(context, prices=read_unit_prices(runtime, cluster, as_of))
    return guard_fleet(answers, context, limits)


def fleet_limits(runtime: Runtime) -> FleetLimits:
    """Return what a day may change, from the settings of the process."""
    settings = runtime.settings
    return FleetLimits(
        workload_ratio_per_day=settings.fleet_guard_workload_ratio_per_day,
        cpu_ratio_per_day=settings.fleet_guard_cpu_ratio_per_day,
        memory_ratio_per_day=settings.fleet_guard_memory_ratio_per_day,
        free_workload_count=settings.fleet_guard_free_workloads,
    )


def _is_mixed(answer: Answer) -> bool:
    return isinstance(answer, Recommendation) and has_increase(answer) and has_reduction(answer)


def read_context(
    runtime: Runtime,
    cluster: str,
    answers: Sequence[Answer],
    as_of: datetime,
    prices: Mapping[WorkloadKey, UnitPrices] | None = None,
) -> FleetContext:
    """Return the state of a cluster's advice before the answers of a run are stored."""
    standing = runtime.warehouse.advice_days.standing(cluster, POLICY)
    workloads, requested = _read_requested(runtime, cluster, as_of)
    proposed = runtime.warehouse.advice_days.proposed_on(cluster, POLICY, as_of.date())
    return FleetContext(
        day=as_of.date(),
        workload_count=workloads,
        requested=requested,
        open_advice=_open_advice(runtime, answers, standing),
        quiet=standing.quiet,
        refused=standing.refused,
        proposed_today=_add_up(proposed),
        breaker=find_fault(runtime, cluster, as_of),
        prices=prices or {},
    )


def _open_advice(
    runtime: Runtime, answers: Sequence[Answer], standing: StandingAdvice
) -> dict[ContainerKey, Recommendation]:
    """Return the open proposals of the containers that are advised again; only changed ones are read."""
    found: dict[ContainerKey, Recommendation] = {}
    changed = []
    for answer in answers:
        if isinstance(answer, Recommendation) and answer.key in standing.proposed:
            stored_id, content_hash = standing.proposed[answer.key]
            if content_hash == answer.content_hash():
                found[answer.key] = answer
            else:
                changed.append(stored_id)
    return {**found, **{one.key: one for one in runtime.warehouse.advice_days.load(changed)}}


def note_fault(runtime: Runtime, cluster: str, as_of: datetime) -> None:
    """Store for the board of data health whether the data of a cluster look wrong at an event time."""
    cause = find_fault(runtime, cluster, as_of)
    runtime.warehouse.advice_days.note_fault(cluster, as_of.date(), cause, as_of)


def find_fault(runtime: Runtime, cluster: str, as_of: datetime) -> str | None:
    """Return why the data of a cluster look wrong at an event time, in words, or None."""
    window = HourWindow(as_of - timedelta(days=_DAYS_LOOKED_BACK + 1), as_of)
    rows = runtime.warehouse.lake.query(
        _SPANS,
        tables={"container_hour": TableScan("container_hour", cluster, window)},
        parameters={"end": as_of},
    ).to_pylist()
    by_hours_ago = {int(row["hours_ago"]): row for row in rows}
    settings = runtime.settings
    limits = BreakerLimits(
        usage_ratio_min=settings.data_breaker_usage_ratio_min,
        zero_ratio_rise=settings.data_breaker_zero_ratio_rise,
        measured_ratio_drop=settings.data_breaker_measured_ratio_drop,
    )
    # a few hours of a small cluster swing by half without a fault, so only whole days are judged by their sum
    shorter = replace(limits, usage_ratio_min=0.0)
    faults = (
        find_data_fault(_spans(by_hours_ago, length), limits if length >= _WHOLE_DAY_HOURS else shorter)
        for length in _SPANS_HOURS
    )
    return next((fault for fault in faults if fault is not None), None)


def _spans(by_hours_ago: Mapping[int, Mapping[str, float | None]], length: int) -> list[SpanSums]:
    """Return the span of each day of which every hour is stored."""
    spans = []
    for days_ago in range(_DAYS_LOOKED_BACK + 1):
        hours = [by_hours_ago.get(24 * days_ago + hour) for hour in range(length)]
        rows = [row for row in hours if row is not None]
        pod_hours = _total(rows, "pod_hours")
        if len(rows) == length and pod_hours > 0:
            spans.append(
                SpanSums(
                    days_ago,
                    _total(rows, "core_hours"),
                    pod_hours,
                    _total(rows, "measured_hours") / pod_hours,
                    _total(rows, "zero_hours") / pod_hours,
                )
            )
    return spans


def _total(rows: Sequence[Mapping[str, float | None]], name: str) -> float:
    return sum(row[name] or 0.0 for row in rows)


def _read_requested(runtime: Runtime, cluster: str, as_of: datetime) -> tuple[int, Capacity]:
    """Return how many workloads ran in the last day, and what they requested at a time on average."""
    window = HourWindow(as_of - timedelta(days=1), as_of)
    found = runtime.warehouse.lake.query(
        """SELECT count(DISTINCT (namespace, workload_kind, workload_name)) AS workloads,
                  count(DISTINCT hour) AS hours, sum(cpu_request_core_seconds) AS cpu,
                  sum(memory_request_byte_seconds) AS memory
           FROM container_hour WHERE running_seconds > 0 AND hour < $end""",
        tables={"container_hour": TableScan("container_hour", cluster, window)},
        parameters={"end": as_of},
    ).to_pylist()[0]
    seconds = 3600.0 * max(found["hours"], 1)
    return found["workloads"], Capacity((found["cpu"] or 0.0) / seconds, (found["memory"] or 0.0) / seconds)


def _add_up(proposed: Sequence[Recommendation]) -> dict[ContainerKey, Capacity]:
    """Return the largest reduction proposed for each container; raises count nothing."""
    taken: dict[ContainerKey, Capacity] = {}
    for one in proposed:
        mine = reduction_of(one)
        if mine != Capacity():
            before = taken.get(one.key, Capacity())
            taken[one.key] = Capacity(
                max(before.cpu_cores, mine.cpu_cores), max(before.memory_bytes, mine.memory_bytes)
            )
    return taken
