from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
import yaml
from support.board_world import NOW, WORKLOADS, recommendation

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import ResourceValues
from service.patches import build_patch, can_be_patched, write_command, write_patch

ADVICE = recommendation(WORKLOADS[0], NOW, "412.35")


def of_kind(kind: str) -> object:
    key = ContainerKey(WorkloadKey("shop-eu", "search", kind, "search-api"), "app")
    return replace(ADVICE, key=key)


def test_the_patch_holds_only_what_changes() -> None:
    assert build_patch(ADVICE) == {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "app", "resources": {"requests": {"cpu": "800m", "memory": "2560Mi"}}}
                    ]
                }
            }
        }
    }


def test_a_limit_that_is_taken_away_is_null_so_that_the_merge_deletes_it() -> None:
    advice = replace(ADVICE, advised=ResourceValues(2.0, None, 4 * 2.0**30, 4 * 2.0**30))
    container = build_patch(advice)["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"] == {"limits": {"cpu": None}}


def test_yaml_and_command_say_the_same() -> None:
    patch = build_patch(ADVICE)
    assert yaml.safe_load(write_patch(ADVICE)) == patch
    words = shlex.split(write_command(ADVICE))
    assert words[:6] == ["kubectl", "--namespace", "search", "patch", "deployment", "search-api"]
    assert json.loads(words[-1]) == patch


def test_a_cron_job_is_patched_in_its_job_template() -> None:
    assert "jobTemplate" in build_patch(of_kind("CronJob"))["spec"]  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["Job", "Pod", "Rollout"])
def test_what_cannot_be_patched_offers_no_patch(kind: str) -> None:
    assert not can_be_patched(of_kind(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a; rm -rf /", "$(reboot)", "x\nkind: Secret", '"quoted"', "`id`"])
def test_a_hostile_name_stays_one_word_of_the_command_and_no_line_of_the_yaml(name: str) -> None:
    key = ContainerKey(WorkloadKey("shop-eu", name, "Deployment", name), name)
    advice = replace(ADVICE, key=key)
    words = shlex.split(write_command(advice))
    assert words[2] == name
    assert words[5] == name
    assert yaml.safe_load(write_patch(advice)) == build_patch(advice)
