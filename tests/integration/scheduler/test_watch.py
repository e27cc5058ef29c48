"""The watch of a cluster's API as the scheduler runs it: into the lake, under its lease."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.kubernetes_api import TOKEN, ApiServer, Fault, api_server
from support.kubernetes_objects import node, pod, replicaset

from service.leasing import holding
from service.runtime import Runtime
from service.scheduler.clock import Backoff
from service.scheduler.watch import ClusterWatch
from service.usecases.inventory import INVENTORY_JOB, refresh_inventory

PATIENCE = 20.0
QUICK = Backoff(timedelta(seconds=0.05), timedelta(seconds=0.1))


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server(node(), replicaset(), *(pod(f"web-6c9-{number}") for number in range(3))) as server:
        yield server


@pytest.fixture
def runtime(server: ApiServer, tmp_path: Path) -> Iterator[Runtime]:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "clusters": [{"name": "test", "cluster": {"server": server.url}}],
        "users": [{"name": "test", "user": {"token": TOKEN}}],
    }
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(content))
    clusters = [{"name": "prod", "kubeconfig": str(kubeconfig)}]
    made = Runtime.for_test(tmp_path / "home", clusters=clusters, lease_ttl_seconds=5)
    made.warehouse.clusters.register("prod")
    yield made
    made.warehouse.close()


@pytest.fixture
def watch(runtime: Runtime) -> Iterator[ClusterWatch]:
    made = ClusterWatch(runtime, runtime.settings.clusters[0], batch_seconds=0.05, backoff=QUICK)
    made.start()
    yield made
    made.stop()


def versions(runtime: Runtime, name: str = "", kind: str = "Pod") -> list[dict[str, Any]]:
    rows = runtime.warehouse.lake.scan("object_history", cluster="prod").to_pylist()
    return [row for row in rows if row["kind"] == kind and name in row["name"]]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)


def test_what_comes_and_goes_is_stored_without_another_list(
    runtime: Runtime, server: ApiServer, watch: ClusterWatch
) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    server.put(pod("web-6c9-late"))
    wait_for(lambda: versions(runtime, "late"))
    server.delete("pods", "web-6c9-late", "shop")
    wait_for(lambda: any(row["valid_to"] for row in versions(runtime, "late")))
    assert server.count("list", "pods") == server.count("list", "nodes") == 1
    assert watch.failure_count == 0


def test_an_ingest_of_the_same_process_leaves_the_watch_alone(
    runtime: Runtime, server: ApiServer, watch: ClusterWatch
) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    assert refresh_inventory(runtime, runtime.settings.clusters[0]) == ()
    server.put(pod("web-6c9-late"))
    wait_for(lambda: versions(runtime, "late"))
    assert server.count("list", "pods") == 1
    assert watch.failure_count == 0


def test_a_cluster_in_which_nothing_happens_keeps_the_lease_of_its_watch(
    runtime: Runtime, server: ApiServer, watch: ClusterWatch
) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    time.sleep(runtime.settings.lease_ttl_seconds + 1.0)
    assert refresh_inventory(runtime, runtime.settings.clusters[0]) == ()
    assert (server.count("list", "pods"), watch.failure_count) == (1, 0)


def test_a_broken_and_an_expired_watch_lose_nothing(
    runtime: Runtime, server: ApiServer, watch: ClusterWatch
) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    server.faults.append(Fault("watch", "pods", drop_after_events=1))
    for number in range(3):
        server.put(pod(f"more-{number}"))
    wait_for(lambda: len(versions(runtime, "more")) == 3)
    with server.store.changed:
        server.delete("pods", "web-6c9-0", "shop")
        server.store.compact()
        server.store.changed.notify_all()
    wait_for(lambda: any(row["valid_to"] for row in versions(runtime, "web-6c9-0")))
    assert server.count("list", "pods") <= 2
    assert watch.failure_count == 0


def test_what_may_not_be_read_is_left_out_and_the_rest_is_watched(
    runtime: Runtime, server: ApiServer
) -> None:
    server.rules["tester"] = {("*", "nodes"), ("*", "pods"), ("*", "namespaces")}
    watch = ClusterWatch(runtime, runtime.settings.clusters[0], batch_seconds=0.05, backoff=QUICK)
    watch.start()
    try:
        wait_for(lambda: len(versions(runtime)) == 3)
        server.put(pod("late"))
        wait_for(lambda: versions(runtime, "late"))
    finally:
        watch.stop()
    assert versions(runtime, kind="ReplicaSet") == []
    assert watch.failure_count == 0


def test_a_watch_that_lost_its_lease_ends_its_round_and_begins_anew(
    runtime: Runtime, server: ApiServer, watch: ClusterWatch
) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    leases = runtime.warehouse.leases
    with holding(runtime, "other", INVENTORY_JOB):
        held = leases.current(INVENTORY_JOB, "prod", runtime.now())
    assert held is not None
    leases.release(held)
    wait_for(lambda: watch.failure_count)
    server.put(pod("late"))
    wait_for(lambda: versions(runtime, "late"))


def test_threads_end_with_the_watch(runtime: Runtime, server: ApiServer, watch: ClusterWatch) -> None:
    wait_for(lambda: len(versions(runtime)) == 3)
    watch.stop()
    assert not [thread.name for thread in threading.enumerate() if "prod" in thread.name]
    wait_for(lambda: server.open_watches == 0)
