from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.applying_world import workload
from support.board_world import NOW, WORKLOADS, recommendation
from support.kubernetes_api import read_recordings
from support.kubernetes_api_patch import json_patch as carry_out_json
from support.kubernetes_api_patch import strategic_merge_patch

from models.kubernetes.kinds import KINDS
from models.kubernetes.templates import find_container, stored_containers, template_containers
from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import Recommendation, ResourceValues
from models.vocabulary.replicas import HpaChange, ScalerKind, TargetChange
from service.patches import (
    PatchFormat,
    ResourceChange,
    build_patch,
    can_be_patched,
    change_of,
    render,
    write_command,
    write_patch,
)

GIB = 2.0**30
ADVICE = recommendation(WORKLOADS[0], NOW, "412.35")
NEW = {"requests": {"cpu": "800m", "memory": "2560Mi"}, "limits": {"cpu": "4", "memory": "4Gi"}}


def of_kind(kind: str) -> Recommendation:
    key = ContainerKey(WorkloadKey("shop-eu", "search", kind, "search-api"), "app")
    return replace(ADVICE, key=key)


def placed(change: ResourceChange, item: dict[str, Any]) -> ResourceChange:
    """Return the change with the container's place in an object."""
    spec = item["spec"]["template"]["spec"]
    return replace(change, container=find_container(template_containers(spec), change.key.container))


def test_the_patch_holds_request_and_limit_of_what_changes() -> None:
    containers = [{"name": "app", "resources": NEW}]
    assert build_patch(ADVICE) == {"spec": {"template": {"spec": {"containers": containers}}}}


def test_a_resource_that_stays_is_not_in_the_patch() -> None:
    advice = replace(ADVICE, advised=ResourceValues(0.8, 4.0, 4 * GIB, 4 * GIB))
    container = build_patch(advice)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == {"requests": {"cpu": "800m"}, "limits": {"cpu": "4"}}


def test_a_limit_that_is_taken_away_is_null_so_that_the_merge_deletes_it() -> None:
    advice = replace(ADVICE, advised=ResourceValues(2.0, None, 4 * GIB, 4 * GIB))
    container = build_patch(advice)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == {"requests": {"cpu": "2"}, "limits": {"cpu": None}}


def test_yaml_and_command_say_the_same() -> None:
    patch = build_patch(ADVICE)
    assert yaml.safe_load(write_patch(ADVICE)) == patch
    words = shlex.split(write_command(ADVICE))
    assert words[:6] == ["kubectl", "--namespace", "search", "patch", "deployment", "search-api"]
    assert json.loads(words[-1]) == patch


def test_a_cron_job_is_patched_in_its_job_template() -> None:
    assert "jobTemplate" in build_patch(of_kind("CronJob"))["spec"]


@pytest.mark.parametrize("kind", ["Job", "Pod", "Rollout", "StrimziPodSet", "SidecarSet"])
def test_what_cannot_be_merged_offers_no_patch(kind: str) -> None:
    assert not can_be_patched(of_kind(kind))
    with pytest.raises(UsageError):
        build_patch(of_kind(kind))


@pytest.mark.parametrize("name", ["a; rm -rf /", "$(reboot)", "x\nkind: Secret", '"quoted"', "`id`"])
def test_a_hostile_name_stays_one_word_of_the_command_and_no_line_of_the_yaml(name: str) -> None:
    key = ContainerKey(WorkloadKey("shop-eu", name, "Deployment", name), name)
    advice = replace(ADVICE, key=key)
    words = shlex.split(write_command(advice))
    assert words[2] == name
    assert words[5] == name
    assert yaml.safe_load(write_patch(advice)) == build_patch(advice)
    fragment = yaml.safe_load(render(change_of(advice), PatchFormat.KUSTOMIZE).text)
    assert fragment["patches"][0]["target"]["name"] == name


def test_the_short_line_sets_requests_and_limits_of_one_container() -> None:
    words = shlex.split(render(change_of(ADVICE), PatchFormat.KUBECTL).text)
    assert words[:5] == ["kubectl", "--namespace", "search", "set", "resources"]
    assert words[5:] == [
        "deployment/search-api",
        "--containers=app",
        "--requests=cpu=800m,memory=2560Mi",
        "--limits=cpu=4,memory=4Gi",
    ]


def test_a_value_that_is_taken_away_needs_a_patch_line() -> None:
    advice = replace(ADVICE, advised=ResourceValues(2.0, None, 4 * GIB, 4 * GIB))
    assert " patch deployment " in render(change_of(advice), PatchFormat.KUBECTL).text


def test_a_custom_resource_is_named_with_its_group() -> None:
    rollout = workload("Rollout", "argoproj.io/v1alpha1")
    text = render(placed(change_of(of_kind("Rollout")), rollout), PatchFormat.KUBECTL).text
    assert " patch rollout.argoproj.io search-api --type json " in text


