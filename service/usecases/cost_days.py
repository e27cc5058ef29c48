"""Daily costs with owners, and workload hours: what the boards, chargeback and forecasts read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from models.chargeback.cost_rows import Labels, build_cost_rows
from models.ownership.matching import OwnershipBook
from models.ownership.timeline import Timeline, cut
from models.vocabulary.windows import DAY, HOUR, HourWindow, day_start, floor_hour
from service.leasing import HeldLease
from service.runtime import Runtime
from warehouse.lake.partition_files import StagedFile, write_partition
from warehouse.lake.reading import TableScan
from warehouse.reads.allocation_sums import cost_sums, workload_hours

COST_CODE_VERSION = "cost-2"
"""Raise it when the result for equal inputs changes: every billing day is then built again."""

WORKLOAD_DAYS_PER_QUERY = 16


def build_cost_days(
    runtime: Runtime,
    cluster: str,
    span: tuple[date, date],
    book: OwnershipBook,
    zone: ZoneInfo,
    held: HeldLease,
) -> list[date]:
    """Rebuild the billing days of a cluster whose allocation or owners changed.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    span : tuple of date
        First and last billing day to look at, both included.
    book : OwnershipBook
    zone : ZoneInfo
        Cuts billing days.
    held : HeldLease
        Of the allocation job of the cluster.

    Returns
    -------
    list of date
        The days rebuilt, oldest first.
    """
    derived = runtime.warehouse.derived
    namespaces = _namespace_labels(runtime, cluster)
    inputs = _date_inputs(runtime, cluster, span, book, zone, namespaces)
    dirty = derived.dirty("cost_day", cluster, inputs, COST_CODE_VERSION)
    if not dirty:
        return []
    labels = Labels(label_sets(runtime, cluster), namespaces)
    for month, dates in _by_month(dirty):
        rows = pa.concat_tables(
            _cost_rows(runtime, cluster, first, last, book, zone, labels) for first, last in _runs(dates)
        )
        predicate = {"billing_month": month, "cluster": cluster, "billing_date": dates}
        version = runtime.warehouse.lake.replace_rows("cost_day", predicate, rows, fence=held.renew())
        built = {day: inputs[day] for day in dates}
        derived.register("cost_day", cluster, built, COST_CODE_VERSION, version)
    return dirty


def _date_inputs(
    runtime: Runtime,
    cluster: str,
    span: tuple[date, date],
    book: OwnershipBook,
    zone: ZoneInfo,
    namespaces: Mapping[str, Mapping[str, str]],
) -> dict[date, str]:
    """Return for every billing day with allocated hours a hash of what its costs depend on."""
    allocated = runtime.warehouse.derived.registered("allocation_hour", cluster)
    inputs = {}
    day = span[0]
    while day <= span[1]:
        start, end = day_start(day, zone), day_start(day + DAY, zone)
        hours = _whole_hours(start, end)
        sources = [allocated.get(utc_day) for utc_day in hours.days()]
        if any(sources):
            parts = (
                sources,
                book.hash_between(cluster, hours.start, hours.end),
                zone.key,
                sorted((name, sorted(labels.items())) for name, labels in namespaces.items()),
            )
            inputs[day] = hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
        day += DAY
    return inputs


def _whole_hours(start: datetime, end: datetime) -> HourWindow:
    return HourWindow(floor_hour(start), HourWindow.of_hour(end - timedelta(microseconds=1)).end)


def _by_month(dates: Sequence[date]) -> Iterator[tuple[str, list[date]]]:
    for month, days in groupby(sorted(dates), key=lambda day: f"{day:%Y-%m}"):
        yield month, list(days)


def _runs(dates: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Yield first and last of each run of consecutive days."""
    first = previous = dates[0]
    for day in dates[1:]:
        if day != previous + DAY:
            yield first, previous
            first = day
        previous = day
    yield first, previous


def _cost_rows(
    runtime: Runtime,
    cluster: str,
    first: date,
    last: date,
    book: OwnershipBook,
    zone: ZoneInfo,
    labels: Labels,
) -> pa.Table:
    timeline = _timeline(cluster, first, last, book, zone)
    lines, prices = cost_sums(runtime.warehouse.lake, cluster, timeline.window, timeline.hour_marks())
    return build_cost_rows(lines, prices, timeline, book, labels, cluster=cluster)


def _timeline(cluster: str, first: date, last: date, book: OwnershipBook, zone: ZoneInfo) -> Timeline:
    start, end = day_start(first, zone) - HOUR, day_start(last + DAY, zone) + HOUR
    return cut(first, last, zone, book.changes(cluster, start, end))


def _namespace_labels(runtime: Runtime, cluster: str) -> dict[str, dict[str, str]]:
    """Return the newest known labels of each namespace."""
    scan = TableScan("object_history", cluster, None, ("kind", "name", "valid_from", "spec"))
    rows = runtime.warehouse.lake.query(
        "SELECT name, arg_max(spec, valid_from) AS spec FROM object WHERE kind = 'Namespace' GROUP BY name",
        tables={"object": scan},
    )
    found = {}
    for name, spec in zip(rows.column("name").to_pylist(), rows.column("spec").to_pylist(), strict=True):
        labels = json.loads(spec or "{}").get("labels")
        if labels:
            found[name] = {str(key): str(value) for key, value in labels.items()}
    return found


def label_sets(runtime: Runtime, cluster: str) -> dict[str, dict[str, str]]:
    """Return the labels of every label set of a cluster."""
    rows = runtime.warehouse.lake.scan("label_set", cluster=cluster, columns=("label_set_id", "labels"))
    pairs = zip(rows.column("label_set_id").to_pylist(), rows.column("labels").to_pylist(), strict=True)
    return {identifier: json.loads(labels or "{}") for identifier, labels in pairs}


def build_workload_hours(
    runtime: Runtime, cluster: str, inputs: Mapping[date, str], code_version: str, held: HeldLease
) -> list[date]:
    """Rebuild the workload hours of days whose observations or prices changed; return these days."""
    derived, lake = runtime.warehouse.derived, runtime.warehouse.lake
    dirty = derived.dirty("workload_hour", cluster, inputs, code_version)
    files = []
    for first in range(0, len(dirty), WORKLOAD_DAYS_PER_QUERY):
        days = dirty[first : first + WORKLOAD_DAYS_PER_QUERY]
        window = HourWindow(day_start(days[0]), day_start(days[-1] + DAY))
        rows = workload_hours(lake, cluster, window)
        files += [_stage_workload_day(runtime, cluster, day, rows) for day in days]
    if dirty:
        partitions = [{"cluster": cluster, "day": day} for day in dirty]
        version = lake.replace_partitions("workload_hour", partitions, files, fence=held.renew())
        derived.register("workload_hour", cluster, {day: inputs[day] for day in dirty}, code_version, version)
    return dirty


def _stage_workload_day(runtime: Runtime, cluster: str, day: date, rows: pa.Table) -> StagedFile:
    location = runtime.warehouse.location
    own = rows.filter(pc.equal(rows.column("day"), pa.scalar(day, pa.date32()))).drop_columns(["day"])
    partition = {"cluster": cluster, "day": day}
    return write_partition("workload_hour", partition, own, location.lake_url, location.storage_options)
