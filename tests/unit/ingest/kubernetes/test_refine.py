from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from support.kubernetes_objects import at, node, pod, replicaset

from ingest.kubernetes.history import ObjectHistory
from ingest.kubernetes.refine import refine_hours
from ingest.kubernetes.versions import without_the_dead
from models.kubernetes.label_sets import label_set_id
from models.vocabulary.windows import HourWindow
from warehouse.lake.declaration import LakeTable
from warehouse.lake.observed_tables import CONTAINER_HOUR, NODE_HOUR, POD_HOUR
from warehouse.observed import HourReport, ObservedWindow, WindowState

JsonObject = dict[str, Any]
WINDOW = HourWindow(at(1), at(3))
SETTLED = at(4)


def table_of(table: LakeTable, rows: list[JsonObject]) -> pa.Table:
    full = [{**dict.fromkeys(table.columns), "cluster": "prod", "day": at().date(), **row} for row in rows]
    return pa.Table.from_pylist(full, schema=table.schema)


def container_row(hour: datetime, uid: str = "uid-p", **more: Any) -> JsonObject:
    names = {"namespace": "shop", "pod": "p", "node_key": "aws:///eu-west-1a/i-n1"}
    measured = {
        "running_seconds": 3600.0,
        "cpu_usage_core_seconds": 360.0,
        "memory_usage_byte_seconds": 3.6e9,
        "cpu_request_core_seconds": 1.0,
        "sample_coverage_ratio": 0.9,
        "cpu_usage_cores_by_5m": [0.1] * 12,
    }
    return {"hour": hour, "pod_uid": uid, "container": "main", **names, **measured, **more}


def observed(
    containers: list[JsonObject] = [],  # noqa: B006
    pods: list[JsonObject] = [],  # noqa: B006
    nodes: list[JsonObject] = [],  # noqa: B006
) -> ObservedWindow:
    tables = {
        "container_hour": table_of(CONTAINER_HOUR, containers),
        "pod_hour": table_of(POD_HOUR, pods),
        "node_hour": table_of(NODE_HOUR, nodes),
    }
    hours = tuple(HourReport(hour, WindowState.COMPLETE, 0.9, 0, "abc") for hour in WINDOW.hours())
    return ObservedWindow("prod", "prometheus", WINDOW, tables, hours)


@pytest.fixture
def history() -> ObjectHistory:
    history = ObjectHistory("prod")
    history.confirm(at(0))
    history.see("Node", node(), at(0))
    history.see("ReplicaSet", replicaset(), at(0))
    return history


def refine(history: ObjectHistory, seen: ObservedWindow, until: datetime | None = SETTLED) -> ObservedWindow:
    if until is not None:
        history.confirm(until)
    return refine_hours(seen, history.take().object_history)


def frame(window: ObservedWindow, table: str = "container_hour") -> pd.DataFrame:
    rows = window.tables[table].to_pylist()
    keys = ["hour", "pod_uid", "container"] if table == "container_hour" else ["hour"]
    return pd.DataFrame(rows).sort_values(keys).reset_index(drop=True)


def test_running_seconds_are_exact_and_usage_follows(history: ObjectHistory) -> None:
    started, ended = at(1, minutes=10), at(1, minutes=40)
    done = pod("p", scheduled=started, runs={"main": [(started, ended, None)]}, phase="Succeeded")
    history.see("Pod", done, at(1, minutes=41))
    row = frame(refine(history, observed([container_row(at(1))]))).iloc[0]
    assert row["running_seconds"] == 1800.0
    assert row["cpu_usage_core_seconds"] == pytest.approx(180.0)
    assert row["memory_usage_byte_seconds"] == pytest.approx(1.8e9)
    assert row["cpu_request_core_seconds"] == pytest.approx(0.5 * 1800)
    assert row["memory_limit_bytes"] == 256 << 20
    assert pd.isna(row["cpu_limit_cores"])
    assert list(row["cpu_usage_cores_by_5m"]) == pytest.approx([0.1] * 12)


