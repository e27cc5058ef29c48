"""The reader account may read what Millicore reads, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.kubernetes.resources import RESOURCES


@pytest.fixture(scope="module")
def documents(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    repository: Path = request.getfixturevalue("repository")
    return list(yaml.safe_load_all((repository / "deploy" / "kubernetes-rbac.yaml").read_text()))


def rules_of(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for document in documents for rule in document.get("rules", ())]


def test_the_rights_are_exactly_what_is_read(documents: list[dict[str, Any]]) -> None:
    granted = {
        (group, resource)
        for rule in rules_of(documents)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert granted == {(resource.group, resource.plural) for resource in RESOURCES}


def test_reading_is_all_that_is_allowed(documents: list[dict[str, Any]]) -> None:
    for rule in rules_of(documents):
        assert rule["verbs"] == ["get", "list", "watch"]
        assert set(rule) == {"apiGroups", "resources", "verbs"}


def test_secrets_configmaps_logs_and_node_proxies_stay_closed(documents: list[dict[str, Any]]) -> None:
    resources = {resource for rule in rules_of(documents) for resource in rule["resources"]}
    assert not resources & {"secrets", "configmaps", "pods/log", "pods/exec", "nodes/proxy", "*"}


def test_the_binding_ties_this_role_to_this_account(documents: list[dict[str, Any]]) -> None:
    by_kind = {document["kind"]: document for document in documents}
    binding, account = by_kind["ClusterRoleBinding"], by_kind["ServiceAccount"]
    assert binding["roleRef"]["name"] == by_kind["ClusterRole"]["metadata"]["name"]
    assert binding["subjects"] == [
        {
            "kind": "ServiceAccount",
            "name": account["metadata"]["name"],
            "namespace": account["metadata"]["namespace"],
        }
    ]
    assert account["automountServiceAccountToken"] is False
