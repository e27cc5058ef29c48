"""One usage model: the same workload gives the same rows whoever provides the cluster."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from support.kubernetes_objects import at, pod, replicaset, stamp

from ingest.kubernetes.history import ObjectHistory
from ingest.kubernetes.refine import refine_hours
from models.vocabulary.windows import HourWindow
from warehouse.lake.observed_tables import CONTAINER_HOUR, NODE_HOUR, POD_HOUR
from warehouse.observed import HourReport, ObservedWindow, WindowState

WINDOW = HourWindow(at(1), at(3))
OF_THE_PROVIDER = (
    "node_key",
    "provider_id",
    "instance_type",
    "region",
    "zone",
    "node_pool",
    "purchase_option",
    "label_set_id",
)
TYPE, REGION, ZONE = (
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
)
PROVIDERS = {
    "aws": (
        "aws:///eu-west-1a/i-0abc",
        {
            TYPE: "m5.xlarge",
            REGION: "eu-west-1",
            ZONE: "eu-west-1a",
            "eks.amazonaws.com/nodegroup": "general",
            "eks.amazonaws.com/capacityType": "ON_DEMAND",
        },
    ),
    "azure": (
        "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-0",
        {TYPE: "Standard_D4s_v5", REGION: "westeurope", ZONE: "westeurope-1"}
        | {"kubernetes.azure.com/agentpool": "general"},
    ),
    "google": (
        "gce://project/europe-west4-b/gke-1",
        {TYPE: "e2-standard-4", REGION: "europe-west4", ZONE: "europe-west4-b"}
        | {"cloud.google.com/gke-nodepool": "general"},
    ),
    "alibaba": (
        "cn-hangzhou.i-bp1",
        {TYPE: "ecs.g7.xlarge", REGION: "cn-hangzhou", ZONE: "cn-hangzhou-h"}
        | {"alibabacloud.com/nodepool-id": "general"},
    ),
}


def node_of(provider: str) -> dict[str, Any]:
    provider_id, labels = PROVIDERS[provider]
    amounts = {"cpu": "4", "memory": "16Gi", "pods": "110"}
    return {
        "kind": "Node",
        "metadata": {"name": "n1", "uid": "node-1", "creationTimestamp": stamp(at(0)), "labels": labels},
        "spec": {"providerID": provider_id},
        "status": {"capacity": amounts, "allocatable": {**amounts, "cpu": "3920m"}},
    }


def rows_of(provider: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a workload of which the API alone knows, on a provider's node."""
    history = ObjectHistory("prod")
    history.confirm(at(0))
    history.see("Node", node_of(provider), at(0))
    history.see("ReplicaSet", replicaset(), at(0))
    started, ended = at(1, minutes=10), at(2, minutes=40)
    done = pod(scheduled=started, runs={"main": [(started, ended, None)]}, phase="Succeeded")
    history.see("Pod", done, ended)
    history.confirm(at(4))
    tables = {table.name: table.schema.empty_table() for table in (CONTAINER_HOUR, POD_HOUR)}
    counted = {"cluster": "prod", "day": at().date(), "node_key": PROVIDERS[provider][0], "node": "n1"}
    nodes = [{**dict.fromkeys(NODE_HOUR.columns), **counted, "hour": hour} for hour in WINDOW.hours()]
    tables["node_hour"] = pa.Table.from_pylist(nodes, NODE_HOUR.schema)
    reports = tuple(HourReport(hour, WindowState.COMPLETE, 0.9, 0, "abc") for hour in WINDOW.hours())
    seen = ObservedWindow("prod", "prometheus", WINDOW, tables, reports)
    refined = refine_hours(seen, history.take().object_history)
    return {name: refined.tables[name].to_pylist() for name in tables}


def common(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [{key: row[key] for key in row if key not in OF_THE_PROVIDER} for row in found]
        for table, found in rows.items()
    }


@pytest.mark.parametrize("provider", ["azure", "google", "alibaba"])
def test_the_same_workload_gives_the_same_rows_but_for_what_the_provider_names(provider: str) -> None:
    ours, theirs = rows_of("aws"), rows_of(provider)
    assert common(theirs) == common(ours)
    assert [row["running_seconds"] for row in ours["container_hour"]] == [3000.0, 2400.0]
    key, labels = PROVIDERS[provider]
    assert {row["node_key"] for row in theirs["container_hour"]} == {key}
    assert [row["running_seconds"] for row in ours["node_hour"]] == [3600.0, 3600.0]
    for row in theirs["node_hour"]:
        described = (row["instance_type"], row["region"], row["zone"], row["node_pool"])
        assert described == (labels[TYPE], labels[REGION], labels[ZONE], "general")
