from __future__ import annotations

import pytest

from models.kubernetes.gpu import NOT_SHARED, GpuSharing, describe_gpus, gpu_capacity, gpu_devices


def node(capacity: dict[str, float], **labels: str) -> GpuSharing:
    return describe_gpus(capacity, {f"nvidia.com/gpu.{name}": value for name, value in labels.items()})


def test_whole_gpus_of_every_vendor_are_counted() -> None:
    assert gpu_devices({"nvidia.com/gpu": 2, "amd.com/gpu": 1, "cpu": 4}) == 3
    assert gpu_devices({"cpu": 4}) is None


def test_a_time_sliced_gpu_is_shared_by_its_replicas_whatever_the_resource_is_called() -> None:
    plain = node({"nvidia.com/gpu": 8}, count="2", replicas="4")
    renamed = node({"nvidia.com/gpu": 0, "nvidia.com/gpu.shared": 8}, count="2", replicas="4")
    assert gpu_devices({"nvidia.com/gpu": 1}, plain) == 0.25
    assert gpu_devices({"nvidia.com/gpu.shared": 1}, renamed) == 0.25
    assert gpu_capacity({"nvidia.com/gpu": 8}, plain) == 2
    assert gpu_capacity({"nvidia.com/gpu.shared": 8}, renamed) == 2


def test_without_the_label_of_replicas_the_count_of_devices_tells_them() -> None:
    assert gpu_devices({"nvidia.com/gpu": 5}, node({"nvidia.com/gpu": 10}, count="1")) == 0.5
    assert gpu_devices({"nvidia.com/gpu": 1}, node({"nvidia.com/gpu": 2}, count="2", replicas="1")) == 1.0


def test_a_node_without_labels_offers_what_it_says() -> None:
    capacity = {"nvidia.com/gpu": 4.0}
    assert gpu_capacity(capacity, describe_gpus(capacity, {})) == 4
    assert describe_gpus({"cpu": 8.0}, {"nvidia.com/gpu.count": "2"}) == NOT_SHARED


@pytest.mark.parametrize(
    ("resource", "devices"),
    [
        ("nvidia.com/mig-1g.5gb", 1 / 7),
        ("nvidia.com/mig-3g.20gb", 3 / 7),
        ("nvidia.com/mig-1g.10gb.me", 1 / 7),
        ("nvidia.com/mig-1g.6gb", 1 / 4),
        ("nvidia_com_mig_2g_12gb", 2 / 4),
    ],
)
def test_a_mig_slice_is_its_share_of_the_compute_slices(resource: str, devices: float) -> None:
    assert gpu_devices({resource: 1}) == pytest.approx(devices)
    assert gpu_devices({resource: 2, "cpu": 1}) == pytest.approx(2 * devices)


def test_a_node_of_slices_and_whole_gpus_has_the_devices_that_its_label_counts() -> None:
    capacity = {"nvidia.com/gpu": 3.0, "nvidia.com/mig-1g.5gb": 7.0}
    sharing = node(capacity, count="4")
    assert gpu_capacity(capacity, sharing) == 4
    assert gpu_devices({"nvidia.com/gpu": 1}, sharing) == 1
    assert gpu_capacity(capacity, describe_gpus(capacity, {})) == pytest.approx(4)


def test_a_virtual_gpu_takes_the_larger_of_its_shares_of_cores_and_memory() -> None:
    sharing = node({"nvidia.com/gpu": 20}, count="2", memory="24576", product="NVIDIA-L4")
    request = {"nvidia.com/gpu": 1, "nvidia.com/gpucores": 30, "nvidia.com/gpumem": 12288}
    assert gpu_devices(request, sharing) == 0.5
    assert gpu_devices({"nvidia.com/gpu": 2, "nvidia.com/gpucores": 30}, sharing) == pytest.approx(0.6)
    by_share = {"nvidia.com/gpu": 1, "nvidia.com/gpumem-percentage": 40}
    assert gpu_devices(by_share, sharing) == pytest.approx(0.4)
    assert gpu_devices({"nvidia.com/gpu": 1, "nvidia.com/gpucores": 120}, sharing) == 1.0


def test_pooled_gpu_memory_is_its_share_of_a_device_and_unknown_without_the_node() -> None:
    capacity = {"aliyun.com/gpu-mem": 64.0, "aliyun.com/gpu-count": 4.0}
    sharing = describe_gpus(capacity, {})
    assert gpu_capacity(capacity, sharing) == 4
    assert gpu_devices({"aliyun.com/gpu-mem": 8}, sharing) == 0.5
    assert gpu_devices({"aliyun.com/gpu-mem": 8, "aliyun.com/gpu-core.percentage": 70}, sharing) == 0.7
    assert gpu_devices({"aliyun.com/gpu-mem": 8}) is None


def test_labels_that_are_no_numbers_are_not_believed() -> None:
    assert node({"nvidia.com/gpu": 4}, count="many", replicas="0") == GpuSharing()
