"""One broken replica, or pods of an old revision, do not move the advice of their workload."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import Container, constant, observed

from models.vocabulary.recommendation import Recommendation
from models.vocabulary.windows import HOUR
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.judging import judge_cluster
from service.usecases.profiles import build_histograms

START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 15 * 24
END = START + HOURS * HOUR


def wave(hours: np.ndarray) -> np.ndarray:
    return 0.5 + 0.2 * np.sin(hours / 24 * 2 * np.pi)


def replicas(workload: str, count: int, cpu_of_the_first: float) -> list[Container]:
    plain = Container(workload=workload, cpu=wave, cpu_request=4.0)
    hot = replace(plain, cpu=lambda h: cpu_of_the_first * wave(h))
    return [replace(hot if number == 0 else plain, pod_offset=number) for number in range(count)]


@pytest.fixture(scope="module")
def advised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Recommendation]]:
    home: Path = tmp_path_factory.mktemp("outliers")
    runtime = Runtime.for_test(home, now=END)
    old = Container(workload="redeployed", cpu=constant(3.0), cpu_request=4.0, revision="a", last_hour=145)
    containers = [
        *replicas("even", 20, 1.0),
        *replicas("odd", 20, 10.0),
        replace(old, last_hour=200),
        replace(old, cpu=wave, revision="b", first_hour=144, last_hour=None, pods=3),
        replace(old, cpu=wave, workload="fresh", revision="b", first_hour=144, last_hour=None, pods=3),
    ]
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(containers, ["node-1"], START, HOURS), held.lease)
    build_histograms(runtime)
    answers = judge_cluster(runtime, "alpha", END).answers
    yield {said.key.workload.name: said for said in answers if isinstance(said, Recommendation)}
    runtime.warehouse.close()


def test_one_of_twenty_replicas_at_ten_times_the_rest_changes_nothing(
    advised: dict[str, Recommendation],
) -> None:
    even, odd = advised["even"].advised, advised["odd"].advised
    assert odd.cpu_request_cores == pytest.approx(even.cpu_request_cores, rel=0.05)
    assert odd.memory_request_bytes == even.memory_request_bytes


def test_pods_of_the_old_revision_neither_raise_nor_lower_the_advice(
    advised: dict[str, Recommendation],
) -> None:
    lingering, fresh = advised["redeployed"].advised, advised["fresh"].advised
    assert lingering.cpu_request_cores == pytest.approx(fresh.cpu_request_cores, rel=0.05)
