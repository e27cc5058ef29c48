"""Autoscalers over the wire: HorizontalPodAutoscalers, KEDA's ScaledObjects, and clusters without KEDA."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from support.kubernetes_api import Fault, api_server, read_recordings
from support.kubernetes_inventory import inventory_of
from support.kubernetes_objects import node, pod

from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.specs import read_spec
from models.kubernetes.autoscalers import read_scalers
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.replicas import Scaler, ScalerKind
from recommender.hpa import rescale_hpa

JsonObject = dict[str, Any]


def hpa(name: str, owner: str | None = None) -> JsonObject:
    metadata: JsonObject = {"name": name, "namespace": "shop", "uid": f"uid-{name}"}
    if owner is not None:
        metadata["ownerReferences"] = [
            {"kind": "ScaledObject", "name": owner, "uid": f"uid-{owner}", "controller": True}
        ]
    target = {"type": "Utilization", "averageUtilization": 55}
    return {
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "maxReplicas": 7,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def scaled_object() -> JsonObject:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "pay", "namespace": "shop", "uid": "uid-pay"},
        "spec": {
            "scaleTargetRef": {"name": "pay"},
            "maxReplicaCount": 20,
            "triggers": [
                {"type": "rabbitmq", "metadata": {"host": "amqp://user:secret@queue"}},
                {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}},
                {
                    "type": "cron",
                    "metadata": {
                        "timezone": "UTC",
                        "start": "0 8 * * *",
                        "end": "0 20 * * *",
                        "desiredReplicas": "5",
                    },
                },
            ],
        },
    }


def stored(inventory: KubernetesInventory) -> list[JsonObject]:
    return inventory.snapshot().object_history.to_pylist()


def scalers(rows: list[JsonObject]) -> dict[str, Scaler]:
    objects = [(row["kind"], row["namespace"], row["name"], json.loads(row["spec"])) for row in rows]
    return {scaler.name: scaler for scaler in read_scalers(objects)}


def test_autoscalers_are_read_and_keda_stands_before_the_hpa_that_it_owns() -> None:
    with api_server(node(), pod(), hpa("web"), hpa("keda-hpa-pay", owner="pay"), scaled_object()) as server:
        found = scalers(stored(inventory_of(server)))
    assert set(found) == {"web", "pay"}
    assert (found["web"].minimum_replicas, found["web"].maximum_replicas) == (1, 7)
    keda = found["pay"]
    assert keda.kind is ScalerKind.SCALED_OBJECT
    assert (keda.workload_kind, keda.workload_name, keda.maximum_replicas) == ("Deployment", "pay", 20)
    assert [metric.name for metric in keda.metrics] == ["trigger:rabbitmq", "cpu", "trigger:cron"]
    assert keda.metrics[1].target == 60.0


def test_what_other_triggers_hold_is_never_stored() -> None:
    with api_server(node(), pod(), scaled_object()) as server:
        rows = stored(inventory_of(server))
    assert "secret" not in "".join(row["spec"] for row in rows)


def test_a_cluster_without_keda_is_nothing_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with api_server(node(), pod(), hpa("web")) as server:
        inventory = inventory_of(server)
        assert set(scalers(stored(inventory))) == {"web"}
        assert "ScaledObject" not in inventory.state.missing
    assert not any("scaledobjects" in record.getMessage() for record in caplog.records)


def test_rights_that_are_missing_for_keda_are_named() -> None:
    with api_server(node(), pod(), scaled_object()) as server:
        server.faults.append(Fault("list", "scaledobjects", status=403, times=9))
        inventory = inventory_of(server)
        stored(inventory)
        missing = inventory.state.missing["ScaledObject"]
    assert missing.startswith("suggestions do not know which workloads KEDA scales")
    assert "scaledobjects in API group 'keda.sh'" in missing


def test_keda_that_was_taken_away_ends_its_objects() -> None:
    with api_server(node(), pod(), scaled_object()) as server:
        inventory = inventory_of(server)
        assert "pay" in scalers(stored(inventory))
        server.faults.append(Fault("list", "scaledobjects", status=404, times=9))
        (last,) = (row for row in stored(inventory) if row["kind"] == "ScaledObject")
    assert last["valid_to"] is not None


def test_a_recorded_autoscaler_is_read_and_its_target_follows_a_halved_request(shared_data: Path) -> None:
    (listed,) = (one for one in read_recordings(shared_data) if one.name == "list_hpas")
    body = listed.body if isinstance(listed.body, dict) else json.loads(listed.body)
    found = read_scalers(
        [
            ("HorizontalPodAutoscaler", item["metadata"]["namespace"], item["metadata"]["name"], spec)
            for item in body["items"]
            for spec in [read_spec("HorizontalPodAutoscaler", item)]
        ]
    )
    assert {(one.name, one.minimum_replicas, one.maximum_replicas) for one in found} == {
        ("ingest", 1, 9),
        ("cache", 2, 12),
    }
    for scaler in found:
        change = rescale_hpa(scaler, "app", ResourceValues(1.0, 4.0), ResourceValues(0.5, 4.0))
        assert change is not None
        assert (change.target_before, change.target_after, change.is_possible) == (60, 120, True)
