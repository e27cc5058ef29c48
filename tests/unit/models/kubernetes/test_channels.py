from __future__ import annotations

import pytest

from models.kubernetes.channels import Channel, WorkloadMarks, choose_channel
from models.kubernetes.field_managers import applied_resources, managers_of, resource_managers
from models.kubernetes.kinds import KINDS, canonical_kind

TEMPLATE = frozenset({"app", "istio-proxy"})


def channel(container: str = "app", **marks: object) -> Channel:
    values = {"kind": "Deployment", "template_containers": TEMPLATE, **marks}
    return choose_channel(container, WorkloadMarks(**values)).channel  # type: ignore[arg-type]


def test_what_nobody_claims_may_be_patched() -> None:
    assert channel(labels={"app.kubernetes.io/instance": "web"}) is Channel.LIVE


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "a:b"}}, Channel.GIT),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, Channel.HELM),
        ({"labels": {"app.kubernetes.io/managed-by": "strimzi-cluster-operator"}}, Channel.CUSTOM_RESOURCE),
        ({"labels": {"olm.owner": "prometheus.v1"}}, Channel.CUSTOM_RESOURCE),
        ({"owner": ("Prometheus", "k8s")}, Channel.CUSTOM_RESOURCE),
        ({"owner": ("CronJob", "nightly"), "kind": "Job"}, Channel.NONE),
        ({"kind": "Pod"}, Channel.NONE),
        ({"kind": "StrimziPodSet"}, Channel.CUSTOM_RESOURCE),
        ({"kind": "SidecarSet"}, Channel.PLATFORM_TEAM),
        ({"field_managers": ("argocd-controller",)}, Channel.GIT),
        ({"field_managers": ("helm",)}, Channel.HELM),
        ({"field_managers": ("kubectl-client-side-apply", "millicore")}, Channel.LIVE),
    ],
)
def test_who_owns_the_field_decides(marks: dict[str, object], expected: Channel) -> None:
    assert channel(**marks) is expected


def test_a_chart_that_argo_cd_renders_is_changed_in_git() -> None:
    labels = {"app.kubernetes.io/managed-by": "Helm", "argocd.argoproj.io/instance": "shop"}
    assert channel(labels=labels) is Channel.GIT


def test_a_sidecar_that_stands_in_the_template_is_the_owner_s() -> None:
    assert channel("istio-proxy") is Channel.LIVE
    assert channel("linkerd-proxy") is Channel.PLATFORM_TEAM
    assert channel("istio-proxy", template_containers=None) is Channel.PLATFORM_TEAM
    assert channel("app", template_containers=None) is Channel.LIVE


def test_openkruise_s_stateful_set_is_not_the_built_in_one() -> None:
    assert canonical_kind("StatefulSet", "apps.kruise.io/v1beta1") == "AdvancedStatefulSet"
    assert canonical_kind("StatefulSet", "apps/v1") == "StatefulSet"
    assert canonical_kind("StatefulSet", None) == "StatefulSet"
    assert canonical_kind("Prometheus", "monitoring.coreos.com/v1") == "Prometheus"


def entry(manager: str, fields: dict[str, object], **more: object) -> dict[str, object]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def template(containers: object) -> dict[str, object]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}


def test_managers_are_read_per_container_and_only_of_resources() -> None:
    app = {'k:{"name":"app"}': {"f:resources": {"f:requests": {"f:cpu": {}}}}}
    image = {'k:{"name":"app"}': {"f:image": {}}}
    managed = [
        entry("kubectl", template(app)),
        entry("ci", template(image)),
        entry("kubelet", template(app), subresource="status"),
    ]
    found = resource_managers(managed, KINDS["Deployment"])
    assert found == {"app": ["kubectl"]}


@pytest.mark.parametrize("fields", [template({}), {"f:spec": {"f:template": {}}}, {"f:spec": {}}])
def test_a_list_that_is_owned_as_a_whole_is_owned_for_every_container(fields: dict[str, object]) -> None:
    found = resource_managers([entry("ci", fields)], KINDS["Rollout"])
    assert managers_of(found, "app") == ("ci",)


def test_what_a_manager_applied_is_read_back() -> None:
    resources = {"f:requests": {".": {}, "f:cpu": {}}, "f:limits": {"f:memory": {}}}
    applied = entry(
        "millicore", template({'k:{"name":"app"}': {"f:resources": resources}}), operation="Apply"
    )
    assert applied_resources([applied], KINDS["Deployment"], "millicore") == {
        ("containers", "app"): {("requests", "cpu"), ("limits", "memory")}
    }
