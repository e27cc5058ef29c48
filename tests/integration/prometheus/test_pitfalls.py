"""Traps of real metrics, each as a small cluster of its own in one real Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode
from urllib.request import urlopen

import pandas as pd
import pytest
from support.open_metrics import GIB
from support.prometheus_pitfalls import END, OWNERS, START, T0, WINDOW
from support.prometheus_stub import StubAnswer, StubRequest, run_stub

from ingest.prometheus.settings import PrometheusSettings
from ingest.prometheus.source import PrometheusSource
from models.vocabulary.errors import MetricsMissing
from models.vocabulary.windows import HourWindow
from warehouse.observed import ObservedWindow, WindowState

pytestmark = pytest.mark.prometheus


def rows(window: ObservedWindow, table: str = "container_hour") -> pd.DataFrame:
    return window.tables[table].to_pandas()


def pod_hours(window: ObservedWindow, uid: str, column: str, container: str = "app") -> list[float]:
    frame = rows(window)
    return frame[(frame.pod_uid == uid) & (frame.container == container)].sort_values("hour")[column].tolist()


def test_requests_usage_and_times_of_a_plain_cluster_are_exact(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("plain")
    assert [report.state for report in window.hours] == [WindowState.COMPLETE] * 4
    assert pod_hours(window, "u1", "running_seconds") == [3600.0] * 4
    assert pod_hours(window, "u1", "cpu_request_core_seconds") == [1800.0] * 4
    assert pod_hours(window, "u1", "cpu_usage_core_seconds")[1:] == pytest.approx([900.0] * 3)
    assert pod_hours(window, "u2", "running_seconds") == pytest.approx([3200.0, 1800.0])
    assert pod_hours(window, "u2", "cpu_usage_core_seconds") == pytest.approx([800.0, 450.0], rel=1e-3)
    assert rows(window).workload_name.unique().tolist() == ["web"]
    assert rows(window).revision.unique().tolist() == ["5d4f7"]


def test_a_second_scrape_job_changes_nothing(observe: Callable[..., ObservedWindow]) -> None:
    for table in ("container_hour", "pod_hour", "node_hour"):
        once, twice = (rows(observe(name), table) for name in ("plain", "doubled"))
        pd.testing.assert_frame_equal(once, twice, rtol=1e-3, atol=1.0)
        exact = [c for c in once if c.endswith(("request_core_seconds", "running_seconds", "capacity_cores"))]
        pd.testing.assert_frame_equal(once[exact], twice[exact])


def test_pod_totals_and_pause_containers_are_dropped(observe: Callable[..., ObservedWindow]) -> None:
    assert observe("pod_totals").tables["container_hour"] == observe("plain").tables["container_hour"]


def test_a_reused_pod_name_is_two_pods_and_each_bin_belongs_to_one(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("reused")
    frame = rows(window)
    assert set(frame[frame.pod_uid == "new"].container) == {"app"}
    assert set(frame[frame.pod_uid == "old"].container) == {"app", "gone"}
    assert pod_hours(window, "old", "running_seconds") == pytest.approx([3600, 1900], abs=31)
    assert pod_hours(window, "new", "running_seconds") == pytest.approx([1680, 3600, 3600])
    assert pod_hours(window, "old", "cpu_usage_core_seconds")[0] == pytest.approx(2880, rel=0.01)
    assert pod_hours(window, "new", "cpu_usage_core_seconds") == pytest.approx([336, 720, 720], rel=0.02)


def test_a_restart_with_two_series_at_once_takes_the_greater_and_counts_each_kill(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("restarted")
    assert pod_hours(window, "u1", "memory_usage_byte_seconds") == pytest.approx([GIB / 2 * 3600] * 4)
    assert pod_hours(window, "u1", "oom_killed_count") == [0.0, 0.0, 2.0, 0.0]
    assert pod_hours(window, "u1", "restart_count")[1:] == [0.0, 2.0, 0.0]


@pytest.mark.parametrize("name", ["minute", "slow"])
def test_slow_scrapes_lose_no_bins(observe: Callable[..., ObservedWindow], name: str) -> None:
    window = observe(name)
    assert pod_hours(window, "u1", "sample_coverage_ratio")[1:] == [1.0] * 3
    assert pod_hours(window, "u1", "cpu_usage_core_seconds")[1:] == pytest.approx([900.0] * 3)
    assert pod_hours(window, "u2", "cpu_usage_core_seconds") == pytest.approx([800.0, 450.0], rel=0.05)


def test_jobs_shorter_than_a_scrape_are_charged_for_their_exact_time(
    observe: Callable[..., ObservedWindow],
) -> None:
    frame = rows(observe("jobs"))
    jobs = frame[frame.namespace == "jobs"]
    assert jobs.running_seconds.tolist() == [20.0] * 3
    assert jobs.cpu_request_core_seconds.tolist() == [10.0] * 3
    assert jobs.workload_kind.unique().tolist() == ["CronJob"]
    assert jobs.cpu_usage_core_seconds.isna().all()


def test_finished_pods_hold_nothing_although_their_requests_linger(
    observe: Callable[..., ObservedWindow],
) -> None:
    frame = rows(observe("jobs"), "pod_hour")
    jobs = frame[frame.namespace == "jobs"].sort_values("hour")
    assert jobs.hour.tolist() == [pd.Timestamp(START + timedelta(hours=h)) for h in range(3)]
    assert jobs.phase.unique().tolist() == ["Succeeded"]


def test_a_pod_that_waits_on_its_node_holds_capacity_and_uses_nothing(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("waiting")
    assert pod_hours(window, "u1", "cpu_request_core_seconds") == [900.0, 1800.0, 1800.0, 1800.0]
    assert pod_hours(window, "u1", "running_seconds") == [0.0] * 4
    assert pod_hours(window, "u1", "cpu_usage_core_seconds") == [0.0] * 4
    assert rows(window, "pod_hour").phase.tolist() == ["Pending"] * 4


def test_what_a_pod_reserves_for_its_start_is_a_row_of_its_own(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("steps")
    # max(app 1.0 + proxy 0.5, setup 3.0 + proxy 0.5) - (1.0 + 0.5) = 2.0 cores
    assert pod_hours(window, "u1", "cpu_request_core_seconds", "(pod)") == [7200.0] * 4
    assert rows(window, "pod_hour").cpu_request_core_seconds.tolist() == [3.5 * 3600] * 4
    frame = rows(window)
    kinds = dict(zip(frame.container, frame.container_kind, strict=True))
    assert kinds == {"app": "main", "proxy": "sidecar", "(pod)": "(pod)"}
    totals = frame.groupby("hour").cpu_request_core_seconds.sum()
    assert totals.tolist() == pytest.approx([3.5 * 3600] * 4)


def test_the_overhead_of_a_runtime_class_is_a_row_of_its_own(observe: Callable[..., ObservedWindow]) -> None:
    window = observe("sandboxed")
    assert pod_hours(window, "u1", "cpu_request_core_seconds", "(pod)") == [900.0] * 4
    assert pod_hours(window, "u1", "memory_request_byte_seconds", "(pod)") == [GIB / 8 * 3600] * 4
    pods = rows(window, "pod_hour")
    assert pods[pods.pod_uid == "u1"].cpu_request_core_seconds.tolist() == [0.75 * 3600] * 4


def test_a_request_raised_within_an_hour_counts_by_time(observe: Callable[..., ObservedWindow]) -> None:
    seconds = pod_hours(observe("sandboxed"), "u2", "cpu_request_core_seconds")
    assert seconds == pytest.approx([1800, 0.5 * 2700 + 2.5 * 900, 9000, 9000])


def test_an_hour_without_any_sample_failed_and_one_with_few_is_partial(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("gaps")
    assert [r.state.value for r in window.hours] == ["complete", "failed", "partial", "complete"]
    assert window.hours[1].coverage_ratio is None
    assert "no sample" in window.hours[1].note
    assert window.hours[2].coverage_ratio == pytest.approx(1200 / 3600, abs=0.1)
    frame = rows(window)
    assert not (frame.hour == pd.Timestamp(START + timedelta(hours=1))).any()


def test_a_gap_of_the_server_does_not_end_pods_and_missing_usage_is_not_zero(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("gaps")
    assert pod_hours(window, "u1", "running_seconds") == [3600.0] * 3
    usage = pod_hours(window, "u1", "cpu_usage_core_seconds")
    assert pd.isna(usage[1])
    assert pod_hours(window, "u1", "cpu_request_core_seconds") == [1800.0] * 3


def test_an_hour_without_cadvisor_is_partial_and_keeps_requests(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("no_kubelet")
    assert [r.state.value for r in window.hours] == ["complete", "partial", "complete", "complete"]
    assert "cAdvisor" in window.hours[1].note
    assert pod_hours(window, "u1", "cpu_request_core_seconds") == [1800.0] * 4


def test_nodes_without_labels_are_unknown_and_marked_and_named_in_the_note(
    observe: Callable[..., ObservedWindow],
) -> None:
    window = observe("stock")
    node = rows(window, "node_hour").iloc[0]
    assert (node.instance_type, node.purchase_option, node.zone) == ("unknown", "unknown", "eu-west-1a")
    assert bool(node.is_type_inferred)
    assert node.cpu_usage_cores_by_5m is None
    assert "kube_node_labels" in window.hours[0].note
    assert rows(window, "pod_hour").label_set_id.isna().all()


def test_a_machine_replaced_under_its_name_is_two_nodes(observe: Callable[..., ObservedWindow]) -> None:
    window = observe("replaced")
    nodes = rows(window, "node_hour").groupby("node_key").running_seconds.sum()
    assert nodes["aws:///eu-west-1a/i-old"] == pytest.approx(5000, abs=31)
    assert nodes["aws:///eu-west-1a/i-new"] == pytest.approx(END - T0 - 5600)
    pods = rows(window).groupby("pod_uid").node_key.unique()
    assert pods["u1"].tolist() == ["aws:///eu-west-1a/i-old"]
    assert set(pods["u2"]) == {"aws:///eu-west-1a/i-new"}


@pytest.mark.parametrize("name", ["not_honoured", "no_images"])
def test_a_scrape_without_honor_labels_and_a_runtime_without_images_give_the_same_rows(
    observe: Callable[..., ObservedWindow], name: str
) -> None:
    plain, other = observe("plain"), observe(name)
    for table in ("container_hour", "pod_hour", "node_hour"):
        pd.testing.assert_frame_equal(rows(other, table), rows(plain, table))
    assert [hour.state for hour in other.hours] == [hour.state for hour in plain.hours]


@pytest.mark.parametrize("name", ["owners", "owners_not_honoured"])
def test_every_kind_of_owner_comes_to_its_workload(observe: Callable[..., ObservedWindow], name: str) -> None:
    pods = rows(observe(name), "pod_hour").drop_duplicates("pod_uid").sort_values("pod_uid")
    found = list(zip(pods.workload_kind, pods.workload_name, strict=True))
    assert found == list(OWNERS.values())


@pytest.mark.parametrize("settings", [{"sample_budget": 30}, {"sample_budget": 1, "max_concurrency": 1}])
def test_asking_in_small_pieces_gives_the_same_rows(
    observe: Callable[..., ObservedWindow], settings: dict[str, int]
) -> None:
    for name in ("plain", "reused", "jobs", "restarted"):
        whole, pieces = observe(name), observe(name, **settings)
        assert whole.tables == pieces.tables
        assert whole.hours == pieces.hours


def test_hours_observed_one_by_one_are_the_rows_of_the_whole_window(
    observe: Callable[..., ObservedWindow],
) -> None:
    whole = rows(observe("plain"))
    parts = [rows(observe("plain", window)) for window in WINDOW.split(timedelta(hours=1))]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_an_answer_with_a_warning_makes_its_hours_partial_never_complete(pitfall_server: str) -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        data = urlencode(request.form).encode() if request.method == "POST" else None
        query = "" if data else f"?{urlencode(request.form)}"
        with urlopen(f"{pitfall_server}{request.path}{query}", data) as answer:
            body = answer.read()
        if "kube_replicaset_owner" in request.form.get("query", ""):
            body = body.replace(b'{"status":"success",', b'{"status":"success","warnings":["store away"],')
        return StubAnswer(body=body)

    with run_stub(behave) as stub:
        settings = PrometheusSettings(stub.url, cluster_label="cluster", cluster_label_value="plain")
        window = PrometheusSource(settings).observe("c1", WINDOW)
    assert {report.state for report in window.hours} == {WindowState.PARTIAL}
    assert "owners: store away" in window.hours[0].note


def test_hours_before_the_first_sample_are_no_gap(observe: Callable[..., ObservedWindow]) -> None:
    early = HourWindow(START - timedelta(hours=30), START + timedelta(hours=1))
    reports = observe("plain", early).hours
    assert [r.state for r in reports[:30]] == [WindowState.BEFORE_HISTORY] * 30
    assert reports[30].state is WindowState.COMPLETE


def test_the_same_window_twice_has_the_same_hash(
    pitfall_server: str, observe: Callable[..., ObservedWindow]
) -> None:
    settings = PrometheusSettings(pitfall_server, cluster_label="cluster", cluster_label_value="plain")
    again = PrometheusSource(settings).observe("c1", WINDOW)
    assert again.hours == observe("plain").hours


def test_a_cluster_that_is_not_there_names_what_is_missing(observe: Callable[..., ObservedWindow]) -> None:
    with pytest.raises(MetricsMissing, match=r"kube_pod_info.*kube-state-metrics"):
        observe("cache-7")


def test_the_number_of_queries_does_not_depend_on_the_number_of_containers(pitfall_server: str) -> None:
    counts = set()
    for name in ("plain", "steps", "jobs"):
        source = PrometheusSource(
            PrometheusSettings(pitfall_server, cluster_label="cluster", cluster_label_value=name)
        )
        source.observe("c1", WINDOW)
        before = source.load
        source.observe("c1", WINDOW)
        counts.add((source.load - before).query_count)
    assert counts == {20}


def test_the_first_sample_is_found_to_the_bin(pitfall_server: str) -> None:
    settings = PrometheusSettings(pitfall_server, cluster_label="cluster", cluster_label_value="plain")
    assert PrometheusSource(settings).oldest("c1") == START
