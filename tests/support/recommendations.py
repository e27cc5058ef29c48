"""Suggestions and runs of a policy for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from support.warehouse import NOON

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import (
    GuardRail,
    NoRecommendation,
    Recommendation,
    ResourceValues,
    SilenceReason,
    StatedRisk,
)
from warehouse.database.recommendations import RecommendationRun


def workload(cluster: str = "alpha") -> WorkloadKey:
    """Return the workload of every suggestion here; team shop owns it."""
    return WorkloadKey(cluster, "shop", "Deployment", "web")


def suggestion(*, cluster: str = "alpha", cpu: float = 0.5) -> Recommendation:
    """Return a suggestion to lower a container's CPU request to a value in cores."""
    return Recommendation(
        key=ContainerKey(workload(cluster), "app"),
        policy="millicore",
        risk_class="balanced",
        as_of=NOON,
        current=ResourceValues(1.0, None, 2.0**31, 2.0**31),
        advised=ResourceValues(cpu, None, 2.0**30, 2.0**31),
        replica_count_mean=3.0,
        requested_saving_per_month=Decimal("12.345678901"),
        currency="EUR",
        risk=StatedRisk(0.01, 0.0, 2016, 7, "about one slow minute a day"),
        guard_rails=(GuardRail("floor", "cpu", 0.01, 0.025, "never below 25m"),),
        statistic="p95",
        window_start=NOON - timedelta(days=7),
        window_end=NOON,
        sample_count=2016,
        sample_coverage_ratio=0.99,
        confidence=0.9,
        explanation="p95 of 7 days plus 15 %",
    )


def run_of(
    *recommendations: Recommendation, clusters: tuple[str, ...] = ("alpha",), as_of: datetime = NOON
) -> RecommendationRun:
    """Return a run over clusters; without suggestions it is silent about the container of alpha."""
    silence = NoRecommendation(
        ContainerKey(workload(), "app"), "millicore", as_of, SilenceReason.TOO_LITTLE_HISTORY, "3 of 7 days"
    )
    return RecommendationRun(
        policy="millicore",
        as_of=as_of,
        clusters=clusters,
        recommendations=recommendations,
        silences=() if recommendations else (silence,),
        teams={workload(cluster): "shop" for cluster in ("alpha", "beta")},
    )
