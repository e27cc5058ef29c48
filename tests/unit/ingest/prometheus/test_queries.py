from __future__ import annotations

import pytest

from ingest.prometheus.queries import ScrapeIntervals, fleet_queries
from ingest.prometheus.selectors import select
from ingest.prometheus.settings import PrometheusSettings

URL = "http://prometheus:9090"


def promql(name: str, intervals: ScrapeIntervals | None = None, **settings: object) -> str:
    chosen = PrometheusSettings(URL, **settings)  # type: ignore[arg-type]
    queries = fleet_queries(chosen, intervals or ScrapeIntervals(30, 30))
    return next(query.render(chosen.cluster_matchers) for query in queries if query.name == name)


@pytest.mark.parametrize("interval", [5, 15, 30, 60, 75, 120, 300])
def test_a_rate_looks_back_over_four_scrapes_and_a_bin_at_least(interval: float) -> None:
    window = ScrapeIntervals(interval, 30).rate_window_seconds
    assert window >= 4 * interval
    assert window > 300


def test_every_selector_carries_the_cluster() -> None:
    settings = PrometheusSettings(URL, cluster_label="cluster", cluster_label_value="c1")
    for query in fleet_queries(settings, ScrapeIntervals(30, 30)):
        text = query.render(settings.cluster_matchers)
        assert text.count('cluster="c1"') == text.count("{")


def test_namespaced_queries_carry_the_shard_in_every_selector() -> None:
    settings = PrometheusSettings(URL)
    for query in fleet_queries(settings, ScrapeIntervals(30, 30)):
        if query.is_namespaced:
            text = query.render(('namespace=~"a|b"',))
            assert text.count('namespace=~"a|b"') == text.count("{")


def test_the_image_matcher_is_a_setting() -> None:
    assert "image" not in promql("cpu_mean")
    assert 'image!=""' in promql("cpu_mean", container_matcher='image!=""')


def test_the_minute_rate_is_asked_for_only_where_samples_are_close_enough_or_wanted() -> None:
    def names(interval: float, burst: str) -> set[str]:
        settings = PrometheusSettings(URL, cpu_burst=burst)  # type: ignore[arg-type]
        return {query.name for query in fleet_queries(settings, ScrapeIntervals(interval, 30))}

    assert "cpu_max_1m" in names(30, "auto")
    assert "cpu_max_1m" not in names(60, "auto")
    assert "cpu_max_1m" in names(60, "on")
    assert "cpu_max_1m" not in names(15, "off")


def test_a_selector_without_matchers_has_no_braces() -> None:
    assert select("up") == "up"
    assert select("up", "", 'a="b"') == 'up{a="b"}'