def test_a_rollback_swaps_old_and_new() -> None:
    forth, back = change_of(ADVICE), change_of(ADVICE, is_rollback=True)
    assert (back.before, back.after) == (forth.after, forth.before)


def test_agreed_values_win_over_the_advice() -> None:
    agreed = ResourceValues(1.5, 4.0, 4 * GIB, 4 * GIB)
    assert change_of(ADVICE, agreed).after == agreed


def test_guaranteed_stays_guaranteed_unless_its_owner_allows_otherwise() -> None:
    guaranteed = replace(ADVICE, current=ResourceValues(2.0, 2.0, GIB, GIB))
    with pytest.raises(InputError, match="Guaranteed"):
        change_of(guaranteed, ResourceValues(1.0, 2.0, GIB, GIB))
    assert change_of(guaranteed, ResourceValues(1.0, 2.0, GIB, GIB), may_change_quality=True)
    assert change_of(guaranteed, ResourceValues(1.0, 1.0, GIB, GIB))


def test_a_request_above_its_limit_is_refused_by_field() -> None:
    with pytest.raises(InputError, match=r"cpu request.*lies above its limit of 4"):
        change_of(ADVICE, ResourceValues(5.0, 4.0, GIB, GIB))


def test_helm_values_follow_the_annotation_or_say_that_they_guess() -> None:
    change = replace(change_of(ADVICE), helm_path="app=api.main.resources,proxy=proxy.resources")
    found = render(change, PatchFormat.HELM)
    assert found.document == {"api": {"main": {"resources": NEW}}}
    assert yaml.safe_load(found.text) == found.document
    assert found.notes == ()
    one = render(replace(change_of(ADVICE), container_count=1), PatchFormat.HELM)
    assert one.document == {"resources": NEW}
    assert "is a guess" in one.notes[0]
    assert "# resources is a guess" in one.text
    assert render(change_of(ADVICE), PatchFormat.HELM).document == {"app": {"resources": NEW}}


def test_a_helm_path_that_is_no_path_is_refused() -> None:
    with pytest.raises(InputError, match="helm-values-path"):
        render(replace(change_of(ADVICE), helm_path="a b: {}"), PatchFormat.HELM)


def test_a_resize_says_what_is_lost() -> None:
    found = render(change_of(ADVICE), PatchFormat.RESIZE)
    assert found.document == {"spec": {"containers": [{"name": "app", "resources": NEW}]}}
    assert "--subresource resize" in found.text
    assert "the next rollout" in found.notes[0]


def test_a_kustomization_holds_target_and_patch() -> None:
    fragment = yaml.safe_load(render(change_of(ADVICE), PatchFormat.KUSTOMIZE).text)
    (entry,) = fragment["patches"]
    assert entry["target"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "name": "search-api",
    }
    inner = yaml.safe_load(entry["patch"])
    assert inner["metadata"] == {"name": "search-api"}
    assert inner["spec"] == build_patch(ADVICE)["spec"]


def test_a_json_patch_without_a_known_place_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="--format strategic"):
        render(change_of(ADVICE), PatchFormat.JSON)


def test_nothing_to_change_is_no_patch() -> None:
    with pytest.raises(UsageError, match="nothing changes"):
        render(change_of(ADVICE, ADVICE.current), PatchFormat.STRATEGIC)


def test_the_autoscaler_goes_with_the_request() -> None:
    place = "/spec/metrics/0/resource/target/averageUtilization"
    target = TargetChange("cpu", None, 0, 60, 95, 1.2, 1.2, True, "the trigger stays at 1.2 cores")
    operations = (
        {"op": "test", "path": place, "value": 60},
        {"op": "replace", "path": place, "value": 95},
    )
    hpa = HpaChange(
        ScalerKind.HORIZONTAL_POD_AUTOSCALER, "search", "search-api", (target,), 2, 10, operations
    )
    found = render(change_of(replace(ADVICE, hpa=hpa)), PatchFormat.KUBECTL)
    _, line = found.text.strip().splitlines()
    assert shlex.split(line)[:4] == ["kubectl", "--namespace", "search", "patch"]
    assert json.loads(shlex.split(line)[-1]) == list(operations)
    assert found.document["autoscaler"]["json_patch"] == list(operations)
    back = change_of(replace(ADVICE, hpa=hpa), is_rollback=True)
    inverse = render(back, PatchFormat.STRATEGIC, is_rollback=True).document["autoscaler"]["json_patch"]
    assert inverse == [
        {"op": "test", "path": place, "value": 95},
        {"op": "replace", "path": place, "value": 60},
    ]


