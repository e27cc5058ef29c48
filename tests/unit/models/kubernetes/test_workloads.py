from __future__ import annotations

from typing import Any

import pytest

from models.kubernetes.workloads import Owner, PodOwnership, find_workload, owner_lookup, revision_of

OWNERS = owner_lookup(
    {
        ("shop", "ReplicaSet", "web-6c9"): Owner("Deployment", "web"),
        ("shop", "Deployment", "web"): None,
        ("shop", "Job", "nightly-28566720"): Owner("CronJob", "nightly"),
        ("shop", "CronJob", "nightly"): None,
        ("shop", "Job", "import-1"): None,
        ("shop", "StatefulSet", "db"): Owner("Database", "db"),
        ("shop", "ReplicaSet", "loop"): Owner("ReplicaSet", "loop"),
    }
)


def pod(owner: Owner | None, name: str = "p", **more: Any) -> PodOwnership:
    return PodOwnership("shop", name, owner, more.pop("labels", {}), **more)


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        (Owner("ReplicaSet", "web-6c9"), Owner("Deployment", "web")),
        (Owner("Job", "nightly-28566720"), Owner("CronJob", "nightly")),
        (Owner("Job", "import-1"), Owner("Job", "import-1")),
        (Owner("StatefulSet", "db"), Owner("StatefulSet", "db")),
        (Owner("DaemonSet", "agent"), Owner("DaemonSet", "agent")),
        (Owner("Workflow", "train-x1"), Owner("Workflow", "train-x1")),
        (Owner("ReplicaSet", "loop"), Owner("ReplicaSet", "loop")),
    ],
)
def test_the_owner_chain_stops_at_the_last_known_kind(owner: Owner, expected: Owner) -> None:
    assert find_workload(pod(owner), OWNERS) == expected


def test_a_replicaset_that_is_gone_still_gives_its_deployment() -> None:
    gone = pod(Owner("ReplicaSet", "old-7f4b"), labels={"pod-template-hash": "7f4b"})
    assert find_workload(gone, OWNERS) == Owner("Deployment", "old")
    rollout = pod(Owner("ReplicaSet", "old-7f4b"), labels={"rollouts-pod-template-hash": "7f4b"})
    assert find_workload(rollout, OWNERS) == Owner("Rollout", "old")
    unlabelled = pod(Owner("ReplicaSet", "old-7f4b"))
    assert find_workload(unlabelled, OWNERS) == Owner("ReplicaSet", "old-7f4b")


def test_a_job_that_is_gone_gives_its_cronjob_by_the_scheduled_minute() -> None:
    assert find_workload(pod(Owner("Job", "export-29919600")), OWNERS) == Owner("CronJob", "export")
    assert find_workload(pod(Owner("Job", "export-12")), OWNERS) == Owner("Job", "export-12")


def test_bare_pods_are_named_by_their_generator_then_their_label_then_themselves() -> None:
    labels = {"app.kubernetes.io/name": "tool"}
    assert find_workload(pod(None, "run-x7k", generate_name="run-", labels=labels), OWNERS).name == "run"
    assert find_workload(pod(None, "run-x7k", labels=labels), OWNERS).name == "tool"
    assert find_workload(pod(None, "run-x7k"), OWNERS) == Owner("Pod", "run-x7k")


def test_a_static_pod_is_one_workload_on_all_nodes() -> None:
    owner = Owner("Node", "master-0.example.com")
    static = pod(owner, "etcd-master-0.example.com", node="master-0.example.com")
    assert find_workload(static, OWNERS) == Owner("Pod", "etcd")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"pod-template-hash": "6c9"}, "6c9"),
        ({"controller-revision-hash": "db-688f776cd6"}, "688f776cd6"),
        ({"controller-revision-hash": "76f6c5"}, "76f6c5"),
        ({}, None),
    ],
)
def test_the_revision_is_the_template_hash(labels: dict[str, str], expected: str | None) -> None:
    assert revision_of(labels, "db") == expected
