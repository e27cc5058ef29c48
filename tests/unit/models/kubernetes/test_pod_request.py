from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from models.kubernetes.pod_request import (
    ContainerKind,
    container_resources,
    effective_pod_request,
    remainder_request_seconds,
)
from models.vocabulary.errors import InputError


def container(name: str, cpu: str | None = None, memory: str | None = None, **more: Any) -> dict[str, Any]:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value is not None}
    return {"name": name, "resources": {"requests": requests}, **more}


def sidecar(name: str, cpu: str) -> dict[str, Any]:
    return container(name, cpu, restartPolicy="Always")


def cpu_of(spec: dict[str, Any], status: dict[str, Any] | None = None) -> Decimal | None:
    return effective_pod_request(spec, status).get("cpu")


def test_main_containers_add_up() -> None:
    spec = {"containers": [container("a", "200m", "1Gi"), container("b", "1", "512Mi")]}
    assert effective_pod_request(spec) == {"cpu": Decimal("1.2"), "memory": Decimal(1536 << 20)}


def test_an_init_container_counts_only_where_it_exceeds_the_main_ones() -> None:
    spec = {
        "initContainers": [container("migrate", "2", "128Mi"), container("wait", "1")],
        "containers": [container("a", "500m", "1Gi")],
    }
    assert effective_pod_request(spec) == {"cpu": Decimal(2), "memory": Decimal(1 << 30)}


@pytest.mark.parametrize(
    ("init_containers", "expected"),
    [
        # KEP-753: a sidecar runs beside the main containers
        ([sidecar("proxy", "1")], 3),
        # an init container before the sidecar does not run beside it
        ([container("first", "4"), sidecar("proxy", "1")], 4),
        # one after the sidecar does
        ([sidecar("proxy", "1"), container("second", "4")], 5),
        # sidecars started so far add up: 1 + 2 + 4
        ([sidecar("proxy", "1"), sidecar("logs", "2"), container("third", "4")], 7),
        # the later sidecar is not there yet when the init container runs: max(2 + 1 + 2, 1 + 3)
        ([sidecar("proxy", "1"), container("second", "3"), sidecar("logs", "2")], 5),
        ([container("first", "10"), sidecar("proxy", "1"), container("second", "4")], 10),
    ],
)
def test_native_sidecars_follow_kep_753(init_containers: list[dict[str, Any]], expected: int) -> None:
    assert cpu_of({"initContainers": init_containers, "containers": [container("main", "2")]}) == expected


def test_runtime_overhead_is_added_on_top() -> None:
    spec = {"overhead": {"cpu": "250m", "memory": "120Mi"}, "containers": [container("a", "1")]}
    assert effective_pod_request(spec) == {"cpu": Decimal("1.25"), "memory": Decimal(120 << 20)}


def test_a_pod_level_request_replaces_the_sum_of_its_containers_for_cpu_and_memory_only() -> None:
    spec = {
        "resources": {"requests": {"cpu": "3", "nvidia.com/gpu": "9"}},
        "overhead": {"cpu": "100m"},
        "containers": [container("a", "1", "1Gi"), container("b", "1")],
    }
    assert effective_pod_request(spec) == {"cpu": Decimal("3.1"), "memory": Decimal(1 << 30)}


def test_a_pod_level_limit_is_the_request_only_where_no_container_requests() -> None:
    spec = {
        "resources": {"limits": {"cpu": "4", "memory": "2Gi"}},
        "containers": [container("a", cpu="1")],
    }
    assert effective_pod_request(spec) == {"cpu": Decimal(1), "memory": Decimal(2 << 30)}


def test_a_limit_without_a_request_is_the_request() -> None:
    spec = {"containers": [{"name": "a", "resources": {"limits": {"cpu": "2"}, "requests": {}}}]}
    assert cpu_of(spec) == 2


def test_nothing_requested_is_absent_and_not_zero() -> None:
    assert effective_pod_request({"containers": [{"name": "a"}, {"name": "b", "resources": {}}]}) == {}


def resized(actual: str, allocated: str, **status: Any) -> dict[str, Any]:
    entry = {
        "name": "a",
        "resources": {"requests": {"cpu": actual}},
        "allocatedResources": {"cpu": allocated},
    }
    return {"containerStatuses": [entry], **status}


def test_during_a_resize_down_the_old_request_still_holds() -> None:
    assert cpu_of({"containers": [container("a", "1")]}, resized("4", "1")) == 4


def test_during_a_resize_up_the_new_request_already_holds() -> None:
    assert cpu_of({"containers": [container("a", "6")]}, resized("4", "4")) == 6


def test_a_resize_that_the_node_cannot_do_does_not_count() -> None:
    pending = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}
    spec = {"containers": [container("a", "600")]}
    assert cpu_of(spec, resized("4", "5", conditions=[pending])) == 5
    assert cpu_of(spec, resized("4", "5", resize="Infeasible")) == 5


def test_a_status_without_resources_leaves_the_spec_in_force() -> None:
    status = {"containerStatuses": [{"name": "a", "allocatedResources": {"cpu": "9"}}]}
    assert cpu_of({"containers": [container("a", "1")]}, status) == 1


def test_containers_are_told_apart_by_kind() -> None:
    spec = {
        "initContainers": [container("init", "1"), sidecar("proxy", "1")],
        "containers": [container("main", "1")],
    }
    kinds = [entry.kind for entry in container_resources(spec)]
    assert kinds == [ContainerKind.INIT, ContainerKind.SIDECAR, ContainerKind.MAIN]


def test_a_malformed_quantity_is_named_with_its_place() -> None:
    spec = {"containers": [container("a", "12x")]}
    with pytest.raises(InputError, match=r"containers\[0\]\.resources\.requests\.cpu: value '12x'"):
        effective_pod_request(spec)


def test_the_remainder_row_closes_the_gap_to_the_effective_request() -> None:
    assert remainder_request_seconds(3600.0, [1800.0, 600.0]) == 1200.0
    assert remainder_request_seconds(100.0, [80.0, 40.0]) == 0.0
