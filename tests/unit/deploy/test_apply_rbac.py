"""The applying role is one of its own, patches what can be patched, and opens nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from models.kubernetes.kinds import KINDS


@pytest.fixture(scope="module")
def documents(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    repository: Path = request.getfixturevalue("repository")
    return list(yaml.safe_load_all((repository / "deploy" / "kubernetes-apply-rbac.yaml").read_text()))


def rights(documents: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for rule in documents[0]["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault((group, resource), set()).update(rule["verbs"])
    return found


def test_every_kind_that_can_be_patched_may_be_and_no_other(documents: list[dict[str, Any]]) -> None:
    patchable = {(kind.group, kind.plural) for kind in KINDS.values() if kind.can_be_patched}
    others = {
        ("", "pods/resize"),
        ("autoscaling", "horizontalpodautoscalers"),
        ("keda.sh", "scaledobjects"),
    }
    assert rights(documents).keys() == patchable | others


def test_patch_is_all_that_is_added(documents: list[dict[str, Any]]) -> None:
    assert set().union(*rights(documents).values()) == {"get", "patch"}


def test_it_is_bound_to_the_account_that_reads(documents: list[dict[str, Any]]) -> None:
    role, binding = documents
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "millicore-applier"
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "millicore-reader", "namespace": "millicore"}
    ]
