from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from support.kubernetes_objects import at, node, pod, stamp

from ingest.kubernetes.history import ObjectHistory

JsonObject = dict[str, Any]


@pytest.fixture
def history() -> ObjectHistory:
    return ObjectHistory("prod")


def rows_of(history: ObjectHistory, kind: str = "Pod") -> list[JsonObject]:
    return [row for row in history.take().object_history.to_pylist() if row["kind"] == kind]


def modified(item: JsonObject, moment: datetime) -> JsonObject:
    item["metadata"]["managedFields"] = [{"manager": "kubectl", "operation": "Update", "time": stamp(moment)}]
    return item


def test_a_first_version_is_valid_from_the_object_s_creation(history: ObjectHistory) -> None:
    history.see("Pod", pod(scheduled=at(1)), at(5))
    (row,) = rows_of(history)
    assert (row["valid_from"], row["valid_to"], row["month"]) == (at(1), None, "2026-11")


def test_seeing_the_same_again_adds_nothing(history: ObjectHistory) -> None:
    for hour in (5, 6):
        history.see("Pod", modified(pod(), at(hour)), at(hour))
    assert len(rows_of(history)) == 1


def test_a_changed_label_is_valid_from_the_time_the_object_states(history: ObjectHistory) -> None:
    history.see("Pod", pod(), at(1))
    history.see("Pod", modified(pod(labels={"team": "search"}), at(3)), at(5))
    first, second = rows_of(history)
    assert (first["valid_from"], second["valid_from"]) == (at(0), at(3))
    assert json.loads(second["spec"])["labels"]["team"] == "search"


def test_a_change_without_a_time_is_valid_from_now(history: ObjectHistory) -> None:
    history.see("Pod", pod(), at(1))
    history.see("Pod", pod(labels={"team": "search"}), at(5))
    assert [row["valid_from"] for row in rows_of(history)] == [at(0), at(5)]


def test_a_pod_that_moved_is_another_pod_on_another_node(history: ObjectHistory) -> None:
    history.see("Pod", pod("db-0", uid="u1", node_name="n1"), at(1))
    history.see_gone("Pod", pod("db-0", uid="u1", node_name="n1"), at(2))
    history.see("Pod", pod("db-0", uid="u2", node_name="n2", scheduled=at(2)), at(2))
    rows = rows_of(history)
    assert [(row["uid"], row["valid_from"], row["valid_to"]) for row in rows] == [
        ("u1", at(0), None),
        ("u1", at(2), at(2)),
        ("u2", at(2), None),
    ]
    assert [json.loads(row["spec"])["node"] for row in rows] == ["n1", "n1", "n2"]


def test_a_replaced_node_with_the_same_name_has_another_key(history: ObjectHistory) -> None:
    history.see("Node", node("n1", provider_id="aws:///eu-west-1a/i-1"), at(0))
    replacement = node("n1", created=at(4), provider_id="aws:///eu-west-1a/i-2")
    history.see_all("Node", [replacement], at(5))
    rows = rows_of(history, "Node")
    keys = [json.loads(row["spec"]).get("node_key") for row in rows]
    assert keys == ["aws:///eu-west-1a/i-1", "aws:///eu-west-1a/i-2", None]
    assert [row["valid_from"] for row in rows] == [at(0), at(4), at(5)]
    assert rows[-1]["valid_to"] == at(5)


def test_what_vanished_unseen_is_marked_as_such(history: ObjectHistory) -> None:
    history.see_all("Pod", [pod("a"), pod("b")], at(1))
    history.see_all("Pod", [pod("a")], at(4))
    gone = [row for row in rows_of(history) if row["valid_to"]]
    assert [(row["name"], json.loads(row["spec"])) for row in gone] == [
        ("b", {"is_gone_time_inferred": True})
    ]


def test_a_deletion_counts_from_when_it_was_seen_not_from_the_end_of_its_grace(
    history: ObjectHistory,
) -> None:
    item = pod()
    history.see("Pod", item, at(1))
    item["metadata"]["deletionTimestamp"] = stamp(at(2, minutes=10))
    history.see_gone("Pod", item, at(2, minutes=5))
    assert rows_of(history)[-1]["valid_to"] == at(2, minutes=5)


def test_a_heartbeat_is_no_change(history: ObjectHistory) -> None:
    item = node()
    history.see("Node", item, at(1))
    item["status"]["conditions"] = [{"type": "Ready", "lastHeartbeatTime": stamp(at(2)), "status": "True"}]
    item["metadata"]["resourceVersion"] = "99"
    history.see("Node", item, at(2))
    assert len(rows_of(history, "Node")) == 1


def test_secrets_in_annotations_and_commands_never_enter(history: ObjectHistory) -> None:
    item = pod()
    item["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"password":"canary"}',
        "millicore.io/opt-out": "true",
    }
    item["spec"]["containers"][0] |= {
        "command": ["--password=canary"],
        "env": [{"name": "P", "value": "canary"}],
    }
    history.see("Pod", item, at(1))
    (row,) = rows_of(history)
    assert "canary" not in row["spec"]
    assert json.loads(row["spec"])["annotations"] == {"millicore.io/opt-out": "true"}


def test_only_load_balancers_among_services_are_kept(history: ObjectHistory) -> None:
    service = {"kind": "Service", "metadata": {"name": "s", "namespace": "shop", "uid": "s"}}
    history.see("Service", {**service, "spec": {"type": "ClusterIP"}}, at(1))
    assert rows_of(history, "Service") == []
    history.see("Service", {**service, "spec": {"type": "LoadBalancer"}}, at(2))
    history.see("Service", {**service, "spec": {"type": "ClusterIP"}}, at(3))
    assert [row["valid_to"] for row in rows_of(history, "Service")] == [None, at(3)]


@pytest.mark.parametrize(
    "item",
    [
        {"metadata": None},
        {"metadata": {"namespace": "shop"}},
        {"metadata": {"name": "p", "uid": "u", "creationTimestamp": "yesterday"}},
        {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": "none"}},
        {
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"containers": [{"resources": {"requests": {"cpu": "x"}}}]},
        },
    ],
)
def test_a_malformed_object_is_noted_and_skipped(history: ObjectHistory, item: JsonObject) -> None:
    assert history.see("Pod", item, at(1)) is None
    assert len(history.malformed) == 1
    assert rows_of(history) == []


def test_an_object_that_becomes_malformed_keeps_its_last_good_version(history: ObjectHistory) -> None:
    history.see("Pod", pod(), at(1))
    history.see_all("Pod", [pod(cpu="12x")], at(2))
    assert [row["valid_to"] for row in rows_of(history)] == [None]


def test_what_was_stored_before_is_not_written_again(history: ObjectHistory) -> None:
    history.see_all("Pod", [pod("a"), pod("b")], at(1))
    stored = history.take()
    later = ObjectHistory("prod")
    later.remember(stored.object_history, stored.label_set)
    later.see_all("Pod", [pod("a")], at(9))
    rows = later.take()
    assert [(row["name"], row["valid_to"]) for row in rows.object_history.to_pylist()] == [("b", at(9))]
    assert rows.label_set.num_rows == 0


def test_label_sets_are_stored_once(history: ObjectHistory) -> None:
    for name in ("a", "b"):
        history.see("Pod", pod(name), at(1))
    labels = history.take().label_set.to_pylist()
    assert [json.loads(row["labels"]) for row in labels] == [{"pod-template-hash": "6c9", "team": "web"}]
