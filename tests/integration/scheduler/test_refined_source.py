"""Hours made exact by the inventory, from the wire of the API to the lake: short pods, and a bounded read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from support.kubernetes_api import api_server
from support.kubernetes_inventory import inventory_of
from support.kubernetes_objects import at, node, pod, replicaset
from support.sources import SteadySource

from ingest.kubernetes.history import ObjectHistory
from ingest.kubernetes.refine import refine_hours
from models.vocabulary.windows import HourWindow
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.inventory import INVENTORY_JOB, RefinedSource, read_history, store_inventory

CPU_REQUEST_CORES = 0.5


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, now=at(60))
    made.warehouse.clusters.register("prod")
    yield made
    made.warehouse.close()


def store(runtime: Runtime, history: ObjectHistory) -> None:
    with holding(runtime, "prod", INVENTORY_JOB) as held:
        store_inventory(runtime, history.take(), held.lease)


def test_pods_that_lived_between_two_scrapes_are_charged_for_their_exact_seconds(runtime: Runtime) -> None:
    lives = {f"tick-{n}": (at(30, minutes=3 * n, seconds=7), 10.0 + n % 31) for n in range(20)}
    pods = [
        pod(
            name,
            scheduled=start,
            runs={"main": [(start, start + timedelta(seconds=seconds), None)]},
            phase="Succeeded",
        )
        for name, (start, seconds) in lives.items()
    ]
    with api_server(node(), replicaset(), *pods) as server:
        inventory = inventory_of(server)
        rows = inventory.snapshot()
        inventory.close()
    with holding(runtime, "prod", INVENTORY_JOB) as held:
        store_inventory(runtime, rows, held.lease)
    source = RefinedSource(runtime, SteadySource(first=at()))
    observed = source.observe("prod", HourWindow(at(30), at(31)))
    billed = observed.tables["container_hour"].to_pandas()
    billed = billed[billed["pod"].str.startswith("tick-")]
    truth = sum(seconds for _, seconds in lives.values()) * CPU_REQUEST_CORES
    assert billed["cpu_request_core_seconds"].sum() == pytest.approx(truth, rel=0.01)
    assert len(billed) == len(lives)


def long_history() -> ObjectHistory:
    history = ObjectHistory("prod")
    history.see("Node", node(), at(0))
    history.see("ReplicaSet", replicaset(), at(0))
    history.see("Pod", pod("web-6c9-stays"), at(0))
    for hour in range(48):
        history.confirm(at(hour))
        start = at(hour, minutes=5)
        short = pod(f"web-6c9-{hour}", scheduled=start, runs={"main": [(start, None, None)]})
        history.see("Pod", short, at(hour, minutes=6))
        history.see_gone("Pod", short, at(hour, minutes=50))
    history.confirm(at(49))
    return history


def test_only_versions_that_can_matter_are_read_and_give_the_same_hours(runtime: Runtime) -> None:
    store(runtime, long_history())
    window = HourWindow(at(45), at(48))
    everything = runtime.warehouse.lake.scan("object_history", cluster="prod")
    read = read_history(runtime, "prod", window)
    pods = set(read.filter(pa.compute.equal(read["kind"], "Pod"))["name"].to_pylist())
    assert pods == {"web-6c9-stays", "web-6c9-45", "web-6c9-46", "web-6c9-47"}
    seen = SteadySource(first=at()).observe("prod", window)
    assert refine_hours(seen, read) == refine_hours(seen, everything)


def test_an_hour_has_one_hash_in_whatever_window_it_is_read(runtime: Runtime) -> None:
    store(runtime, long_history())
    source = RefinedSource(runtime, SteadySource(first=at()))
    whole = source.observe("prod", HourWindow(at(40), at(48)))
    parts = [source.observe("prod", HourWindow.of_hour(hour)) for hour in whole.window.hours()]
    assert [part.hours[0].input_hash for part in parts] == [report.input_hash for report in whole.hours]
