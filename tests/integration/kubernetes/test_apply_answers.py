"""What the writer makes of the answers that a real API server 1.36 gave."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.kubernetes_api import Recording, read_recordings

from ingest.kubernetes.apply import ObjectPlace, pod_place
from ingest.kubernetes.apply_answers import judge_answer
from ingest.kubernetes.connection import Answered
from models.applying.attempt import ApplyMethod, ApplyOutcome, ApplyResult
from models.kubernetes.field_managers import applied_resources, resource_managers
from models.kubernetes.kinds import KINDS
from models.kubernetes.templates import find_container, template_containers

DEPLOYMENT = KINDS["Deployment"]


@pytest.fixture(scope="module")
def recordings(request: pytest.FixtureRequest) -> dict[str, Recording]:
    shared_data: Path = request.getfixturevalue("shared_data")
    return {recording.name: recording for recording in read_recordings(shared_data)}


def judged(recording: Recording, method: ApplyMethod = ApplyMethod.STRATEGIC) -> ApplyOutcome:
    is_pod = "/pods/" in recording.request["path"]
    name = recording.request["path"].split("?")[0].split("/")[-2 if is_pod else -1]
    place = (
        pod_place("ads-prod", name, is_resize=True) if is_pod else ObjectPlace(DEPLOYMENT, "ads-prod", name)
    )
    return judge_answer(Answered(recording.status, recording.body), method, place, is_dry_run=True)


@pytest.mark.parametrize(
    ("name", "result", "said"),
    [
        ("patch_deployment_strategic_dry_run", ApplyResult.PASSED, "taken by the API"),
        ("patch_pod_resize_dry_run", ApplyResult.PASSED, "taken by the API"),
        ("apply_deployment_server_side_conflict", ApplyResult.CONFLICT, "OpenAPI-Generator"),
        ("patch_deployment_conflict", ApplyResult.CHANGED, "the object has been modified"),
        ("patch_deployment_not_found", ApplyResult.CHANGED, "is not there (any more)"),
        ("patch_deployment_forbidden", ApplyResult.FORBIDDEN, "deploy/kubernetes-apply-rbac.yaml"),
        ("patch_deployment_request_over_limit", ApplyResult.REFUSED, "less than or equal to cpu limit of 1"),
        ("patch_deployment_bad_quantity", ApplyResult.REFUSED, "quantities must match"),
        ("patch_pod_resize_qos_change", ApplyResult.REFUSED, "Pod QOS Class may not change"),
    ],
)
def test_each_recorded_answer_has_its_outcome(
    recordings: dict[str, Recording], name: str, result: ApplyResult, said: str
) -> None:
    found = judged(recordings[name])
    assert found.result is result
    assert said in found.message
    assert found.status == recordings[name].status


def test_a_recorded_conflict_names_manager_and_field(recordings: dict[str, Recording]) -> None:
    found = judged(recordings["apply_deployment_server_side_conflict"], ApplyMethod.SERVER_SIDE)
    assert [(one.manager, one.field) for one in found.conflicts] == [
        (
            "OpenAPI-Generator",
            f'.spec.template.spec.containers[name="gateway-consumer"].resources.requests.{resource}',
        )
        for resource in ("cpu", "memory")
    ]


def test_an_admission_plugin_s_403_is_no_missing_right() -> None:
    message = 'pods "web" is forbidden: exceeded quota: team, requested: requests.cpu=1'
    body = {"kind": "Status", "reason": "Forbidden", "message": message, "code": 403}
    place = pod_place("shop", "web", is_resize=True)
    found = judge_answer(Answered(403, body), ApplyMethod.RESIZE, place, is_dry_run=False)
    assert (found.result, found.message) == (ApplyResult.REFUSED, message)


def test_managers_and_values_are_read_from_recorded_objects(recordings: dict[str, Recording]) -> None:
    before = recordings["get_deployment"].body
    forced = recordings["apply_deployment_server_side_force"].body
    assert resource_managers(before["metadata"]["managedFields"], DEPLOYMENT) == {
        "gateway-consumer": ["OpenAPI-Generator"]
    }
    managed = forced["metadata"]["managedFields"]
    assert resource_managers(managed, DEPLOYMENT) == {"gateway-consumer": ["OpenAPI-Generator", "millicore"]}
    assert applied_resources(managed, DEPLOYMENT, "millicore") == {
        ("containers", "gateway-consumer"): {("requests", "cpu"), ("requests", "memory")}
    }
    container = find_container(template_containers(forced["spec"]["template"]["spec"]), "gateway-consumer")
    assert container is not None
    assert container.values.cpu_request_cores == 0.123
    assert container.values.memory_limit_bytes == 256 * 2.0**20
