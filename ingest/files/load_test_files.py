"""Results of load tests: what one replica carried while it kept its service level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from ingest.files.columns import Column, Kind
from ingest.files.reading import find_files, read_rows
from models.vocabulary.errors import InputError
from models.vocabulary.identity import WorkloadKey, check_cluster_name
from models.vocabulary.replicas import MEASURED_METRICS
from warehouse.database.replicas import LoadTest

LOAD_TEST_COLUMNS = (
    *(
        Column(name, Kind.TEXT, is_required=True)
        for name in ("cluster", "namespace", "workload_name", "metric", "service_level")
    ),
    Column("workload_kind", Kind.TEXT),
    Column("unit", Kind.TEXT),
    Column("capacity_per_replica", Kind.NUMBER, is_required=True),
    Column("stop_rule_ratio", Kind.NUMBER),
    Column("peak_demand", Kind.NUMBER),
    Column("tested_at", Kind.INSTANT, is_required=True),
)
"""Columns of a load test file; the kind is Deployment where none is given."""


def load_load_tests(path: Path, now: datetime) -> list[LoadTest]:
    """Return the load tests of a file, or of all files of a folder.

    Parameters
    ----------
    path : Path
    now : datetime
        A test after this moment is refused.

    Raises
    ------
    InputError
        Naming file, row, field and value; also for a test that stands twice. Nothing is stored then.
    """
    found: dict[tuple[WorkloadKey, str, datetime], LoadTest] = {}
    for file in find_files([path]):
        for number, row in enumerate(read_rows(file, LOAD_TEST_COLUMNS), start=1):
            test = _load_test(str(file), number, row, now)
            key = (test.workload, test.metric, test.tested_at)
            if key in found:
                raise InputError(
                    "is there twice", file=str(file), row=number, field="tested_at", value=test.tested_at
                )
            found[key] = test
    return list(found.values())


def _load_test(file: str, number: int, row: Mapping[str, object], now: datetime) -> LoadTest:
    def refuse(reason: str, field: str) -> InputError:
        return InputError(reason, file=file, row=number, field=field, value=row[field])

    try:
        cluster = check_cluster_name(str(row["cluster"]))
    except InputError as problem:
        raise refuse(problem.reason, "cluster") from problem
    tested_at, metric = row["tested_at"], str(row["metric"])
    assert isinstance(tested_at, datetime)
    if tested_at > now:
        raise refuse("lies in the future", "tested_at")
    capacity, ratio, peak = (
        _number(row[name]) for name in ("capacity_per_replica", "stop_rule_ratio", "peak_demand")
    )
    if capacity is None or not capacity > 0 or math.isinf(capacity):
        raise refuse("is not greater than 0", "capacity_per_replica")
    if ratio is not None and not 0 <= ratio <= 1:
        raise refuse("is not between 0 and 1", "stop_rule_ratio")
    if peak is not None and (peak < 0 or math.isinf(peak)):
        raise refuse("is not a load of 0 or more", "peak_demand")
    if metric not in MEASURED_METRICS and peak is None:
        known = ", ".join(MEASURED_METRICS)
        raise refuse(f"is not measured here ({known} are): give its peak_demand", "metric")
    return LoadTest(
        workload=WorkloadKey(
            cluster,
            str(row["namespace"]),
            str(row["workload_kind"] or "Deployment"),
            str(row["workload_name"]),
        ),
        metric=metric,
        tested_at=tested_at,
        capacity_per_replica=capacity,
        unit=str(row["unit"] or MEASURED_METRICS.get(metric, metric)),
        service_level=str(row["service_level"]),
        stop_rule_ratio=ratio,
        peak_demand=peak,
        source_file=Path(file).name,
        source_row=number,
    )


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
