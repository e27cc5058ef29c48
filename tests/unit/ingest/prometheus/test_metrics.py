from __future__ import annotations

import re
from pathlib import Path

import yaml

from ingest.prometheus.metrics import METRICS, REQUIRED_NAMES, contract_as_markdown, explain_missing
from ingest.prometheus.queries import ScrapeIntervals, fleet_queries
from ingest.prometheus.settings import PrometheusSettings


def all_promql() -> str:
    settings = PrometheusSettings("http://prometheus:9090")
    return "\n".join(query.render(()) for query in fleet_queries(settings, ScrapeIntervals(30, 30)))


def test_the_document_says_what_the_table_in_code_says(repository: Path) -> None:
    document = repository / "docs" / "metrics.md"
    assert document.read_text() == contract_as_markdown(), (
        "docs/metrics.md is not up to date: write contract_as_markdown() into it"
    )


def test_every_metric_of_the_contract_is_asked_for_by_a_query() -> None:
    promql = all_promql()
    assert [need.name for need in METRICS if need.name not in promql] == []


def test_missing_metrics_are_named_with_their_remedy() -> None:
    text = explain_missing([need for need in METRICS if need.is_required])
    for name in REQUIRED_NAMES:
        assert name in text
    assert "kube-state-metrics 2.x" in text
    assert "/metrics/cadvisor" in text


def test_the_values_file_lets_through_every_metric_of_the_contract(repository: Path) -> None:
    values = yaml.safe_load((repository / "deploy" / "prometheus-values.yaml").read_text())
    rules = values["kubelet"]["serviceMonitor"]["cAdvisorMetricRelabelings"]
    dropped = [need.name for need in METRICS for rule in rules if re.fullmatch(rule["regex"], need.name)]
    assert dropped == []
    assert set(values["kube-state-metrics"]["metricLabelsAllowlist"]) == {
        "pods=[*]",
        "namespaces=[*]",
        "nodes=[*]",
    }
