from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from support.kubernetes_objects import at, claim, mounting, node, pod, replicaset, service, volume

from ingest.kubernetes.history import ObjectHistory
from ingest.kubernetes.refine import refine_hours
from models.vocabulary.windows import HourWindow
from warehouse.lake.observed_tables import VOLUME_HOUR
from warehouse.lake.tables import TABLES
from warehouse.observed import HourReport, ObservedWindow, WindowState

JsonObject = dict[str, Any]
WINDOW = HourWindow(at(1), at(3))
SETTLED = at(4)
GIB = 2**30


def observed(**tables: list[JsonObject]) -> ObservedWindow:
    found = {}
    for name in ("container_hour", "pod_hour", "node_hour", *tables):
        rows = [{"cluster": "prod", "day": at().date(), **row} for row in tables.get(name, [])]
        found[name] = pa.Table.from_pylist(rows, schema=TABLES[name].schema)
    hours = tuple(HourReport(hour, WindowState.COMPLETE, 0.9, 0, "abc") for hour in WINDOW.hours())
    return ObservedWindow("prod", "prometheus", WINDOW, found, hours)


def refined(
    history: ObjectHistory, seen: ObservedWindow | None = None, until: datetime = SETTLED
) -> ObservedWindow:
    history.confirm(until)
    return refine_hours(seen or observed(), history.take().object_history)


def rows(window: ObservedWindow, table: str) -> list[JsonObject]:
    found: list[JsonObject] = window.tables[table].to_pylist()
    return found


@pytest.fixture
def history() -> ObjectHistory:
    history = ObjectHistory("prod")
    history.confirm(at(0))
    history.see("Node", node(), at(0))
    history.see("ReplicaSet", replicaset(), at(0))
    return history


def test_a_volume_exists_from_its_creation_to_its_deletion_to_the_second(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(created=at(1, 10, 30)), at(1, 11))
    history.see_gone("PersistentVolume", volume(created=at(1, 10, 30)), at(2, 20))
    first, second = rows(refined(history), "volume_hour")
    assert (first["running_seconds"], second["running_seconds"]) == (2970.0, 1200.0)
    assert (first["claim_namespace"], first["claim"]) == ("shop", "data")
    assert (first["storage_class"], first["provider_id"]) == ("gp3", "vol-pv-1")
    assert (first["region"], first["zone"]) == ("eu-west-1", "eu-west-1a")
    assert first["capacity_bytes"] == 20 * GIB
    assert first["used_bytes"] is None


def test_a_volume_that_grows_counts_each_size_by_its_seconds(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(), at(0))
    history.see("PersistentVolume", volume(size="60Gi"), at(1, 45))
    first, second = rows(refined(history), "volume_hour")
    assert first["capacity_bytes"] == 30 * GIB
    assert second["capacity_bytes"] == 60 * GIB


def test_what_only_metrics_tell_of_a_volume_stays(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(), at(0))
    seen = {"hour": at(1), "volume": "pv-1", "used_bytes": 7.0, "running_seconds": 3300.0}
    first, second = rows(refined(history, observed(volume_hour=[seen])), "volume_hour")
    assert (first["used_bytes"], first["running_seconds"]) == (7.0, 3600.0)
    assert (second["used_bytes"], second["running_seconds"]) == (None, 3600.0)


def test_a_pod_holds_a_volume_from_scheduling_to_termination(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(), at(0))
    history.see("PersistentVolumeClaim", claim(), at(0))
    started, ended = at(1, minutes=10), at(1, minutes=40)
    done = pod("p", scheduled=started, runs={"main": [(started, ended, None)]}, phase="Succeeded")
    history.see("Pod", mounting(done, "data"), at(1, minutes=41))
    history.see("Pod", mounting(pod("q", scheduled=at(2, minutes=50)), "data"), at(2, minutes=50))
    found = rows(refined(history), "volume_mount_hour")
    assert [(row["hour"], row["pod_uid"], row["mounted_seconds"]) for row in found] == [
        (at(1), "uid-p", 1800.0),
        (at(2), "uid-q", 600.0),
    ]
    assert [(row["first_mounted_at"], row["last_mounted_at"]) for row in found] == [
        (started, ended),
        (at(2, minutes=50), at(3)),
    ]


