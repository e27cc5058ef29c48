"""Git patches: the resources of one container change, every other character of the file stays."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.board_world import NOW, WORKLOADS, recommendation

from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.replicas import HpaChange, ScalerKind, TargetChange
from service.patches.change import ResourceChange, change_of
from service.patches.manifests import git_patch

GIB = 2.0**30
ADVICE = recommendation(WORKLOADS[0], NOW, "412.35")  # 2 to 0.8 cores, 4 GiB to 2.5 GiB, limits stay
MANIFEST = """\
# the search API, owned by team search
apiVersion: v1
kind: Service
metadata: {name: search-api}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: search-api   # also the name of the service
spec:
  template:
    spec:
      containers:
      - name: app
        image: "search:1"
        resources:
          requests:
            cpu: "2"        # measured in March
            memory: 4Gi
          limits:
            cpu: 4
            memory: '4Gi'

      - name: proxy
        resources: {requests: {cpu: 2, memory: 4Gi}, limits: {cpu: 4, memory: 4Gi}}
"""


def change(**changes: Any) -> ResourceChange:
    return change_of(replace(ADVICE, **changes))


def patched(folder: Path, text: str, wanted: ResourceChange | None = None) -> str:
    """Write a manifest, make the patch, carry it out with git, and return what the file then says."""
    path = folder / "deploy.yaml"
    path.write_bytes(text.encode())
    patch = git_patch(wanted or change(), [path]).text
    (folder / "deploy.yaml").write_bytes(text.encode())
    name = path.as_posix().lstrip("/")
    patch = patch.replace(f"a/{name}", "a/deploy.yaml").replace(f"b/{name}", "b/deploy.yaml")
    (folder / "change.patch").write_bytes(patch.encode())
    subprocess.run(["git", "apply", "change.patch"], cwd=folder, check=True, capture_output=True)
    return path.read_bytes().decode()


def app_of(text: str, name: str = "app") -> dict[str, Any]:
    for document in yaml.safe_load_all(text):
        if document["kind"] == "Deployment":
            containers = document["spec"]["template"]["spec"]["containers"]
            return dict(next(one for one in containers if one["name"] == name)["resources"])
    raise AssertionError("no Deployment")


def test_two_values_change_and_comments_quotes_and_order_stay(tmp_path: Path) -> None:
    assert patched(tmp_path, MANIFEST) == MANIFEST.replace('cpu: "2" ', 'cpu: "800m" ').replace(
        "            memory: 4Gi\n          limits", "            memory: 2560Mi\n          limits"
    )


def test_a_rollback_gives_the_first_file_back(tmp_path: Path) -> None:
    back = change_of(ADVICE, is_rollback=True)
    changed = patched(tmp_path, MANIFEST)
    assert patched(tmp_path, changed, back) == MANIFEST


def test_the_other_container_is_not_touched(tmp_path: Path) -> None:
    assert app_of(patched(tmp_path, MANIFEST), "proxy") == app_of(MANIFEST, "proxy")


def test_braces_stay_braces(tmp_path: Path) -> None:
    key = replace(ADVICE.key, container="proxy")
    text = patched(tmp_path, MANIFEST, change(key=key))
    assert "resources: {requests: {cpu: 800m, memory: 2560Mi}, limits: {cpu: 4, memory: 4Gi}}" in text


def test_line_ends_of_windows_stay(tmp_path: Path) -> None:
    text = patched(tmp_path, MANIFEST.replace("\n", "\r\n"))
    assert text.count("\n") == text.count("\r\n")
    assert app_of(text)["requests"] == {"cpu": "800m", "memory": "2560Mi"}


def test_a_file_without_a_last_line_end_stays_so(tmp_path: Path) -> None:
    text = MANIFEST.split("\n\n      - name: proxy")[0]
    assert not text.endswith("\n")
    back = replace(ADVICE, advised=ResourceValues(2.0, 4.0, 4 * GIB, 6 * GIB))
    assert patched(tmp_path, text, change_of(back)).endswith("memory: '6Gi'")


def test_a_container_without_resources_gets_them_below_its_name(tmp_path: Path) -> None:
    text = MANIFEST.split("        resources:")[0] + "        env: []\n"
    first = change(current=ResourceValues(), advised=ResourceValues(0.25, 0.5, GIB, GIB))
    after = patched(tmp_path, text, first)
    assert app_of(after) == {
        "requests": {"cpu": "250m", "memory": "1Gi"},
        "limits": {"cpu": "500m", "memory": "1Gi"},
    }
    assert 'image: "search:1"' in after


@pytest.mark.parametrize("empty", ["resources:", "resources: {}", "resources: null"])
def test_resources_that_are_there_but_empty_are_filled(tmp_path: Path, empty: str) -> None:
    text = MANIFEST.split("        resources:")[0] + f"        {empty}\n"
    first = change(current=ResourceValues(), advised=ResourceValues(0.25, None, GIB, GIB))
    assert app_of(patched(tmp_path, text, first)) == {
        "requests": {"cpu": "250m", "memory": "1Gi"},
        "limits": {"memory": "1Gi"},
    }


def test_a_missing_value_is_put_beside_the_others(tmp_path: Path) -> None:
    text = MANIFEST.replace("            memory: 4Gi\n          limits", "          limits")
    wanted = change(
        current=ResourceValues(2.0, 4.0, 4 * GIB, 4 * GIB), advised=ResourceValues(2.0, 4.0, GIB, 4 * GIB)
    )
    assert app_of(patched(tmp_path, text, wanted))["requests"] == {"cpu": "2", "memory": "1Gi"}


def test_a_missing_section_is_put_in(tmp_path: Path) -> None:
    text = MANIFEST.replace("          limits:\n            cpu: 4\n            memory: '4Gi'\n", "")
    wanted = change(
        current=ResourceValues(2.0, None, 4 * GIB, None), advised=ResourceValues(1.0, 2.0, 4 * GIB, None)
    )
    assert app_of(patched(tmp_path, text, wanted)) == {
        "requests": {"cpu": "1", "memory": "4Gi"},
        "limits": {"cpu": 2},
    }


def test_a_value_that_is_taken_away_takes_its_line(tmp_path: Path) -> None:
    text = patched(tmp_path, MANIFEST, change(advised=ResourceValues(2.0, None, 4 * GIB, 4 * GIB)))
    assert text == MANIFEST.replace("            cpu: 4\n", "")


def test_objects_of_a_list_are_found(tmp_path: Path) -> None:
    body = "".join(f"  {line}\n" for line in MANIFEST.split("---\n")[1].splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n-{body[1:]}"
    assert 'cpu: "800m"' in patched(tmp_path, text)


def test_stateful_sets_of_two_groups_are_told_apart(tmp_path: Path) -> None:
    built_in = MANIFEST.replace("kind: Deployment", "kind: StatefulSet")
    kruise = built_in.replace("apps/v1", "apps.kruise.io/v1beta1")
    key = ADVICE.key.workload
    for kind, mine, other in (("StatefulSet", built_in, kruise), ("AdvancedStatefulSet", kruise, built_in)):
        workload = replace(key, kind=kind)
        wanted = change(key=replace(ADVICE.key, workload=workload))
        assert 'cpu: "800m"' in patched(tmp_path, mine, wanted)
        (tmp_path / "deploy.yaml").write_text(other)
        with pytest.raises(InputError, match=f"holds no {kind}"):
            git_patch(wanted, [tmp_path / "deploy.yaml"])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: [", "is not YAML"),
        ("spec:\n{{- if .Values.x }}\n", "template"),
        (MANIFEST.replace("kind: Deployment", "kind: StatefulSet"), "holds no Deployment search-api"),
        (MANIFEST + "---\n" + MANIFEST.split("---\n")[1], "2 times"),
        (MANIFEST.replace("- name: app", "- name: main"), "holds no container app"),
        (MANIFEST.replace("apps/v1", "apps/v1").replace("name: search-api   #", "name: x #"), "holds no"),
        (
            MANIFEST.replace("name: search-api   #", "namespace: other\n  name: search-api   #"),
            "namespace search",
        ),
    ],
)
def test_what_cannot_be_edited_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "deploy.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=why):
        git_patch(change(), [path])


def test_values_shared_by_an_anchor_are_not_changed_for_others(tmp_path: Path) -> None:
    text = MANIFEST.replace("        resources:\n", "        resources: &res\n").replace(
        "resources: {requests: {cpu: 2, memory: 4Gi}, limits: {cpu: 4, memory: 4Gi}}", "resources: *res"
    )
    path = tmp_path / "deploy.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="shared by an anchor"):
        git_patch(change(), [path])


def test_a_manifest_with_other_values_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    path.write_text(MANIFEST.replace('cpu: "2" ', 'cpu: "3" '))
    with pytest.raises(Conflict, match="it is not the manifest in force"):
        git_patch(change(), [path])
    path.write_text(
        MANIFEST.replace('cpu: "2" ', 'cpu: "0.8" ').replace("memory: 4Gi\n", "memory: 2560Mi\n", 1)
    )
    with pytest.raises(Conflict, match="already"):
        git_patch(change(), [path])


SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: search-api}
spec:
  metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: 60 # of the request
"""
PLACE = "/spec/metrics/0/resource/target/averageUtilization"
HPA = HpaChange(
    ScalerKind.HORIZONTAL_POD_AUTOSCALER,
    "search",
    "search-api",
    (TargetChange("cpu", None, 0, 60, 95, 1.2, 1.2, True, "60 % of 2 cores is 95 % of the new request."),),
    2,
    10,
    (
        {"op": "test", "path": "/spec/metrics/0/resource/name", "value": "cpu"},
        {"op": "test", "path": PLACE, "value": 60},
        {"op": "replace", "path": PLACE, "value": 95},
    ),
)


def test_the_autoscaler_changes_in_the_same_patch(tmp_path: Path) -> None:
    text = patched(tmp_path, f"{MANIFEST}---\n{SCALER}", change(hpa=HPA))
    assert "averageUtilization: 95 # of the request" in text
    assert app_of(text)["requests"]["cpu"] == "800m"


def test_the_autoscaler_goes_back_with_the_rollback(tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    before = f"{MANIFEST}---\n{SCALER}"
    path.write_text(patched(tmp_path, before, change(hpa=HPA)))
    back = git_patch(change_of(replace(ADVICE, hpa=HPA), is_rollback=True), [path], is_rollback=True)
    assert "+        averageUtilization: 60 # of the request" in back.text


def test_an_autoscaler_that_is_not_in_the_files_is_named(tmp_path: Path) -> None:
    path = tmp_path / "deploy.yaml"
    path.write_text(MANIFEST)
    (note,) = git_patch(change(hpa=HPA), [path]).notes
    assert "HorizontalPodAutoscaler search-api is not in these files" in note
