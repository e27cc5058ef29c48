"""A simulated fortnight through a real Prometheus and through files: the same money in two warehouses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from support.digests import digest_ledger
from support.prometheus import Fortnight
from support.warehouse import lake_digest

from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from service.setting_parts import ClusterSettings, PrometheusConnection
from service.usecases.allocation import AllocationReport, allocate
from service.usecases.ingest_files import InputFiles, ingest_files
from service.usecases.ingest_prometheus import IngestOptions, backfill, repair
from warehouse.observed import WindowState

pytestmark = pytest.mark.prometheus

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Chain:
    """A warehouse that one source fills, and how to run the whole chain into it once more."""

    runtime: Runtime
    run: Callable[[], AllocationReport]

    def costs(self) -> pd.DataFrame:
        return self.runtime.warehouse.lake.scan("cost_day").to_pandas()


@pytest.fixture(scope="module")
def lists(prometheus_fortnight: Fortnight) -> InputFiles:
    """Return the prices and owners that both warehouses share."""
    summary = prometheus_fortnight.summary
    return InputFiles(prices=summary.price_file, ownership=summary.ownership_file)


@pytest.fixture(scope="module")
def through_files(
    prometheus_fortnight: Fortnight, lists: InputFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    summary = prometheus_fortnight.summary
    runtime = Runtime.for_test(tmp_path_factory.mktemp("through-files"), now=summary.end, workers=1)
    given = InputFiles(
        usage=summary.usage_files[0].parent,
        nodes=summary.node_file,
        volumes=summary.volume_file,
        mounts=summary.mount_file,
        load_balancers=summary.load_balancer_file,
        prices=lists.prices,
        ownership=lists.ownership,
    )

    def run() -> AllocationReport:
        ingest_files(runtime, given)
        return allocate(runtime)

    run()
    yield Chain(runtime, run)
    runtime.warehouse.close()


@pytest.fixture(scope="module")
def through_prometheus(
    prometheus_fortnight: Fortnight, lists: InputFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    summary = prometheus_fortnight.summary
    cluster = ClusterSettings(
        name=prometheus_fortnight.cluster, prometheus=PrometheusConnection(url=prometheus_fortnight.url)
    )
    runtime = Runtime.for_test(
        tmp_path_factory.mktemp("through-prometheus"),
        now=summary.end + timedelta(minutes=30),
        clusters=(cluster,),
        workers=1,
    )

    def run() -> AllocationReport:
        ingest_files(runtime, lists)
        for outcome in backfill(runtime, summary.start, IngestOptions()):
            assert outcome.problem is None
        return allocate(runtime)

    run()
    yield Chain(runtime, run)
    runtime.warehouse.close()


def by_team(costs: pd.DataFrame) -> pd.Series:
    """Return what the workloads of each team cost; idle and overhead are nobody's."""
    return costs[costs.line_kind == "workload"].groupby("team", dropna=False).total_cost.sum().astype(float)


def in_cents(total: Decimal) -> Decimal:
    return total.quantize(CENT)


def test_both_cover_every_hour_of_the_fortnight(
    through_files: Chain, through_prometheus: Chain, prometheus_fortnight: Fortnight
) -> None:
    summary = prometheus_fortnight.summary
    for chain in (through_files, through_prometheus):
        span = chain.runtime.warehouse.ledger.span(prometheus_fortnight.cluster)
        assert span is not None
        assert (span.start, span.end) == (summary.start, summary.end)
        rows = chain.runtime.warehouse.ledger.rows(prometheus_fortnight.cluster, span)
        assert len(rows) == 14 * 24
        assert {row.state for row in rows} <= {WindowState.COMPLETE, WindowState.PARTIAL}


def test_the_cluster_costs_the_same_to_the_cent(through_files: Chain, through_prometheus: Chain) -> None:
    files, prometheus = through_files.costs(), through_prometheus.costs()
    assert set(files.currency) == set(prometheus.currency) == {"USD"}
    assert in_cents(files.total_cost.sum()) == in_cents(prometheus.total_cost.sum()) > 0


@pytest.mark.parametrize("table", ["volume_hour", "load_balancer_hour"])
def test_volumes_and_load_balancers_are_the_same_rows(
    through_files: Chain, through_prometheus: Chain, table: str
) -> None:
    keys = ["hour", "volume" if table == "volume_hour" else "load_balancer"]
    files, prometheus = (
        chain.runtime.warehouse.lake.scan(table).to_pandas().sort_values(keys, ignore_index=True)
        for chain in (through_files, through_prometheus)
    )
    assert len(files) > 14 * 24
    pd.testing.assert_frame_equal(prometheus, files)


def test_every_day_and_every_pool_costs_the_same_to_the_cent(
    through_files: Chain, through_prometheus: Chain
) -> None:
    keys = ["cluster", "billing_date", "node_pool"]
    files, prometheus = (
        chain.costs().groupby(keys).total_cost.sum().map(in_cents)
        for chain in (through_files, through_prometheus)
    )
    pd.testing.assert_series_equal(files, prometheus)


def test_every_team_costs_the_same_within_half_a_percent(
    through_files: Chain, through_prometheus: Chain
) -> None:
    files, prometheus = by_team(through_files.costs()), by_team(through_prometheus.costs())
    assert len(files) >= 8
    assert files.min() > 0.1
    pd.testing.assert_series_equal(prometheus, files, rtol=0.005)


def test_a_namespace_that_changes_hands_is_paid_by_both_owners(
    through_files: Chain, through_prometheus: Chain
) -> None:
    for chain in (through_files, through_prometheus):
        teams = by_team(chain.costs()).index
        assert {"logistics", "mobile"} <= set(teams)


def test_the_bill_of_the_provider_is_what_both_allocate(
    through_files: Chain, through_prometheus: Chain, prometheus_fortnight: Fortnight
) -> None:
    bill_file = prometheus_fortnight.summary.bill_file
    assert bill_file is not None
    lines = pd.read_csv(Path(bill_file), dtype=str)
    lines = lines[lines.ResourceType.notna()]  # only nodes have a type
    billed = sum((Decimal(cost) for cost in lines.EffectiveCost), Decimal(0))
    for chain in (through_files, through_prometheus):
        costs = chain.costs()
        of_nodes = costs[costs.resource.isin(("cpu", "memory", "gpu"))]
        assert in_cents(of_nodes.total_cost.sum()) == in_cents(billed)


def test_a_day_read_from_prometheus_again_is_stored_already(
    through_prometheus: Chain, prometheus_fortnight: Fortnight
) -> None:
    warehouse = through_prometheus.runtime.warehouse
    before = warehouse.lake.versions()
    start = prometheus_fortnight.summary.start + timedelta(days=5)
    (outcome,) = repair(
        through_prometheus.runtime, HourWindow(start, start + timedelta(days=1)), IngestOptions()
    )
    assert outcome.unchanged_count == 24
    assert warehouse.lake.versions() == before


@pytest.mark.parametrize("name", ["through_files", "through_prometheus"])
def test_the_whole_chain_run_again_changes_no_table(name: str, request: pytest.FixtureRequest) -> None:
    chain: Chain = request.getfixturevalue(name)
    tables, ledger = lake_digest(chain.runtime.warehouse), digest_ledger(chain.runtime)
    again = chain.run()
    assert not any(again.days.values())
    assert not any(again.cost_dates.values())
    assert lake_digest(chain.runtime.warehouse) == tables
    assert digest_ledger(chain.runtime) == ledger