def test_both_patches_bring_a_recorded_deployment_to_the_same_resources(shared_data: Path) -> None:
    recorded = {one.name: one for one in read_recordings(shared_data)}["get_deployment"].body
    key = ContainerKey(WorkloadKey("real", "ads-prod", "Deployment", "gateway-consumer"), "gateway-consumer")
    advice = replace(
        ADVICE,
        key=key,
        current=ResourceValues(1.0, 2.0, GIB / 4, GIB / 4),
        advised=ResourceValues(0.123, 2.0, 234 * 2.0**20, GIB / 4),
    )
    change = placed(change_of(advice), recorded)
    merged = strategic_merge_patch(recorded, render(change, PatchFormat.STRATEGIC).document)
    patched = carry_out_json(recorded, render(change, PatchFormat.JSON).document)
    assert merged == patched
    (container,) = merged["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "123m", "memory": "234Mi"},
        "limits": {"cpu": "2", "memory": "256Mi"},
    }
    rest = {name: value for name, value in container.items() if name != "resources"}
    (before,) = recorded["spec"]["template"]["spec"]["containers"]
    assert rest == {name: value for name, value in before.items() if name != "resources"}


CORES = st.one_of(st.none(), st.integers(1, 64_000).map(lambda number: number / 1000))
SIZES = st.one_of(st.none(), st.integers(1, 2**16).map(lambda number: number * 2.0**20))
VALUES = st.builds(ResourceValues, CORES, CORES, SIZES, SIZES).filter(
    lambda one: all(
        request is None or limit is None or request <= limit
        for request, limit in (
            (one.cpu_request_cores, one.cpu_limit_cores),
            (one.memory_request_bytes, one.memory_limit_bytes),
        )
    )
)


@given(VALUES, VALUES)
def test_both_patches_come_to_the_same_and_the_rollback_to_the_start(
    before: ResourceValues, after: ResourceValues
) -> None:
    forth = change_of(ADVICE, may_change_quality=True)
    forth = replace(forth, before=before, after=after)
    back = replace(forth, before=after, after=before)
    start = {"spec": {"template": {"spec": {"containers": [{"name": "proxy"}, {"name": "app"}]}}}}
    resources = {"claims": [{"name": "gpu"}], "requests": {"nvidia.com/gpu": "1"}}
    start["spec"]["template"]["spec"]["containers"][1]["resources"] = resources  # type: ignore[assignment]
    first = carry_out_json(start, render_json(replace(forth, before=ResourceValues(), after=before), start))
    there = carry_out_json(first, render_json(forth, first))
    if before != after:
        merged = strategic_merge_patch(first, render(forth, PatchFormat.STRATEGIC).document)
        assert values_of(merged) == values_of(there)
    assert values_of(there) == after
    assert values_of(carry_out_json(there, render_json(back, there))) == values_of(first) == before
    app = there["spec"]["template"]["spec"]["containers"][1]["resources"]
    assert app["claims"] == [{"name": "gpu"}]
    assert app["requests"]["nvidia.com/gpu"] == "1"


def render_json(change: ResourceChange, item: dict[str, Any]) -> list[dict[str, Any]]:
    from service.patches.json_operations import json_patch

    return json_patch(placed(change, item))


def values_of(item: dict[str, Any]) -> ResourceValues:
    """Return what the container states; a limit without a request is no request here."""
    (app,) = [one for one in item["spec"]["template"]["spec"]["containers"] if one["name"] == "app"]
    found = find_container(template_containers(item["spec"]["template"]["spec"]), "app")
    assert found is not None
    requests = app["resources"].get("requests") or {}
    return replace(
        found.values,
        cpu_request_cores=found.values.cpu_request_cores if "cpu" in requests else None,
        memory_request_bytes=found.values.memory_request_bytes if "memory" in requests else None,
    )


def test_the_stored_template_gives_the_same_place_as_the_object() -> None:
    from ingest.kubernetes.pod_specs import pod_constraints

    spec = {
        "initContainers": [
            {"name": "setup"},
            {"name": "log", "restartPolicy": "Always", "resources": {"requests": {"cpu": "10m"}}},
        ],
        "containers": [
            {"name": "proxy"},
            {"name": "app", "resources": {"requests": {"cpu": "1", "nvidia.com/gpu": "1"}}},
        ],
    }
    live, stored = template_containers(spec), stored_containers(pod_constraints(spec))
    assert live == stored
    sidecar = find_container(stored, "log")
    assert sidecar is not None
    assert (sidecar.group, sidecar.position) == ("initContainers", 1)
    change = replace(change_of(ADVICE), container=sidecar)
    template = render(change, PatchFormat.STRATEGIC).document["spec"]["template"]["spec"]
    assert list(template) == ["initContainers"]


def test_every_kind_says_where_its_template_stands_or_why_it_is_fixed() -> None:
    for kind in KINDS.values():
        assert kind.template_path
        assert kind.can_be_patched == (not kind.fixed_because)
