"""One real Prometheus with every cluster of ``prometheus_pitfalls``, and how to observe one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.open_metrics import ClusterWriter, MetricFile
from support.prometheus import load_blocks, run_prometheus
from support.prometheus_pitfalls import CASES, END, T0, WINDOW

from ingest.prometheus.settings import PrometheusSettings
from ingest.prometheus.source import PrometheusSource
from models.vocabulary.windows import HourWindow
from warehouse.observed import ObservedWindow


@pytest.fixture(scope="session")
def pitfall_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve all cases, told apart by the label ``cluster``; yields the URL."""
    folder = tmp_path_factory.mktemp("pitfalls")
    file = MetricFile()
    for name, (build, options) in CASES.items():
        writer = ClusterWriter(T0, END, extra={"cluster": name}, **options)  # type: ignore[arg-type]
        writer.file = file
        build(writer)
    # another exporter that uses the label for its own purposes
    file.add_constant("redis_up", {"cluster": "cache-7", "job": "redis"}, [T0 + 30.0 * i for i in range(480)])
    data = load_blocks([file.write(folder / "metrics.om")], folder / "data")
    with run_prometheus(data) as url:
        yield url


@pytest.fixture(scope="session")
def observe(pitfall_server: str) -> Callable[..., ObservedWindow]:
    """Observe a case, each once."""
    seen: dict[tuple[str, HourWindow, str], ObservedWindow] = {}

    def observe_case(name: str, window: HourWindow = WINDOW, **settings: object) -> ObservedWindow:
        key = (name, window, repr(sorted(settings.items())))
        if key not in seen:
            selected = {"cluster_label": "cluster", "cluster_label_value": name, **settings}
            source = PrometheusSource(PrometheusSettings(pitfall_server, **selected))  # type: ignore[arg-type]
            seen[key] = source.observe("c1", window)
            source.close()
        return seen[key]

    return observe_case