def test_a_released_volume_is_mounted_by_nobody(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume("pv-old"), at(0))
    history.see("PersistentVolume", volume("pv-new"), at(0))
    history.see("PersistentVolumeClaim", claim(bound_to="pv-new"), at(0))
    history.see("Pod", mounting(pod("p", scheduled=at(0)), "data"), at(0))
    assert {row["volume"] for row in rows(refined(history), "volume_mount_hour")} == {"pv-new"}


def test_a_claim_of_a_pod_s_own_is_named_after_pod_and_volume(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(claim=("shop", "p-scratch")), at(0))
    own = pod("p", scheduled=at(0))
    own["spec"]["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}]
    history.see("Pod", own, at(0))
    assert [row["pod"] for row in rows(refined(history), "volume_mount_hour")] == ["p", "p"]


def test_a_load_balancer_exists_as_long_as_its_service(history: ObjectHistory) -> None:
    history.see("Service", service(created=at(1, 15)), at(1, 15))
    history.see("Service", service("inner", kind="ClusterIP"), at(0))
    history.see_gone("Service", service(created=at(1, 15)), at(2, 30))
    found = rows(refined(history), "load_balancer_hour")
    assert [(row["load_balancer"], row["running_seconds"]) for row in found] == [
        ("shop/public", 2700.0),
        ("shop/public", 1800.0),
    ]
    assert (found[0]["provider_id"], found[0]["load_balancer_type"]) == ("a1.elb.amazonaws.com", "nlb")


def test_hours_after_the_last_contact_stay_as_observed(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(), at(0))
    seen = {"hour": at(2), "volume": "pv-1", "running_seconds": 3300.0}
    found = refined(history, observed(volume_hour=[seen]), until=at(2, minutes=30))
    assert [row["running_seconds"] for row in rows(found, "volume_hour")] == [3600.0, 3300.0]


def test_assets_of_the_same_inputs_are_the_same_however_often_refined(history: ObjectHistory) -> None:
    history.see("PersistentVolume", volume(), at(0))
    history.see("Service", service(), at(0))
    history.see("Pod", mounting(pod("p", scheduled=at(0)), "data"), at(0))
    history.confirm(at(4))
    stored = history.take().object_history
    once = refine_hours(observed(), stored)
    again = refine_hours(once, stored)
    for name, table in once.tables.items():
        assert table.equals(again.tables[name]), name


def test_without_volumes_in_the_inventory_observed_ones_stand(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    seen = observed(volume_hour=[{"hour": at(1), "volume": "pv-1", "running_seconds": 60.0}])
    assert refined(history, seen).tables["volume_hour"] == seen.tables["volume_hour"]
    assert VOLUME_HOUR.name not in refined(history).tables


def test_a_pod_on_its_host_s_network_has_no_bytes_of_its_own(history: ObjectHistory) -> None:
    on_host = pod("p", scheduled=at(0))
    on_host["spec"]["hostNetwork"] = True
    history.see("Pod", on_host, at(0))
    history.see("Pod", pod("q", scheduled=at(0)), at(0))
    seen = [{"hour": at(1), "pod_uid": f"uid-{name}", "network_transmit_bytes": 5.0} for name in ("p", "q")]
    found = {
        row["pod"] or row["pod_uid"]: row
        for row in rows(refined(history, observed(pod_hour=seen)), "pod_hour")
    }
    by_uid = {row["pod_uid"]: row for row in found.values() if row["hour"] == at(1)}
    own, other = by_uid["uid-p"], by_uid["uid-q"]
    assert (own["network_transmit_bytes"], own["is_host_network"]) == (None, True)
    assert (other["network_transmit_bytes"], other["is_host_network"]) == (5.0, False)


def test_a_request_resized_in_place_counts_each_size_by_its_seconds(history: ObjectHistory) -> None:
    before, after = pod("p", scheduled=at(0), cpu="500m"), pod("p", scheduled=at(0), cpu="2")
    moved = {"subresource": "resize", "time": "2026-11-01T01:45:00Z"}
    after["metadata"]["managedFields"] = [moved]
    for item, cores in ((before, "500m"), (after, "2")):
        (status,) = item["status"]["containerStatuses"]
        status["resources"] = {"requests": {"cpu": cores, "memory": "256Mi"}}
        status["allocatedResources"] = {"cpu": cores, "memory": "256Mi"}
    history.see("Pod", before, at(0))
    history.see("Pod", after, at(1, 46))  # seen a minute late
    first, second = rows(refined(history), "pod_hour")
    assert first["cpu_request_core_seconds"] == pytest.approx(0.5 * 2700 + 2 * 900)
    assert second["cpu_request_core_seconds"] == pytest.approx(2 * 3600)


def test_a_pod_ran_on_the_machine_that_bore_the_name_when_it_began(history: ObjectHistory) -> None:
    history.see("Pod", pod("old", scheduled=at(0)), at(0))
    history.see_gone("Pod", pod("old", scheduled=at(0)), at(1, minutes=20))
    history.see_gone("Node", node(), at(1, minutes=30))
    later = node(created=at(1, minutes=40), provider_id="aws:///eu-west-1a/i-2")
    history.see("Node", later, at(1, minutes=41))
    history.see("Pod", pod("new", scheduled=at(1, minutes=50)), at(1, minutes=50))
    found = pd.DataFrame(rows(refined(history), "pod_hour")).drop_duplicates("pod").set_index("pod").node_key
    assert found.to_dict() == {"old": "aws:///eu-west-1a/i-n1", "new": "aws:///eu-west-1a/i-2"}


def test_a_slice_of_a_gpu_is_requested_as_its_part_of_the_device(history: ObjectHistory) -> None:
    sliced = node(**{"nvidia.com/gpu.count": "1", "nvidia.com/gpu.replicas": "4"})
    sliced["status"]["capacity"] = {**sliced["status"]["capacity"], "nvidia.com/gpu": "4"}
    history.see("Node", sliced, at(0, 30))
    training = pod("p", scheduled=at(1))
    training["spec"]["containers"][0]["resources"]["requests"]["nvidia.com/gpu"] = "1"
    history.see("Pod", training, at(1))
    first, _ = rows(refined(history), "pod_hour")
    assert first["gpu_request_seconds"] == pytest.approx(900.0)


def test_containers_with_a_share_each_reserve_the_sum_of_their_shares(history: ObjectHistory) -> None:
    training = pod("p", scheduled=at(1))
    (main,) = training["spec"]["containers"]
    share = {"requests": {"nvidia.com/gpu": "1", "nvidia.com/gpucores": "30"}}
    training["spec"]["containers"] = [{**main, "resources": share}, {"name": "other", "resources": share}]
    history.see("Pod", training, at(1))
    first, _ = rows(refined(history), "pod_hour")
    assert first["gpu_request_seconds"] == pytest.approx(0.6 * 3600)
    containers = rows(refined_containers(training), "container_hour")
    assert {row["container"] for row in containers} == {"main", "other"}


def refined_containers(item: JsonObject) -> ObservedWindow:
    """Return what a history of one pod on one node refines to."""
    history = ObjectHistory("prod")
    history.confirm(at(0))
    history.see("Node", node(), at(0))
    history.see("Pod", item, at(1))
    return refined(history)


def test_a_pod_that_waited_for_its_image_held_its_request_and_used_nothing(history: ObjectHistory) -> None:
    waiting = pod("p", scheduled=at(1, minutes=30), runs={"main": []}, phase="Pending")
    history.see("Pod", waiting, at(1, minutes=30))
    history.see_gone("Pod", waiting, at(1, minutes=50))
    (row,) = rows(refined(history), "container_hour")
    assert (row["running_seconds"], row["cpu_request_core_seconds"]) == (0.0, pytest.approx(0.5 * 1200))
    assert (row["cpu_usage_core_seconds"], row["memory_usage_byte_seconds"]) == (0.0, 0.0)
