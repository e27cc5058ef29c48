"""First contact with servers that have everything, the stock set, or nothing of use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from support.open_metrics import ClusterWriter, MetricFile, TestPod
from support.prometheus import load_blocks, run_prometheus
from support.prometheus_stub import StubAnswer, StubRequest, run_stub

from ingest.prometheus.connection import PrometheusConnection
from ingest.prometheus.probe import ProbeReport, probe
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.errors import MetricsMissing, SourceRefused, SourceUnreachable

T0 = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
END = T0 + 3 * 3600


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("probe")
    file = MetricFile()
    for name, labels in (("full", None), ("stock", {})):
        writer = ClusterWriter(T0, END, extra={"cluster": name})
        writer.file = file
        writer.add_node("n1", T0 - 5000, END + 1, labels=labels)
        writer.add_node("n2", T0 - 5000, END + 1, labels=labels)
        pod_labels = {"team": "shop"} if name == "full" else {}
        writer.add_pod(TestPod("shop", "web-5d4f7-a", "u1", "n1", T0 - 5000, END + 1, labels=pod_labels))
    moments = [T0 + 30 * i for i in range(360)]
    file.add_constant("kube_pod_info", {"cluster": "half", "exported_pod": "web", "pod": "ksm"}, moments)
    file.add_constant(
        "kube_node_status_capacity", {"cluster": "half", "node": "n", "resource": "cpu"}, moments
    )
    with run_prometheus(load_blocks([file.write(folder / "m.om")], folder / "data")) as url:
        yield url


def look(url: str, cluster: str | None = None) -> ProbeReport:
    label = "cluster" if cluster else None
    return probe(
        PrometheusConnection(PrometheusSettings(url, cluster_label=label, cluster_label_value=cluster))
    )


def test_a_full_server_is_described_with_the_cost_of_a_backfill(server: str) -> None:
    report = look(server, "full")
    assert (report.dialect, report.version[:4]) == ("Prometheus", "2.42")
    assert report.oldest == datetime.fromtimestamp(T0, UTC)
    assert report.newest == datetime.fromtimestamp(END, UTC)
    assert report.intervals is not None
    assert (report.intervals.cadvisor_seconds, report.intervals.kube_state_seconds) == (30, 30)
    assert report.node_types == {"m5.xlarge": 2}
    assert (report.node_count, report.pod_count, report.container_count) == (2, 1, 1)
    assert report.missing_required == ()
    assert report.backfill is not None
    assert report.backfill.hours == 3
    assert 0 < report.backfill.query_count <= 20
    assert report.backfill.sample_count > 100
    report.require()


def test_a_stock_server_names_what_is_off_and_how_to_turn_it_on(server: str) -> None:
    report = look(server, "stock")
    missing = {need.name: need for need in report.missing_optional}
    assert "metric-labels-allowlist=nodes" in missing["kube_node_labels"].remedy
    assert "assumed" in missing["kube_node_labels"].without
    assert {"kube_pod_labels", "node_filefd_allocated"} <= set(missing)
    assert report.node_types == {"unknown": 2}


def test_what_only_exists_when_it_happens_is_not_called_missing(server: str) -> None:
    names = {need.name for need in look(server, "full").missing}
    assert not names & {"kube_job_owner", "kube_pod_init_container_info", "kube_pod_overhead_cpu_cores"}
    assert "node_cpu_seconds_total" not in names


def test_missing_required_metrics_are_refused_by_name_with_their_remedy(server: str) -> None:
    report = look(server, "half")
    with pytest.raises(MetricsMissing, match=r"container_cpu_usage_seconds_total.*cadvisor"):
        report.require()
    assert any("honorLabels" in remark for remark in report.remarks)


def test_several_clusters_on_one_server_are_found_and_a_choice_is_asked_for(server: str) -> None:
    report = look(server)
    assert (report.cluster_label, report.cluster_values) == ("cluster", ("full", "half", "stock"))
    assert any("cluster_label_value" in remark for remark in report.remarks)


def test_a_cluster_that_is_not_there_is_named_beside_those_that_are(server: str) -> None:
    report = look(server, "elsewhere")
    assert report.oldest is None
    assert any("cluster=elsewhere" in remark and "full" in remark for remark in report.remarks)


@pytest.mark.parametrize(
    ("build", "dialect"),
    [
        (b'{"version":"0.35.0","revision":"x","goVersion":"go1.22"}', "Thanos"),
        (b'{"application":"Grafana Mimir","version":"2.12","revision":"x"}', "Mimir"),
        (b'{"version":"2.24.0"}', "VictoriaMetrics"),
        (b'{"version":"3.1.0","revision":"x","goVersion":"go1.23"}', "Prometheus"),
    ],
)
def test_the_dialect_is_told_by_the_build(build: bytes, dialect: str) -> None:
    def behave(request: StubRequest, number: int) -> StubAnswer:
        if request.path.endswith("buildinfo"):
            return StubAnswer(body=b'{"status":"success","data":' + build + b"}")
        if request.path.endswith(("values", "labels")):
            return StubAnswer(body=b'{"status":"success","data":[]}')
        return StubAnswer()

    with run_stub(behave) as stub:
        report = look(stub.url)
    assert report.dialect == dialect
    assert len(report.missing_required) == 7


def test_refused_credentials_and_other_servers_are_told_apart() -> None:
    with run_stub(lambda r, n: StubAnswer(401, b"")) as stub, pytest.raises(SourceRefused):
        look(stub.url)
    with run_stub(lambda r, n: StubAnswer(200, b"<html>")) as stub, pytest.raises(SourceUnreachable):
        look(stub.url)
