"""Carrying a suggestion out against a wire-level API server: what is sent, refused, and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.applying_world import (
    OWNER,
    READER,
    STRANGER,
    ApplyingWorld,
    deployment,
    owned_by,
)
from support.kubernetes_api import Fault
from support.recommendations import suggestion

from ingest.kubernetes.apply import ObjectPlace
from models.applying.attempt import ApplyMethod, ApplyResult
from models.kubernetes.kinds import KINDS
from models.vocabulary.errors import (
    Conflict,
    Forbidden,
    InputError,
    NotFound,
    SourceUnreachable,
    UsageError,
)
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import ResourceValues
from service.usecases import applying
from service.usecases.applying import ApplyRequest
from warehouse.database.applying import ApplyAttempt

NEW = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
OLD = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
Open = Callable[..., ApplyingWorld]


def apply(world: ApplyingWorld, **options: Any) -> ApplyAttempt:
    return applying.apply(world.runtime, OWNER, ApplyRequest(world.id, **options))


def attempts(world: ApplyingWorld) -> list[tuple[str, bool, str]]:
    found = applying.list_attempts(world.runtime, OWNER)
    return [(one.action, one.is_dry_run, one.result.value) for one in reversed(found)]


def test_the_server_is_asked_first_and_then_told_and_both_are_recorded(opened: Open) -> None:
    world = opened()
    found = apply(world)
    assert found.result is ApplyResult.APPLIED
    assert world.resources() == NEW
    assert world.resources("proxy") == {"requests": {"cpu": "100m", "memory": "64Mi"}}
    first, second = world.patches()
    assert "dryRun=All" in first
    assert "dryRun" not in second
    assert "force" not in first + second
    assert attempts(world) == [("apply", True, "passed"), ("apply", False, "applied")]
    managers = {one["manager"]: one["operation"] for one in world.workload()["metadata"]["managedFields"]}
    assert managers == {"millicore": "Apply"}


def test_the_suggestion_stays_accepted_until_the_cluster_shows_it(opened: Open) -> None:
    world = opened()
    apply(world)
    assert world.runtime.warehouse.recommendations.get(world.id).state == "accepted"


def test_a_dry_run_changes_nothing_and_is_allowed_before_anyone_accepts(opened: Open) -> None:
    world = opened(is_accepted=False)
    version = world.server.store.version
    assert apply(world, is_dry_run=True).result is ApplyResult.PASSED
    assert world.server.store.version == version
    assert attempts(world) == [("apply", True, "passed")]
    with pytest.raises(Conflict, match="accept it first"):
        apply(world)


def test_it_is_off_by_default_and_by_cluster(opened: Open) -> None:
    world = opened(settings={"apply_enabled": False})
    with pytest.raises(UsageError, match="apply_enabled"):
        apply(world, is_dry_run=True)
    assert world.server.requests == []
    plan = applying.plan_apply(world.runtime, OWNER, world.id)
    assert plan.channel == "live"
    assert "switched off" in plan.blocks[0]


def test_a_cluster_that_is_not_listed_is_not_changed(opened: Open) -> None:
    world = opened(settings={"apply_clusters": ("beta*",)})
    with pytest.raises(UsageError, match="apply_clusters"):
        apply(world)


def test_an_owner_without_rights_changes_nothing(opened: Open) -> None:
    world = opened()
    with pytest.raises(NotFound):
        applying.apply(world.runtime, STRANGER, ApplyRequest(world.id))
    with pytest.raises(Forbidden):
        applying.apply(world.runtime, READER, ApplyRequest(world.id))
    assert world.server.requests == []
    assert applying.list_attempts(world.runtime, STRANGER) == []


def test_a_stale_etag_changes_nothing(opened: Open) -> None:
    world = opened()
    with pytest.raises(Conflict, match="has changed since it was read"):
        apply(world, etag="0" * 16)
    assert world.server.requests == []


@pytest.mark.parametrize("manager", ["kubectl-client-side-apply", "OpenAPI-Generator"])
def test_a_field_of_another_manager_is_shown_and_never_forced(opened: Open, manager: str) -> None:
    world = opened(owned_by(manager))
    found = apply(world)
    assert found.result is ApplyResult.CONFLICT
    fields = {one["field"] for one in found.answer["conflicts"]}
    assert {one["manager"] for one in found.answer["conflicts"]} == {manager}
    assert '.spec.template.spec.containers[name="app"].resources.requests.cpu' in fields
    assert world.resources() == OLD
    assert attempts(world) == [("apply", True, "conflict")]


def test_a_merge_overwrites_what_a_person_set_by_kubectl(opened: Open) -> None:
    world = opened(owned_by("kubectl-client-side-apply"))
    found = apply(world, method=ApplyMethod.STRATEGIC)
    assert found.result is ApplyResult.APPLIED
    assert world.resources() == NEW
    assert "kubectl apply of its manifest would put the old values back" in found.answer["details"][0]


def test_a_name_that_would_address_another_object_is_refused(opened: Open) -> None:
    key = ContainerKey(WorkloadKey("alpha", "shop", "Deployment", "../../secrets/x?force=true"), "app")
    world = opened(advice=replace(suggestion(), key=key))
    with pytest.raises(InputError, match="is not a name of a Kubernetes object"):
        apply(world)
    assert world.server.requests == []


@pytest.mark.parametrize("name", ["..", ".", "web/scale", "web?x=1", "WEB", "", "a" * 254, "web\n"])
def test_only_names_of_objects_make_a_path(name: str) -> None:
    with pytest.raises(InputError):
        ObjectPlace(KINDS["Deployment"], "shop", name)
    with pytest.raises(InputError):
        ObjectPlace(KINDS["Deployment"], name, "web")


@pytest.mark.parametrize("method", [ApplyMethod.STRATEGIC, ApplyMethod.JSON])
def test_a_merge_does_not_overwrite_what_a_program_set(opened: Open, method: ApplyMethod) -> None:
    world = opened(owned_by("deploy-bot"))
    found = apply(world, method=method)
    assert found.result is ApplyResult.CONFLICT
    assert "deploy-bot" in found.message
    assert world.patches() == []


def test_a_json_patch_of_a_built_in_kind_comes_to_the_same(opened: Open) -> None:
    world = opened()
    assert apply(world, method=ApplyMethod.JSON).result is ApplyResult.APPLIED
    assert world.resources() == NEW


def test_values_that_changed_since_the_advice_are_not_overwritten(opened: Open) -> None:
    changed = deployment()
    changed["spec"]["template"]["spec"]["containers"][1]["resources"]["requests"]["cpu"] = "3"
    world = opened(changed)
    found = apply(world)
    assert found.result is ApplyResult.CHANGED
    assert "cpu 3" in found.message
    assert world.patches() == []


def test_a_workload_that_went_is_said_so(opened: Open) -> None:
    world = opened()
    world.server.delete("deployments", "web", "shop")
    assert "not there" in apply(world).message


def test_an_object_that_moves_between_reading_and_patching_is_read_again(opened: Open) -> None:
    world = opened()
    get = world.server.get
    raced: list[int] = []

    def racing_get(call: Any) -> dict[str, Any]:
        item = get(call)
        if call.verb == "get" and call.resource.kind == "Deployment" and len(raced) < 2:
            raced.append(1)
            moved = {**item, "kind": "Deployment", "status": {"observedGeneration": len(raced)}}
            world.server.put(moved)
        return item

    world.server.get = racing_get  # type: ignore[method-assign]
    assert apply(world).result is ApplyResult.APPLIED
    assert len(world.patches()) == 4


def test_a_limit_range_is_found_before_pods_are_refused(opened: Open) -> None:
    limits = [{"type": "Container", "min": {"cpu": "750m"}, "max": {"memory": "1Gi"}}]
    limit_range = {
        "kind": "LimitRange",
        "metadata": {"name": "bounds", "namespace": "shop"},
        "spec": {"limits": limits},
    }
    world = opened(deployment(), limit_range)
    found = apply(world)
    assert found.result is ApplyResult.REFUSED
    assert "below its minimum of 750m" in found.message
    assert "above its maximum of 1Gi" in found.message
    assert world.patches() == []


def test_values_that_a_limit_range_fills_in_are_those_of_the_advice(opened: Open) -> None:
    bare = deployment()
    bare["spec"]["template"]["spec"]["containers"][1]["resources"] = {}
    limits = [{"type": "Container", "defaultRequest": {"cpu": "1"}, "default": {"memory": "2Gi"}}]
    metadata = {"name": "defaults", "namespace": "shop"}
    world = opened(bare, {"kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}})
    assert apply(world).result is ApplyResult.APPLIED
    assert world.resources() == NEW
    assert apply(opened_without(world), is_rollback=True).result is ApplyResult.APPLIED


def opened_without(world: ApplyingWorld) -> ApplyingWorld:
    """Return the world after somebody deleted the LimitRange."""
    world.server.delete("limitranges", "defaults", "shop")
    return world


def test_a_quota_without_room_for_the_increase_is_found(opened: Open) -> None:
    quota = {
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": "shop"},
        "spec": {"hard": {"requests.cpu": "8"}},
        "status": {"used": {"requests.cpu": "6500m"}},
    }
    more = replace(suggestion(), advised=ResourceValues(1.6, None, 2.0**31, 2.0**31))
    world = opened(deployment(), quota, advice=more)
    found = apply(world)
    assert found.result is ApplyResult.REFUSED
    assert found.message == "ResourceQuota team: requests.cpu has 1.5 left and 1.8 is needed"


def test_a_right_that_is_missing_is_named(opened: Open) -> None:
    world = opened()
    world.server.rules["tester"] = {("get", "*"), ("list", "*")}
    found = apply(world)
    assert found.result is ApplyResult.FORBIDDEN
    assert "deploy/kubernetes-apply-rbac.yaml" in found.message
    assert 'cannot patch resource "deployments"' in found.message


def test_a_server_that_fails_the_dry_run_changed_nothing(opened: Open) -> None:
    world = opened()
    world.server.faults.append(Fault("patch", "deployments", drop=True))
    with pytest.raises(SourceUnreachable):
        apply(world)
    assert world.resources() == OLD


def test_a_lost_answer_is_looked_up_and_never_sent_twice(opened: Open) -> None:
    world = opened()
    patch = world.server.patch

    def take_and_hang_up(call: Any, *rest: Any) -> dict[str, Any]:
        found = patch(call, *rest)
        if call.query.get("dryRun") != "All":
            raise ConnectionResetError("the line is cut after the change was stored")
        return found

    world.server.patch = take_and_hang_up  # type: ignore[method-assign]
    found = apply(world)
    assert (found.result, found.message) == (
        ApplyResult.APPLIED,
        "the answer was lost, the object shows the change",
    )
    assert world.resources() == NEW


def test_a_lost_patch_is_unknown_and_not_claimed(opened: Open) -> None:
    world = opened()
    world.server.faults.append(Fault("patch", "deployments", drop=True, skip=1))
    assert apply(world).result is ApplyResult.UNKNOWN
    assert world.resources() == OLD
    assert attempts(world)[-1] == ("apply", False, "unknown")


def test_too_many_requests_are_waited_for(opened: Open) -> None:
    world = opened()
    world.server.faults.append(Fault("patch", "deployments", status=429, headers={"Retry-After": "0"}))
    assert apply(world).result is ApplyResult.APPLIED


def test_rollback_puts_the_old_values_back(opened: Open) -> None:
    world = opened()
    apply(world)
    assert apply(world, is_rollback=True).result is ApplyResult.APPLIED
    assert world.resources() == OLD
    assert attempts(world)[-2:] == [("rollback", True, "passed"), ("rollback", False, "applied")]


def test_rollback_of_what_was_never_carried_out_finds_the_old_values(opened: Open) -> None:
    assert apply(opened(), is_rollback=True).result is ApplyResult.CHANGED


def test_what_was_applied_to_another_container_before_stays(opened: Open) -> None:
    world = opened()
    apply(world)
    other = replace(
        suggestion(),
        key=ContainerKey(suggestion().key.workload, "proxy"),
        current=ResourceValues(0.1, None, 2.0**26, None),
        advised=ResourceValues(0.05, None, 2.0**26, None),
    )
    from support.recommendations import run_of

    repository = world.runtime.warehouse.recommendations
    repository.save_run(run_of(suggestion(), other))
    (stored,) = [one for one in repository.list(OWNER) if one.recommendation.key.container == "proxy"]
    from service.usecases import decisions

    decisions.accept(world.runtime, OWNER, stored.id, stored.etag)
    found = applying.apply(world.runtime, OWNER, ApplyRequest(stored.id))
    assert found.result is ApplyResult.APPLIED
    assert world.resources("proxy")["requests"]["cpu"] == "50m"
    assert world.resources() == NEW, "server-side apply takes away what is not applied again"


def test_a_limit_that_another_manager_set_cannot_be_taken_away_by_apply(opened: Open) -> None:
    fewer = replace(suggestion(), advised=ResourceValues(1.0, None, 2.0**31, None))
    world = opened(owned_by("kubectl-edit"), advice=fewer)
    found = apply(world)
    assert found.result is ApplyResult.REFUSED
    assert "--method strategic" in found.message
    assert apply(world, method=ApplyMethod.STRATEGIC).result is ApplyResult.APPLIED
    assert "limits" not in world.resources() or world.resources()["limits"] == {}
