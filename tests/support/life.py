"""Suggestions and hours that show what became of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from support.container_usage import GIB, Container, constant, observed

from models.pricing.price_list import PriceRow
from models.vocabulary.identity import ContainerKey, Principal, Role, WorkloadKey
from models.vocabulary.recommendation import Recommendation, ResourceValues, StatedRisk
from models.vocabulary.windows import HOUR
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.profiles import build_histograms
from warehouse.database.recommendations import RecommendationRun, StoredRecommendation
from warehouse.lake.tables import TABLES

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))
OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
STRANGER = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
FINANCE = Principal("fin", frozenset({Role.FINANCE}))
NOBODY = Principal("nobody")

BEFORE = datetime(2026, 9, 7, tzinfo=UTC)
DAYS_BEFORE = 8
MADE = BEFORE + timedelta(days=DAYS_BEFORE)
"""When suggestions here are made: after eight days of hours with the old values."""

OLD = ResourceValues(1.0, None, GIB, GIB)
WANTED = ResourceValues(0.5, None, GIB / 2, GIB / 2)
RAISED = ResourceValues(1.5, None, 2 * GIB, 2 * GIB)


def key_of(name: str = "web", cluster: str = "alpha", kind: str = "Deployment") -> ContainerKey:
    """Return the container ``app`` of a workload in the namespace shop."""
    return ContainerKey(WorkloadKey(cluster, "shop", kind, name), "app")


def advice(
    name: str = "web",
    *,
    cluster: str = "alpha",
    old: ResourceValues = OLD,
    advised: ResourceValues = WANTED,
    as_of: datetime = MADE,
    saving: str | None = "10",
    kind: str = "Deployment",
) -> Recommendation:
    """Return a suggestion for one container of two replicas."""
    return Recommendation(
        key=key_of(name, cluster, kind),
        policy="millicore-1",
        risk_class="balanced",
        as_of=as_of,
        current=old,
        advised=advised,
        replica_count_mean=2.0,
        requested_saving_per_month=None if saving is None else Decimal(saving),
        currency="EUR",
        risk=StatedRisk(0.001, 0.0, 2016, 7, "one slow minute a day"),
        guard_rails=(),
        statistic="p95",
        window_start=as_of - timedelta(days=7),
        window_end=as_of,
        sample_count=2016,
        sample_coverage_ratio=1.0,
        confidence=0.9,
        explanation="p95 of 7 days plus 15 %",
    )


def pods(values: ResourceValues, name: str = "web", **fields: object) -> Container:
    """Return a container of two pods that runs with some values and uses little."""
    plain = Container(
        workload=name,
        cpu=constant(0.1),
        memory=constant(GIB / 8),
        cpu_request=values.cpu_request_cores,
        cpu_limit=values.cpu_limit_cores,
        memory_request=values.memory_request_bytes,
        memory_limit=values.memory_limit_bytes,
        pods=2,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def record(
    runtime: Runtime, containers: Sequence[Container], start: datetime, hours: int, cluster: str = "alpha"
) -> datetime:
    """Record hours as ingest does, and return their end."""
    runtime.warehouse.clusters.register(cluster)
    with holding(runtime, cluster) as held:
        window = observed(list(containers), ["node-1"], start, hours, cluster)
        runtime.warehouse.record(window, held.lease)
    return start + hours * HOUR


def save(
    runtime: Runtime,
    *recommendations: Recommendation,
    at: datetime = MADE,
    clusters: tuple[str, ...] = ("alpha",),
) -> None:
    """Store a run of the policy; team shop owns everything."""
    teams: dict[WorkloadKey, str | None] = {one.key.workload: "shop" for one in recommendations}
    runtime.warehouse.recommendations.save_run(
        RecommendationRun("millicore-1", at, clusters, recommendations, (), teams)
    )


def only(runtime: Runtime, name: str = "web") -> StoredRecommendation:
    """Return the one suggestion of a workload."""
    (found,) = (
        one
        for one in runtime.warehouse.recommendations.list(PLATFORM)
        if one.recommendation.key.workload.name == name
    )
    return found


def states(runtime: Runtime, recommendation_id: str) -> list[str]:
    """Return the states of a suggestion's events, oldest first."""
    return [str(event.state) for event in runtime.warehouse.recommendations.events(recommendation_id)]


def priced_world(home: Path) -> Runtime:
    """Return eight days of one workload with the old values, priced and allocated; a suggestion is made."""
    runtime = Runtime.for_test(home, now=MADE, reporting_currency="EUR")
    record(runtime, [pods(OLD)], BEFORE, DAYS_BEFORE * 24)
    runtime.warehouse.prices.replace(
        [PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), BEFORE - timedelta(days=30))]
    )
    allocate(runtime)
    build_histograms(runtime)
    save(runtime, advice())
    return runtime


def copied_world(template: Path, home: Path) -> Runtime:
    """Return a world of one's own, copied from a folder that `priced_world` filled."""
    shutil.copytree(template, home)
    return Runtime.for_test(home, now=MADE, reporting_currency="EUR")


def store_object(
    runtime: Runtime, kind: str, name: str, spec: Mapping[str, Any], *, since: datetime = BEFORE
) -> None:
    """Add one object of the namespace shop of cluster alpha, valid from an instant on."""
    kinds = TABLES["object_history"].columns
    row = {
        "cluster": "alpha",
        "month": f"{since:%Y-%m}",
        "kind": kind,
        "namespace": "shop",
        "name": name,
        "uid": f"{kind}-{name}",
        "valid_from": since,
        "spec": json.dumps(spec),
        "spec_hash": "1",
        "observed_by": "test",
    }
    table = pa.table({column: pa.array([value], kinds[column]) for column, value in row.items()})
    runtime.warehouse.lake.add_absent("object_history", table)