def test_a_pod_that_no_scrape_saw_gets_rows_with_usage_missing(history: ObjectHistory) -> None:
    start = at(2, minutes=5)
    short = pod("web-6c9-x", scheduled=start, runs={"main": [(start, at(2, 5, 20), None)]}, phase="Succeeded")
    history.see("Pod", short, at(2, minutes=6))
    refined = refine(history, observed())
    (row,) = refined.tables["container_hour"].to_pylist()
    assert (row["hour"], row["pod_uid"], row["node_key"]) == (
        at(2),
        "uid-web-6c9-x",
        "aws:///eu-west-1a/i-n1",
    )
    assert (row["workload_kind"], row["workload_name"], row["revision"]) == ("Deployment", "web", "6c9")
    assert row["running_seconds"] == 20.0
    assert row["cpu_request_core_seconds"] == pytest.approx(10.0)
    assert row["cpu_usage_core_seconds"] is None
    assert row["sample_coverage_ratio"] == 0.0
    (pod_row,) = refined.tables["pod_hour"].to_pylist()
    assert (pod_row["scheduled_seconds"], pod_row["phase"]) == (20.0, "Succeeded")
    assert refined.hours[1].row_count == 2


def test_a_pod_that_outlives_the_hour_counts_the_whole_hour_once_confirmed(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    row = frame(refine(history, observed([container_row(at(1), running_seconds=3300.0)]))).iloc[0]
    assert row["running_seconds"] == 3600.0


def test_hours_after_the_last_contact_stay_as_observed(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    seen = observed(
        [container_row(at(1), running_seconds=3300.0), container_row(at(2), running_seconds=3200.0)]
    )
    rows = frame(refine(history, seen, until=at(2, minutes=30)))
    assert rows["running_seconds"].tolist() == [3600.0, 3200.0]


def test_a_pod_that_vanished_unseen_is_exact_only_until_the_last_contact(history: ObjectHistory) -> None:
    history.see_all("Pod", [pod("p", scheduled=at(0))], at(0))
    history.confirm(at(2, minutes=1))
    history.see_all("Pod", [], at(3, minutes=30))
    seen = observed(
        [container_row(at(1), running_seconds=3300.0), container_row(at(2), running_seconds=1234.0)]
    )
    rows = frame(refine(history, seen))
    assert rows["running_seconds"].tolist() == [3600.0, 1234.0]


def test_a_deleted_pod_ends_with_its_deletion(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    history.see_gone("Pod", pod("p", scheduled=at(0)), at(1, minutes=15))
    seen = observed([container_row(at(1)), container_row(at(2), running_seconds=60.0)])
    rows = frame(refine(history, seen))
    assert rows.loc[0, "running_seconds"] == 900.0
    assert rows.loc[0, "cpu_request_core_seconds"] == pytest.approx(450.0)


def test_a_pod_evicted_before_anything_ran_reserves_nothing_while_its_object_lingers(
    history: ObjectHistory,
) -> None:
    history.see("Pod", pod("waiting", scheduled=at(1), runs={}, phase="Pending"), at(1))
    evicted = pod("waiting", scheduled=at(1), runs={}, phase="Failed")
    history.see("Pod", evicted, at(1, minutes=10))
    rows = frame(refine(history, observed()), "pod_hour")
    assert rows["hour"].tolist() == [at(1)]
    assert rows["scheduled_seconds"].tolist() == [600.0]


def test_an_oom_kill_that_metrics_missed_is_counted_in_its_hour(history: ObjectHistory) -> None:
    runs = {"main": [(at(0), at(1, minutes=20), "OOMKilled"), (at(1, minutes=21), None, None)]}
    history.see("Pod", pod("p", scheduled=at(0), runs=runs, restarts=1), at(1, minutes=22))
    rows = frame(refine(history, observed([container_row(at(1), oom_killed_count=0), container_row(at(2))])))
    assert rows["oom_killed_count"].tolist() == [1, 0]
    assert rows["restart_count"].tolist() == [1, 0]
    assert rows["running_seconds"].tolist() == [3540.0, 3600.0]


def test_runs_that_the_api_forgot_leave_what_was_observed(history: ObjectHistory) -> None:
    runs = {"main": [(at(2, minutes=10), at(2, minutes=20), "Error"), (at(2, minutes=30), None, None)]}
    history.see("Pod", pod("p", scheduled=at(0), runs=runs, restarts=7), at(2, minutes=40))
    seen = observed(
        [container_row(at(1), running_seconds=1111.0), container_row(at(2), running_seconds=2222.0)]
    )
    rows = frame(refine(history, seen))
    assert rows["running_seconds"].tolist() == [1111.0, 2222.0]
    assert rows["cpu_request_core_seconds"].tolist() == pytest.approx([1800.0, 1800.0])


def test_what_a_pod_reserves_beyond_its_containers_has_its_own_row(history: ObjectHistory) -> None:
    init = {"name": "migrate", "resources": {"requests": {"cpu": "2"}}}
    runs = {"migrate": [(at(1), at(1, minutes=6), None)], "main": [(at(1, minutes=6), None, None)]}
    history.see("Pod", pod("p", scheduled=at(1), runs=runs, init_containers=[init]), at(1, minutes=7))
    rows = frame(refine(history, observed([container_row(at(1))])))
    first = rows[rows["hour"] == at(1)].set_index("container")["cpu_request_core_seconds"]
    assert first["main"] == pytest.approx(0.5 * 3600)
    assert first["migrate"] == pytest.approx(2.0 * 360)
    assert first["(pod)"] == pytest.approx(2.0 * 3600 - 0.5 * 3600 - 2.0 * 360)
    assert first.sum() == pytest.approx(2.0 * 3600)
    assert "migrate" not in set(rows.loc[rows["hour"] == at(2), "container"])


def test_a_resize_within_the_hour_is_integrated(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0), cpu="1"), at(0))
    resized = pod("p", scheduled=at(0), cpu="2")
    moment = at(1, minutes=30)
    resized["metadata"]["managedFields"] = [{"subresource": "resize", "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}]
    history.see("Pod", resized, moment)
    rows = frame(refine(history, observed([container_row(at(1)), container_row(at(2))])))
    assert rows["cpu_request_core_seconds"].tolist() == pytest.approx([1.5 * 3600, 2.0 * 3600])


def test_labels_are_the_api_s_and_marked_where_they_are_only_inferred() -> None:
    history = ObjectHistory("prod")
    history.see("Node", node(), at(1, minutes=30))
    history.see("Pod", pod("p", scheduled=at(0)), at(1, minutes=30))
    history.confirm(at(1, minutes=30))
    names = {"namespace": "shop", "pod": "p", "pod_uid": "uid-p"}
    seen = observed(
        pods=[{"hour": at(1), **names, "label_set_id": None}, {"hour": at(2), **names, "label_set_id": "old"}]
    )
    rows = frame(refine(history, seen), "pod_hour")
    expected = label_set_id({"team": "web", "pod-template-hash": "6c9"})
    assert rows["label_set_id"].tolist() == [expected, expected]
    assert rows["is_label_inferred"].tolist() == [True, False]


def test_a_label_that_changed_within_the_hour_counts_by_the_longer_part(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    history.see("Pod", pod("p", scheduled=at(0), labels={"team": "search"}), at(1, minutes=20))
    rows = frame(refine(history, observed()), "pod_hour")
    assert rows.loc[0, "label_set_id"] == label_set_id({"team": "search", "pod-template-hash": "6c9"})


def test_nodes_get_type_place_pool_and_exact_life(history: ObjectHistory) -> None:
    row = {"hour": at(1), "node_key": "aws:///eu-west-1a/i-n1", "node": "n1", "running_seconds": 3500.0}
    found = frame(refine(history, observed(nodes=[row])), "node_hour").iloc[0]
    assert (found["instance_type"], found["zone"], found["node_pool"]) == (
        "m6i.xlarge",
        "eu-west-1a",
        "general",
    )
    assert (found["purchase_option"], found["is_type_inferred"]) == ("on_demand", False)
    assert found["running_seconds"] == 3600.0
    assert found["cpu_allocatable_cores"] == pytest.approx(3.92)


def test_a_node_that_metrics_could_not_describe_takes_the_api_s_description_marked_inferred() -> None:
    history = ObjectHistory("prod")
    gpu = node()
    gpu["status"]["capacity"]["nvidia.com/gpu"] = "2"
    history.see("Node", gpu, at(2))
    history.confirm(at(2))
    undescribed = {"instance_type": "unknown", "purchase_option": "unknown", "node_pool": "unknown/unknown"}
    row = {"hour": at(1), "node_key": "aws:///eu-west-1a/i-n1", "node": "n1", "is_type_inferred": True}
    described = {"instance_type": "c7g.large", "purchase_option": "unknown", "node_pool": "from-metrics"}
    seen = observed(
        nodes=[{**row, **undescribed}, {**row, **described, "hour": at(1), "is_type_inferred": False}]
    )
    found = frame(refine(history, seen), "node_hour").set_index("instance_type")
    assert found.loc["m6i.xlarge", "node_pool"] == "general"
    assert found.loc["m6i.xlarge", "is_type_inferred"]
    assert found.loc["m6i.xlarge", "gpu_capacity"] == 2.0
    assert found.loc["c7g.large", "node_pool"] == "from-metrics", "what metrics said then stands"
    assert found.loc["c7g.large", "purchase_option"] == "on_demand"
    assert not found.loc["c7g.large", "is_type_inferred"]


def test_a_node_that_was_replaced_under_its_name_is_told_apart_by_key(history: ObjectHistory) -> None:
    history.see_gone("Node", node(), at(1, minutes=30))
    history.see(
        "Node", node(created=at(1, minutes=40), provider_id="aws:///eu-west-1a/i-2"), at(1, minutes=41)
    )
    rows = [
        {"hour": at(1), "node_key": key, "node": "n1", "running_seconds": 3600.0}
        for key in ("aws:///eu-west-1a/i-n1", "aws:///eu-west-1a/i-2")
    ]
    found = frame(refine(history, observed(nodes=rows)), "node_hour").set_index("node_key")
    assert found["running_seconds"].to_dict() == {
        "aws:///eu-west-1a/i-n1": 1800.0,
        "aws:///eu-west-1a/i-2": 1200.0,
    }


def test_nothing_known_changes_nothing() -> None:
    seen = observed([container_row(at(1))])
    assert refine(ObjectHistory("prod"), seen, until=None) is seen


def test_the_same_inputs_give_the_same_rows_and_hashes(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    history.see("Pod", pod("q", scheduled=at(1)), at(1))
    history.confirm(at(4))
    stored = history.take().object_history
    seen = observed([container_row(at(1))])
    once, shuffled = (
        refine_hours(seen, stored),
        refine_hours(seen, stored.take(list(range(len(stored)))[::-1])),
    )
    again = refine_hours(once, stored)
    for name, table in once.tables.items():
        assert table.equals(shuffled.tables[name]), name
        assert table.equals(again.tables[name]), name
    assert once.hours == shuffled.hours


def test_pods_that_were_gone_before_the_window_cost_nothing(history: ObjectHistory) -> None:
    history.see("Pod", pod("old", scheduled=at(0)), at(0))
    history.see_gone("Pod", pod("old", scheduled=at(0)), at(0, minutes=50))
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    history.confirm(at(4))
    stored = history.take().object_history
    kept = without_the_dead(stored, "Pod", WINDOW)
    assert "old" in stored["name"].to_pylist()
    assert "old" not in kept["name"].to_pylist()
    assert {"p", "web-6c9", "n1"} <= set(kept["name"].to_pylist())


def test_a_later_contact_changes_the_hash_of_the_hours_it_settles(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    early = history.take().object_history
    history.confirm(at(4))
    late = pa.concat_tables([early, history.take().object_history])
    seen = observed([container_row(at(1))])
    assert refine_hours(seen, early).hours[0].input_hash != refine_hours(seen, late).hours[0].input_hash


def test_rows_of_metrics_and_of_other_clusters_are_not_taken_for_the_api_s(history: ObjectHistory) -> None:
    history.see("Pod", pod("p", scheduled=at(0)), at(0))
    history.confirm(at(4))
    rows = history.take().object_history.to_pylist()
    for change in ({"cluster": "other"}, {"observed_by": "metrics", "spec": json.dumps({"foreign": 1})}):
        foreign = pa.Table.from_pylist([{**row, **change} for row in rows], schema=rows_schema())
        seen = observed([container_row(at(1), running_seconds=3300.0)])
        assert frame(refine_hours(seen, foreign)).loc[0, "running_seconds"] == 3300.0


def rows_schema() -> pa.Schema:
    from warehouse.lake.observed_tables import OBJECT_HISTORY

    return OBJECT_HISTORY.schema
