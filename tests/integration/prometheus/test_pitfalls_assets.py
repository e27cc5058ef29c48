"""Volumes, load balancers, GPUs and the network of hosts, as real metrics show them."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from support.open_metrics import GIB
from support.prometheus_pitfalls import START, WINDOW

from models.vocabulary.windows import HOUR
from warehouse.observed import ObservedWindow

pytestmark = pytest.mark.prometheus
Observe = Callable[..., ObservedWindow]


def rows(window: ObservedWindow, table: str) -> pd.DataFrame:
    return window.tables[table].to_pandas()


def by_hour(frame: pd.DataFrame, column: str, **chosen: str) -> list[float]:
    for name, value in chosen.items():
        frame = frame[frame[name] == value]
    hours = [pd.Timestamp(START + number * HOUR) for number in range(4)]
    return frame.set_index("hour")[column].reindex(hours, fill_value=0.0).tolist()


def test_volumes_exist_from_creation_to_their_last_sample(observe: Observe) -> None:
    volumes = rows(observe("assets"), "volume_hour")
    assert by_hour(volumes, "running_seconds", volume="pv-shared") == [3600.0] * 4
    assert by_hour(volumes, "running_seconds", volume="pv-data") == [3300.0, 3600.0, 3600.0, 3600.0]
    assert by_hour(volumes, "running_seconds", volume="pv-former") == pytest.approx(
        [3600, 3600, 0, 0], abs=31
    )
    assert by_hour(volumes, "running_seconds", volume="pv-spare") == pytest.approx(
        [3600, 3600, 1800, 0], abs=31
    )


def test_a_volume_says_its_class_disk_claim_and_how_full_it_is(observe: Observe) -> None:
    volumes = rows(observe("assets"), "volume_hour").drop_duplicates("volume").set_index("volume")
    shared = volumes.loc["pv-shared"]
    assert (shared.claim_namespace, shared.claim) == ("shop", "shared")
    assert (shared.storage_class, shared.provider_id) == ("gp3", "vol-pv-shared")
    assert (shared.capacity_bytes, shared.used_bytes) == (20 * GIB, 5 * GIB)
    assert volumes.loc["pv-former", "claim"] == "data-db-0"
    assert pd.isna(volumes.loc["pv-spare", "claim"])
    assert pd.isna(volumes.loc["pv-spare", "used_bytes"])


def test_a_volume_that_grows_has_the_mean_size_of_the_hour(observe: Observe) -> None:
    sizes = by_hour(rows(observe("assets"), "volume_hour"), "capacity_bytes", volume="pv-data")
    assert [size / GIB for size in sizes] == pytest.approx([20, 20, 30, 40])


def test_a_shared_claim_is_held_by_each_pod_for_its_own_time(observe: Observe) -> None:
    mounts = rows(observe("assets"), "volume_mount_hour")
    assert by_hour(mounts, "mounted_seconds", volume="pv-shared", pod_uid="u1") == [3600.0] * 4
    assert by_hour(mounts, "mounted_seconds", volume="pv-shared", pod_uid="u2") == pytest.approx(
        [1800, 1800, 0, 0], abs=31
    )
    assert by_hour(mounts, "mounted_seconds", volume="pv-data", pod_uid="u3") == [3000.0, *[3600.0] * 3]


def test_a_mount_says_from_when_to_when_in_the_hour(observe: Observe) -> None:
    mounts = rows(observe("assets"), "volume_mount_hour")
    own = mounts[mounts.pod_uid == "u3"].sort_values("hour")
    assert own.first_mounted_at.iloc[0] == pd.Timestamp(START) + pd.Timedelta(600, "s")
    assert own.last_mounted_at.iloc[0] == pd.Timestamp(START + HOUR)
    held = (mounts.last_mounted_at - mounts.first_mounted_at).dt.total_seconds()
    assert held.tolist() == pytest.approx(mounts.mounted_seconds.tolist())


def test_a_volume_whose_claim_found_another_one_is_mounted_by_nobody(observe: Observe) -> None:
    mounts = rows(observe("assets"), "volume_mount_hour")
    assert set(mounts.volume) == {"pv-shared", "pv-data"}


def test_services_of_type_load_balancer_and_no_others_are_load_balancers(observe: Observe) -> None:
    balancers = rows(observe("assets"), "load_balancer_hour")
    assert by_hour(balancers, "running_seconds", load_balancer="shop/public") == [2700.0, *[3600.0] * 3]
    assert by_hour(balancers, "running_seconds", load_balancer="shop/pending") == pytest.approx(
        [3600, 0, 0, 0], abs=31
    )
    assert set(balancers.service) == {"public", "pending"}
    addresses = balancers.drop_duplicates("service").set_index("service").provider_id
    assert addresses["public"] == "a1.elb.amazonaws.com"
    assert pd.isna(addresses["pending"])


@pytest.mark.parametrize("name", ["assets_twice", "assets_not_honoured"])
@pytest.mark.parametrize("table", ["volume_hour", "volume_mount_hour", "load_balancer_hour"])
def test_neither_a_second_scrape_nor_renamed_labels_change_assets(
    observe: Observe, name: str, table: str
) -> None:
    once, other = (rows(observe(case), table) for case in ("assets", name))
    pd.testing.assert_frame_equal(once, other, rtol=1e-3, atol=2.0)


def test_assets_observed_hour_by_hour_are_those_of_the_whole_window(observe: Observe) -> None:
    for table in ("volume_hour", "volume_mount_hour", "load_balancer_hour"):
        parts = [rows(observe("assets", window), table) for window in WINDOW.split(HOUR)]
        pd.testing.assert_frame_equal(
            pd.concat(parts, ignore_index=True), rows(observe("assets"), table), check_dtype=False
        )


def test_bytes_of_the_hosts_network_are_the_node_s_and_no_pod_s(observe: Observe) -> None:
    pods = rows(observe("host_network"), "pod_hour")
    on_host = pods[pods.namespace == "infra"]
    assert on_host.network_transmit_bytes.isna().all()
    assert on_host.is_host_network.all()
    web = pods[pods.namespace == "shop"]
    assert web.network_transmit_bytes.tolist() == pytest.approx([36_000.0] * 4, rel=0.02)
    assert not web.is_host_network.any()


def test_a_node_s_bytes_are_its_own_counters_else_those_that_its_host_pods_show(observe: Observe) -> None:
    nodes = rows(observe("host_network"), "node_hour")
    assert by_hour(nodes, "network_transmit_bytes", node="n1") == pytest.approx([3.6e6] * 4, rel=0.02)
    assert by_hour(nodes, "network_transmit_bytes", node="n2") == pytest.approx([7.2e6] * 4, rel=0.02)


def test_samples_that_are_not_a_number_are_missing_and_never_nothing(observe: Observe) -> None:
    frame = rows(observe("nan"), "container_hour")
    own = frame[frame.pod_uid == "u1"]
    assert own.cpu_request_core_seconds.tolist() == [1800.0] * 4
    assert own.memory_usage_byte_seconds.tolist() == pytest.approx([GIB / 2 * 3600] * 4)
    assert own.sample_coverage_ratio.tolist()[1] == pytest.approx(11 / 12)


def test_divided_gpus_are_requested_in_physical_devices(observe: Observe) -> None:
    nodes = rows(observe("gpus"), "node_hour").drop_duplicates("node").set_index("node").gpu_capacity
    assert nodes.to_dict() == pytest.approx({"n1": 2.0, "n2": 2.0, "n3": 1.0})
    pods = rows(observe("gpus"), "pod_hour").drop_duplicates("pod_uid").set_index("pod_uid")
    devices = (pods.gpu_request_seconds / 3600).to_dict()
    assert devices == pytest.approx({"u1": 0.25, "u2": 2 / 7, "u3": 0.3, "u4": 1.0})


def test_a_machine_replaced_under_its_name_keeps_its_own_size_and_type(observe: Observe) -> None:
    nodes = rows(observe("grown_node"), "node_hour")
    small, large = (nodes[nodes.node_key == f"uuid-{number}"] for number in (1, 2))
    assert small.cpu_capacity_cores.unique().tolist() == [4.0]
    assert large.cpu_capacity_cores.unique().tolist() == [16.0]
    assert small.instance_type.unique().tolist() == ["small"]
    assert large.instance_type.unique().tolist() == ["large"]
    assert small.running_seconds.sum() + large.running_seconds.sum() == pytest.approx(4 * 3600 - 600, abs=31)


def test_a_node_resized_within_an_hour_has_the_mean_of_its_sizes(observe: Observe) -> None:
    nodes = rows(observe("grown_node"), "node_hour")
    assert by_hour(nodes, "cpu_capacity_cores", node="n2") == pytest.approx([4, 6, 8, 8])
