"""A small company written straight into a warehouse: two clusters, five teams, seven weeks, in EUR.

Figures follow from simple formulas, so a test can work them out by hand. No simulator, no source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from models.initiatives.initiative import Initiative
from models.vocabulary.identity import ContainerKey, Principal, Role, WorkloadKey
from models.vocabulary.money import Money
from models.vocabulary.recommendation import (
    GuardRail,
    NoRecommendation,
    Recommendation,
    ResourceValues,
    SilenceReason,
    StatedRisk,
)
from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start
from service.runtime import Runtime
from warehouse.database.plans import Budget
from warehouse.database.recommendations import RecommendationRun
from warehouse.fencing import INGEST_JOB
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

CURRENCY = "EUR"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FIRST_DAY = date(2026, 10, 1)
LAST_DAY = date(2026, 11, 20)
CLUSTERS = ("shop-eu", "data-us")

LEADER = Principal("lea", frozenset({Role.LEADERSHIP}))
PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
FINANCE = Principal("fin", frozenset({Role.FINANCE}))
OWNER_OF_SEARCH = Principal("sam", frozenset({Role.OWNER}), frozenset({"search"}))
OWNER_OF_PAYMENTS = Principal("pia", frozenset({Role.OWNER}), frozenset({"payments"}))
STRANGER = Principal("nobody")

MARKDOWN_LABEL = "![x](http://evil.example/x.png)<b>bold</b>"
"""A namespace that an attacker chose: it must stay text on every board."""


@dataclass(frozen=True)
class World:
    """The warehouse and what was put into it."""

    runtime: Runtime
    days: tuple[date, ...]


@dataclass(frozen=True)
class WorkloadSpec:
    """One workload: whose it is, and its cost of a day by cause in whole cents."""

    cluster: str
    namespace: str
    name: str
    team: str | None
    source: str | None
    used_cents: int
    unused_cents: int


WORKLOADS = (
    WorkloadSpec("shop-eu", "search", "search-api", "search", "rule", 21000, 26000),
    WorkloadSpec("shop-eu", "search", "indexer", "search", "rule", 9000, 4000),
    WorkloadSpec("shop-eu", "payments", "ledger", "payments", "label", 11000, 15000),
    WorkloadSpec("shop-eu", "web", "storefront", "web", "label", 16000, 9000),
    WorkloadSpec("data-us", "etl", "spark-nightly", "data-platform", "rule", 24000, 7000),
    WorkloadSpec("data-us", "notebooks", "jupyter", "notebooks", "guessed", 2500, 8000),
    WorkloadSpec("data-us", MARKDOWN_LABEL, "unknown", None, None, 1500, 2500),
)
IDLE_CENTS = {"shop-eu": 19000, "data-us": 14000}
OVERHEAD_CENTS = {"shop-eu": 4200, "data-us": 3100}
_WEEKDAY_PER_MILLE = (1060, 1080, 1050, 1040, 1030, 880, 860)
STAGE_FIRST, STAGE_LAST = date(2026, 11, 5), date(2026, 11, 6)
"""After this stage the idle cost of shop-eu falls by 60 %."""


def day_cents(cents: int, day: date) -> Decimal:
    """Return cents of a day as money: weekdays cost more than weekends, in exact arithmetic."""
    return Decimal(cents) * _WEEKDAY_PER_MILLE[day.weekday()] / 1000 / 100


def idle_cents(cluster: str, day: date) -> int:
    """Return the idle cents of a cluster: less after the stage."""
    cents = IDLE_CENTS[cluster]
    return cents * 2 // 5 if cluster == "shop-eu" and day > STAGE_LAST else cents


def build_world(
    home: Path,
    *,
    now: datetime = NOW,
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
    gaps: Sequence[tuple[str, datetime, WindowState, str]] = (),
    with_suggestions: bool = True,
    assumed: bool = False,
) -> World:
    """Write the company into a new warehouse in a folder.

    Parameters
    ----------
    home : Path
    now : datetime
        The fixed clock.
    first, last : date
        Stored days.
    gaps : sequence of (cluster, hour, state, note)
        Hours that are not complete.
    with_suggestions : bool
    assumed : bool
        Whether data-us has no price of its own.
    """
    runtime = Runtime.for_test(home, now=now, reporting_currency=CURRENCY)
    days = tuple(first + index * DAY for index in range((last - first).days + 1))
    for cluster in CLUSTERS:
        runtime.warehouse.clusters.register(cluster, "aws", "eu-west-1", CURRENCY, is_simulated=True)
        _record_hours(runtime, cluster, days, gaps)
    for month in sorted({f"{day:%Y-%m}" for day in days}):
        rows = [row for day in days if f"{day:%Y-%m}" == month for row in cost_rows(day, assumed=assumed)]
        runtime.warehouse.lake.replace_rows("cost_day", {"billing_month": month}, as_table("cost_day", rows))
    _write_plans(runtime)
    if with_suggestions:
        write_suggestions(runtime, now)
        _write_usage(runtime, now)
    return World(runtime, days)


def as_table(name: str, rows: list[dict[str, object]]) -> pa.Table:
    """Return rows of a lake table; columns that a row leaves out are null."""
    schema = TABLES[name].schema
    return pa.Table.from_pylist(
        [{column: row.get(column) for column in schema.names} for row in rows], schema
    )


def cost_rows(day: date, *, assumed: bool = False) -> list[dict[str, object]]:
    """Return the rows of ``cost_day`` of one day, CPU only: workloads, then one node line per cluster."""
    rows = []
    for spec in WORKLOADS:
        used, unused = day_cents(spec.used_cents, day), day_cents(spec.unused_cents, day)
        rows.append(
            _row(day, spec.cluster, "workload", assumed=assumed)
            | {
                "namespace": spec.namespace,
                "workload_kind": "Deployment",
                "workload_name": spec.name,
                "team": spec.team,
                "cost_centre": f"CC-{spec.team}" if spec.team else None,
                "ownership_source": spec.source,
                "container_hours": 48.0,
                "request_seconds": float((spec.used_cents + spec.unused_cents) * 100),
                "usage_seconds": float(spec.used_cents * 100),
                "used_cost": used,
                "unused_request_cost": unused,
                "unmeasured_cost": Decimal(0),
                "total_cost": used + unused,
            }
        )
    for cluster in CLUSTERS:
        idle, overhead = day_cents(idle_cents(cluster, day), day), day_cents(OVERHEAD_CENTS[cluster], day)
        cores = 400.0 * idle_cents(cluster, day) / IDLE_CENTS[cluster]
        rows.append(
            _row(day, cluster, "node", assumed=assumed)
            | {
                "capacity_seconds": 86400.0 * (600 + cores),
                "allocatable_seconds": 86400.0 * (580 + cores),
                "idle_cost": idle,
                "overhead_cost": overhead,
                "total_cost": idle + overhead,
            }
        )
    return rows


def _row(day: date, cluster: str, line_kind: str, *, assumed: bool) -> dict[str, object]:
    is_assumed = assumed and cluster == "data-us"
    return {
        "billing_month": f"{day:%Y-%m}",
        "billing_date": day,
        "cluster": cluster,
        "line_kind": line_kind,
        "resource": "cpu",
        "node_pool": "general",
        "currency": CURRENCY,
        "provenance": "assumed" if is_assumed else "contract",
        "hour_count": 24,
    }


def total_of(days: Sequence[date]) -> Decimal:
    """Return the exact cost of some days, added up from the formulas."""
    cents = sum(spec.used_cents + spec.unused_cents for spec in WORKLOADS)
    overhead = sum(OVERHEAD_CENTS.values())
    return sum(
        (
            day_cents(cents + overhead + sum(idle_cents(cluster, day) for cluster in CLUSTERS), day)
            for day in days
        ),
        Decimal(0),
    )


def team_total(team: str, days: Sequence[date]) -> Decimal:
    """Return the exact direct cost of a team over some days."""
    cents = sum(spec.used_cents + spec.unused_cents for spec in WORKLOADS if spec.team == team)
    return sum((day_cents(cents, day) for day in days), Decimal(0))


def _record_hours(
    runtime: Runtime,
    cluster: str,
    days: Sequence[date],
    gaps: Sequence[tuple[str, datetime, WindowState, str]],
) -> None:
    window = HourWindow(day_start(days[0]), day_start(days[-1] + DAY))
    broken = {hour: (state, note) for name, hour, state, note in gaps if name == cluster}
    reports = tuple(
        HourReport(hour, *_state(broken.get(hour)), "hash", broken.get(hour, ("", ""))[1])
        for hour in window.hours()
    )
    lease = runtime.warehouse.leases.acquire(INGEST_JOB, cluster, "test", timedelta(hours=1), runtime.now())
    runtime.warehouse.record(ObservedWindow(cluster, "files", window, {}, reports), lease)
    runtime.warehouse.leases.release(lease)


def _state(broken: tuple[WindowState, str] | None) -> tuple[WindowState, float | None, int]:
    return (WindowState.COMPLETE, 1.0, 100) if broken is None else (broken[0], 0.4, 40)


def _write_plans(runtime: Runtime) -> None:
    runtime.warehouse.budgets.replace([Budget("all", "*", "2026-11", Money(Decimal("58000"), CURRENCY))])
    runtime.warehouse.initiatives.save(
        Initiative(
            "Smaller node pool for the shop",
            "Fewer nodes after lowering requests",
            day_start(STAGE_FIRST),
            day_start(STAGE_LAST) + 20 * HOUR,
            cluster="shop-eu",
        )
    )


def recommendation(
    spec: WorkloadSpec, as_of: datetime, saving: str | None, **changes: object
) -> Recommendation:
    """Return a suggestion for a workload; ``changes`` replace fields."""
    values = {
        "key": ContainerKey(WorkloadKey(spec.cluster, spec.namespace, "Deployment", spec.name), "app"),
        "policy": "millicore-1",
        "risk_class": "balanced",
        "as_of": as_of,
        "current": ResourceValues(2.0, 4.0, 4 * 2.0**30, 4 * 2.0**30),
        "advised": ResourceValues(0.8, 4.0, 2.5 * 2**30, 4 * 2.0**30),
        "replica_count_mean": 3.0,
        "requested_saving_per_month": None if saving is None else Decimal(saving),
        "currency": None if saving is None else CURRENCY,
        "risk": StatedRisk(
            0.004, 0.0, 4032, 42, "CPU goes over the request in 4 of 1,000 five-minute samples."
        ),
        "guard_rails": (
            GuardRail("memory_headroom", "memory", 2.1 * 2**30, 2.5 * 2**30, "20 % above the maximum"),
        ),
        "statistic": "p95 of CPU, maximum of memory",
        "window_start": as_of - 14 * DAY,
        "window_end": as_of,
        "sample_count": 4032,
        "sample_coverage_ratio": 0.998,
        "confidence": 0.86,
        "explanation": "95 % of the samples of 14 days stay below 0.70 cores; 15 % headroom is added.",
    } | changes
    return Recommendation(**values)  # type: ignore[arg-type]


def write_suggestions(runtime: Runtime, as_of: datetime) -> None:
    """Store one run: four suggestions (one an increase) and silences with reasons."""
    search, indexer, ledger, storefront, spark, jupyter, unknown = WORKLOADS
    increase = ResourceValues(2.6, 4.0, 5 * 2.0**30, 6 * 2.0**30)
    suggestions = (
        recommendation(search, as_of, "412.35"),
        recommendation(ledger, as_of, "230.10"),
        recommendation(storefront, as_of, "-96.40", advised=increase),
        recommendation(unknown, as_of, "18.00"),
    )
    silences = tuple(
        NoRecommendation(
            ContainerKey(WorkloadKey(spec.cluster, spec.namespace, "Deployment", spec.name), "app"),
            "millicore-1",
            as_of,
            reason,
            "Needs 7 days of history, has 3.",
        )
        for spec, reason in (
            (indexer, SilenceReason.WITHIN_HYSTERESIS),
            (spark, SilenceReason.SHORT_LIVED),
            (jupyter, SilenceReason.TOO_LITTLE_HISTORY),
        )
    )
    teams = {
        WorkloadKey(spec.cluster, spec.namespace, "Deployment", spec.name): spec.team for spec in WORKLOADS
    }
    run = RecommendationRun("millicore-1", as_of, CLUSTERS, suggestions, silences, teams)
    runtime.warehouse.recommendations.save_run(run)


def _write_usage(runtime: Runtime, now: datetime) -> None:
    """Write five days of container hours of search-api: one pod, CPU 0.3 to 0.9 cores."""
    spec = WORKLOADS[0]
    end = now.replace(minute=0)
    hours = [end - (index + 1) * HOUR for index in range(120)]
    rows = []
    for hour in hours:
        level = 0.3 + 0.6 * (1 if 8 <= hour.hour < 20 else 0.3)
        rows.append(
            {
                "cluster": spec.cluster,
                "day": hour.date(),
                "hour": hour,
                "pod_uid": "uid-1",
                "container": "app",
                "namespace": spec.namespace,
                "pod": "search-api-1",
                "node_key": "node-1",
                "workload_kind": "Deployment",
                "workload_name": spec.name,
                "container_kind": "main",
                "running_seconds": 3600.0,
                "cpu_request_core_seconds": 7200.0,
                "memory_request_byte_seconds": 3600.0 * 4 * 2**30,
                "cpu_usage_core_seconds": level * 3600,
                "memory_usage_byte_seconds": 3600.0 * 1.8 * 2**30,
                "cpu_usage_cores_by_5m": [level * 0.9] * 11 + [level],
                "memory_usage_bytes_max_by_5m": [1.8 * 2**30] * 12,
            }
        )
    window = HourWindow(min(hours), end)
    runtime.warehouse.lake.replace("container_hour", spec.cluster, window, as_table("container_hour", rows))
