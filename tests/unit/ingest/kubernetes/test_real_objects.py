from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from support.kubernetes_api import real_objects
from support.kubernetes_objects import at

from ingest.kubernetes.history import ObjectHistory
from ingest.kubernetes.pod_times import read_pod_times
from ingest.kubernetes.specs import read_spec
from models.vocabulary.windows import HourWindow


def test_objects_of_real_clusters_all_parse(shared_data: Path) -> None:
    history, counts = ObjectHistory("real"), Counter[str]()
    for _, item in real_objects(shared_data):
        history.see(item["kind"], item, at(24 * 365))
        counts[item["kind"]] += 1
    assert history.malformed == {}
    assert counts["Pod"] >= 70
    assert counts["Node"] >= 15
    rows = history.take().object_history.to_pylist()
    assert len({(row["kind"], row["uid"]) for row in rows}) >= 90


def test_real_nodes_say_what_and_where_they_are(shared_data: Path) -> None:
    nodes = [read_spec("Node", item) for _, item in real_objects(shared_data) if item["kind"] == "Node"]
    assert all(node["node_key"] and node["capacity"]["cpu"] > 0 for node in nodes)
    assert any(node.get("instance_type") for node in nodes)
    assert all(node["allocatable"]["memory"] <= node["capacity"]["memory"] for node in nodes)


def test_real_pods_have_workloads_and_times(shared_data: Path) -> None:
    history = ObjectHistory("real")
    for _, item in real_objects(shared_data):
        if item["kind"] == "Pod":
            history.see("Pod", item, at(24 * 365))
    window = HourWindow.of_hour(at(24 * 300))
    times = read_pod_times(history.take().object_history, window)
    found = set(zip(times.pods["workload_kind"], times.pods["workload_name"], strict=True))
    assert ("Pod", "etcd") in found, "static pods are one workload on all masters"
    assert ("StatefulSet", "prometheus-k8s") in found
    assert ("Deployment", "cluster-storage-operator") in found


def test_requests_of_real_pods_are_kept_in_base_units(shared_data: Path) -> None:
    for path, item in real_objects(shared_data):
        if item["kind"] != "Pod":
            continue
        spec = read_spec("Pod", item)
        effective = spec.get("effective_request", {})
        for container in spec["containers"]:
            for name, amount in container.get("requests", {}).items():
                assert effective[name] >= amount, path
        json.dumps(spec, allow_nan=False)
