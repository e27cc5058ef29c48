"""The inventory over the wire: pages, watches, and everything that goes wrong with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.kubernetes_api import ApiServer, Fault, api_server, read_recordings
from support.kubernetes_inventory import NODES_AND_PODS, following, inventory_of, kinds, settings, wait_until
from support.kubernetes_objects import at, claim, node, pod, replicaset, service, volume

from ingest.kubernetes.history import InventoryRows
from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.resources import RESOURCES
from ingest.kubernetes.settings import KubernetesSettings
from ingest.simulated.api_objects import api_objects
from models.simulation.life import build_timeline
from models.simulation.presets import build_scenario
from models.vocabulary.errors import SourceRefused, SourceUnreachable
from warehouse.lake.observed_tables import LABEL_SET, OBJECT_HISTORY


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server(node(), replicaset(), *(pod(f"web-6c9-{i:03d}") for i in range(25))) as server:
        yield server


def test_a_snapshot_reads_every_page_of_every_resource_once(server: ApiServer) -> None:
    found = kinds(inventory_of(server).snapshot())
    assert found == {"Node": 1, "Pod": 25, "ReplicaSet": 1, "Inventory": 1}
    assert [request.limit for request in server.requests if request.resource == "pods"] == [10, 10, 10]
    assert server.count("list", "nodes") == 1
    assert all(request.resource_version is None for request in server.requests)
    assert {request.resource for request in server.requests} == {resource.plural for resource in RESOURCES}


def test_volumes_claims_and_load_balancers_are_read_and_their_end_is_seen() -> None:
    with api_server(node(), volume(), claim(), service(), service("inner", kind="ClusterIP")) as server:
        inventory = inventory_of(server)
        found = kinds(inventory.snapshot())
        assert found == {
            "Node": 1,
            "PersistentVolume": 1,
            "PersistentVolumeClaim": 1,
            "Service": 1,
            "Inventory": 1,
        }
        server.delete("persistentvolumes", "pv-1", "")
        (row,) = (
            row
            for row in inventory.snapshot().object_history.to_pylist()
            if row["kind"] == "PersistentVolume"
        )
    assert row["valid_to"] is not None


def test_secrets_and_configmaps_are_never_read(server: ApiServer) -> None:
    inventory_of(server).snapshot()
    assert server.count(resource="secrets") == server.count(resource="configmaps") == 0


def test_a_second_snapshot_of_an_unchanged_cluster_adds_nothing(server: ApiServer) -> None:
    first = inventory_of(server).snapshot()
    again = inventory_of(server)
    again.remember(first.object_history, first.label_set)
    rows = again.snapshot()
    assert kinds(rows) == {"Inventory": 1}
    assert rows.label_set.num_rows == 0


def test_an_expired_continue_token_restarts_the_list_without_mixing_snapshots(server: ApiServer) -> None:
    inventory = KubernetesInventory(settings(server), "prod", NODES_AND_PODS)
    compacting = Compacting(server, after=1)
    with compacting:
        rows = inventory.snapshot()
    assert compacting.times == 1
    names = [row["name"] for row in rows.object_history.to_pylist() if row["kind"] == "Pod"]
    assert len(names) == len(set(names)) == 25
    assert "web-6c9-000" not in names, "the pod deleted between the pages must not come from the old snapshot"
    assert "web-6c9-new" in names
    assert [request.status for request in server.requests if request.resource == "pods"] == [200, 410] + [
        200
    ] * 3


def test_a_list_that_expires_twice_is_given_up_with_the_remedy(server: ApiServer) -> None:
    server.faults.append(Fault("list", "pods", status=410, times=2))
    with pytest.raises(SourceUnreachable, match=r"expired twice.*page_size"):
        inventory_of(server).snapshot()


class Compacting:
    """Changes and compacts the store between two pages."""

    def __init__(self, server: ApiServer, after: int) -> None:
        self.server, self.after, self.times = server, after, 0

    def __enter__(self) -> None:
        self.original = self.server.list

        def listing(call: Any) -> Any:
            page = self.original(call)
            if call.resource.plural == "pods" and page.continue_token and not self.times:
                self.times += 1
                self.server.delete("pods", "web-6c9-000", "shop")
                self.server.put(pod("web-6c9-new"))
                self.server.store.compact()
            return page

        self.server.list = listing  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        self.server.list = self.original  # type: ignore[method-assign]


def test_forbidden_pods_stop_and_name_the_missing_right(server: ApiServer) -> None:
    server.rules["tester"] = {("list", "nodes"), ("watch", "nodes")}
    with pytest.raises(SourceRefused, match="grant get, list and watch on pods"):
        inventory_of(server).snapshot()


def test_other_forbidden_resources_are_left_out_by_name(server: ApiServer) -> None:
    server.rules["tester"] = {(verb, name) for verb in ("list", "watch") for name in ("nodes", "pods")}
    inventory = inventory_of(server)
    assert kinds(inventory.snapshot()) == {"Node": 1, "Pod": 25, "Inventory": 1}
    missing = inventory.state.missing
    assert set(missing) == {resource.kind for resource in RESOURCES} - {"Node", "Pod"}
    assert missing["PersistentVolume"].startswith("volumes are not costed")


def test_half_a_cluster_is_kept_aside_until_a_second_list_agrees(server: ApiServer) -> None:
    inventory = inventory_of(server)
    inventory.snapshot()
    for number in range(20):
        server.delete("pods", f"web-6c9-{number:03d}", "shop")
    assert kinds(inventory.snapshot()) == {"InventoryDoubt": 1}
    assert inventory.state.suspicious == ("Pod",)
    rows = inventory.snapshot()
    assert sum(row["valid_to"] is not None for row in rows.object_history.to_pylist()) == 20
    assert inventory.state.suspicious == ()


def test_half_a_cluster_is_believed_when_the_next_run_sees_it_too(server: ApiServer) -> None:
    stored = inventory_of(server).snapshot().object_history
    for number in range(20):
        server.delete("pods", f"web-6c9-{number:03d}", "shop")
    gone = []
    for _ in range(3):
        inventory = inventory_of(server)
        inventory.remember(stored)
        rows = inventory.snapshot().object_history
        gone.append(sum(row["valid_to"] is not None for row in rows.to_pylist()))
        stored = pa.concat_tables([stored, rows])
    assert gone == [0, 20, 0]


def test_malformed_objects_are_skipped_and_named(server: ApiServer) -> None:
    bad = pod("bad", cpu="12x")
    server.put(bad)
    inventory = inventory_of(server)
    assert kinds(inventory.snapshot())["Pod"] == 25
    assert "'12x'" in inventory.state.malformed["Pod shop/bad"]


def named(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["name"] == name]


def test_changes_arrive_without_another_list(server: ApiServer) -> None:
    with following(server) as (_, rows):
        server.put(pod("web-6c9-late"))
        wait_until(lambda: bool(named(rows, "web-6c9-late")))
        server.delete("pods", "web-6c9-late", "shop")
        wait_until(lambda: any(row["valid_to"] for row in named(rows, "web-6c9-late")))
    assert server.count("list", "pods") == 3  # three pages
    assert server.count("list", "nodes") == 1


def test_a_dropped_watch_resumes_where_it_was_and_misses_nothing(server: ApiServer) -> None:
    server.faults.append(Fault("watch", "pods", drop_after_events=1))
    with following(server) as (_, rows):
        for number in range(5):
            server.put(pod(f"late-{number}"))
        wait_until(lambda: all(named(rows, f"late-{number}") for number in range(5)))
    assert server.count("list", "pods") == 3
    assert server.count("watch", "pods") >= 2
    assert all(len(named(rows, f"late-{number}")) == 1 for number in range(5))


def test_watches_that_time_out_go_on_from_the_last_bookmark(server: ApiServer) -> None:
    with following(server, watch_timeout_seconds=1) as (_, rows):
        # nothing happens to pods; only the bookmark carries their watch past the compaction
        server.put(node("n2"))
        present = server.store.version
        wait_until(lambda: any(int(version or 0) >= present for version in watched_versions(server)))
        server.store.compact()
        server.put(pod("late"))
        wait_until(lambda: bool(named(rows, "late")))
    assert server.count("list", "pods") == 3


def watched_versions(server: ApiServer) -> list[str | None]:
    return [r.resource_version for r in server.requests if r.verb == "watch" and r.resource == "pods"]


def test_an_expired_watch_lists_again_exactly_once(server: ApiServer) -> None:
    with following(server) as (_, rows):
        with server.store.changed:
            server.delete("pods", "web-6c9-003", "shop")
            server.store.compact()
            server.store.changed.notify_all()
        wait_until(lambda: server.count("list", "pods") >= 6)
        server.put(pod("after"))
        wait_until(lambda: bool(named(rows, "after")))
    assert server.count("list", "pods") == 6
    assert "is_gone_time_inferred" in named(rows, "web-6c9-003")[-1]["spec"]


def test_a_steady_cluster_is_never_listed_again(server: ApiServer) -> None:
    """24 hours in fast motion: 288 watches of 5 minutes need no list and 12 requests an hour and resource."""
    with following(server, watch_timeout_seconds=1):
        wait_until(lambda: server.count("watch", "pods") >= 4)
    assert server.count("list", "nodes") == 1
    assert server.count("list", "pods") == 3
    assert KubernetesSettings(server="http://x").watch_timeout_seconds == 300


def test_what_the_receiver_raises_ends_the_watch(server: ApiServer) -> None:
    def refuse(_: InventoryRows) -> None:
        raise SourceUnreachable("the lake is full")

    inventory = KubernetesInventory(settings(server), "prod", NODES_AND_PODS)
    with pytest.raises(SourceUnreachable, match="the lake is full"):
        inventory.follow(refuse, threading.Event())
    wait_until(lambda: server.open_watches == 0)


def test_forbidden_pods_end_the_watch_with_the_missing_right(server: ApiServer) -> None:
    server.rules["tester"] = {("*", "nodes"), ("list", "pods")}
    inventory = KubernetesInventory(settings(server), "prod", NODES_AND_PODS)
    with pytest.raises(SourceRefused, match="forbids to watch pods"):
        inventory.follow(lambda _: None, threading.Event())


def test_rows_fit_the_lake(server: ApiServer) -> None:
    rows = inventory_of(server).snapshot()
    assert rows.object_history.schema.equals(OBJECT_HISTORY.schema)
    assert rows.label_set.schema.equals(LABEL_SET.schema)
    keys = rows.object_history.select(list(OBJECT_HISTORY.key)).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == len(keys)
    assert isinstance(rows.object_history, pa.Table)
    assert min(rows.object_history["valid_from"].to_pylist()) == at()


def test_the_recorded_cluster_is_read_with_what_its_reader_may_see(shared_data: Path) -> None:
    bodies = [recording.body for recording in read_recordings(shared_data) if recording.status == 200]
    lists = [
        body
        for body in bodies
        if isinstance(body, dict) and re.fullmatch(r"(?!Partial)\w+List", body.get("kind", ""))
    ]
    with api_server(*lists) as server:
        server.rules["tester"] = {
            (verb, resource.plural)
            for verb in ("get", "list", "watch")
            for resource in RESOURCES
            if resource.kind not in ("PodDisruptionBudget", "PersistentVolume")
        }
        inventory = inventory_of(server)
        rows = inventory.snapshot()
    assert inventory.state.malformed == {}
    assert set(inventory.state.missing) == {"PodDisruptionBudget", "PersistentVolume"}
    found = kinds(rows)
    assert found["Pod"] == 40
    assert {"Node", "Namespace", "Deployment", "CronJob", "Job", "HorizontalPodAutoscaler"} <= set(found)


def test_simulated_objects_can_be_served_and_read() -> None:
    scenario = build_scenario("fortnight", seed=1, pods=60, days=1)
    timeline = build_timeline(scenario, scenario.clusters[0])
    lists = api_objects(timeline, timeline.end - 3600)
    with api_server(*({"kind": f"{kind}List", "items": items} for kind, items in lists.items())) as server:
        inventory = inventory_of(server)
        rows = inventory.snapshot()
    assert inventory.state.malformed == {}
    found = kinds(rows)
    assert found.pop("Inventory") == 1
    assert found == {kind: len(items) for kind, items in lists.items() if items}
