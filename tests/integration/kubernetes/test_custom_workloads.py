"""Argo Rollouts, OpenShift and OpenKruise: read where they are installed, told apart, no error elsewhere."""

from __future__ import annotations

import json
from typing import Any

from support.applying_world import deployment, owned_by, workload
from support.kubernetes_api import api_server
from support.kubernetes_inventory import inventory_of, settings
from support.kubernetes_objects import at, node, pod

from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.pod_times import read_pod_times
from ingest.kubernetes.specs import read_spec
from models.vocabulary.windows import HourWindow

SIDECAR_SET = {
    "kind": "SidecarSet",
    "apiVersion": "apps.kruise.io/v1alpha1",
    "metadata": {"name": "mesh"},
    "spec": {"selector": {"matchLabels": {"mesh": "on"}}, "containers": [{"name": "envoy", "env": []}]},
}


def specs(*objects: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    with api_server(node(), *objects) as server:
        rows = inventory_of(server).snapshot().object_history.to_pylist()
    return {(row["kind"], row["name"]): json.loads(row["spec"]) for row in rows}


def test_a_cluster_without_these_kinds_misses_nothing() -> None:
    with api_server(node(), pod()) as server:
        inventory = inventory_of(server)
        inventory.snapshot()
        assert inventory.state.missing == {}


def test_a_right_that_is_missing_is_still_told() -> None:
    with api_server(node(), pod()) as server:
        server.rules["tester"] = {("list", "nodes"), ("list", "pods")}
        inventory = inventory_of(server)
        inventory.snapshot()
        assert "Rollout" in inventory.state.missing


def test_two_stateful_sets_of_one_name_are_two_workloads() -> None:
    found = specs(workload("StatefulSet", "apps/v1"), workload("StatefulSet", "apps.kruise.io/v1beta1"))
    assert {("StatefulSet", "web"), ("AdvancedStatefulSet", "web")} <= found.keys()


def test_pods_are_owned_by_the_stateful_set_of_their_group() -> None:
    mine = pod("web-0", owner=("StatefulSet", "web"))
    mine["metadata"]["ownerReferences"][0]["apiVersion"] = "apps.kruise.io/v1beta1"
    with api_server(node(), mine) as server:
        inventory = KubernetesInventory(settings(server), "prod", clock=lambda: at(2))
        history = inventory.snapshot().object_history
    times = read_pod_times(history, HourWindow(at(0), at(1)))
    assert list(times.pods["workload_kind"]) == ["AdvancedStatefulSet"]


def test_every_kind_is_kept_with_its_template() -> None:
    found = specs(
        workload("Rollout", "argoproj.io/v1alpha1"),
        workload("CloneSet", "apps.kruise.io/v1alpha1"),
        workload("DeploymentConfig", "apps.openshift.io/v1"),
        SIDECAR_SET,
    )
    for kind in ("Rollout", "CloneSet", "DeploymentConfig"):
        names = [one["name"] for one in found[kind, "web"]["template"]["containers"]]
        assert names == ["proxy", "app"]
    assert found["SidecarSet", "mesh"]["injects"] == ["envoy"]


def test_a_rollout_keeps_the_deployment_that_it_refers_to() -> None:
    rollout = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }
    assert read_spec("Rollout", rollout)["workload_ref"] == {"kind": "Deployment", "name": "web"}


def test_marks_and_managers_are_kept_and_nothing_that_may_hold_a_secret() -> None:
    marked = owned_by(
        "kubectl-edit",
        annotations={
            "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web",
            "meta.helm.sh/release-name": "web",
            "kubectl.kubernetes.io/last-applied-configuration": '{"password": "x"}',
        },
    )
    spec = read_spec("Deployment", marked)
    assert spec["annotations"] == {
        "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web",
        "meta.helm.sh/release-name": "web",
    }
    assert spec["resource_managers"] == {"app": ["kubectl-edit"]}
    assert "password" not in json.dumps(spec)


def test_a_workload_without_managers_or_reference_is_stored_as_before() -> None:
    assert not {"resource_managers", "workload_ref"} & read_spec("Deployment", deployment()).keys()
