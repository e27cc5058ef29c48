"""Price, ownership, budget, initiative, node, asset and bill files of a simulated company."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingest.simulated.asset_files import ASSET_HEADERS, asset_rows, write_traffic
from ingest.simulated.bill_file import BILL_COLUMNS, bill_rows
from ingest.simulated.usage_files import month_spans, node_rows
from models.simulation.asset_prices import AssetPrice, asset_prices
from models.simulation.scenario import Scenario
from models.simulation.timeline import ClusterTimeline
from models.simulation.truth import PRICES_KNOWN_SINCE, prices_of


def write_company_files(scenario: Scenario, timelines: Sequence[ClusterTimeline], folder: Path) -> list[Path]:
    """Write ``nodes.csv, prices.csv, ownership.csv, budgets.csv, initiatives.csv`` and ``bill.csv``.

    ``bill_rules.csv`` says who pays what no cluster caused; assets are ``volumes.csv, mounts.csv,
    load_balancers.csv`` and ``network.parquet``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Iterable[Mapping[str, object]]] = {
        "nodes.csv": [row for timeline in timelines for row in node_rows(timeline)],
        "prices.csv": _price_rows(scenario),
        "ownership.csv": _ownership_rows(scenario),
        "budgets.csv": _budget_rows(scenario),
        "initiatives.csv": _initiative_rows(scenario),
        "bill.csv": bill_rows(scenario, timelines),
        "bill_rules.csv": [{"bucket": "out_of_cluster", "tags": "team=*", "team_tag": "team"}],
        **asset_rows(timelines),
    }
    paths = []
    for name, rows in files.items():
        path = folder / name
        _write_csv(path, _HEADERS[name], rows)
        paths.append(path)
    return [*paths, write_traffic(timelines, folder / "network.parquet")]


_HEADERS = {
    "nodes.csv": (
        "cluster,node,valid_from,valid_to,instance_type,region,zone,purchase_option,cpu_capacity_cores,"
        "memory_capacity_bytes,cpu_allocatable_cores,memory_allocatable_bytes,gpu_capacity,labels"
    ),
    "prices.csv": (
        "asset_kind,instance_type,region,purchase_option,unit,currency,hourly_list_price,"
        "hourly_contracted_price,hourly_effective_price,valid_from,valid_to"
    ),
    "ownership.csv": (
        "cluster,namespace,label_selector,team,cost_centre,share_ratio,priority,valid_from,valid_to"
    ),
    "budgets.csv": "scope_kind,scope,month,currency,amount",
    "initiatives.csv": "name,description,started_at,ended_at,cluster,node_pool,team",
    "bill.csv": BILL_COLUMNS,
    "bill_rules.csv": "bucket,tags,team_tag",
    **ASSET_HEADERS,
}


def _write_csv(path: Path, header: str, rows: Iterable[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header.split(","), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _time(seconds: int | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _price_rows(scenario: Scenario) -> list[dict[str, object]]:
    rows: dict[tuple[str, str, str, int], dict[str, object]] = {}
    for cluster in scenario.clusters:
        for pool in cluster.pools:
            for price in prices_of(scenario, cluster.region, pool):
                rows[pool.instance_type, cluster.region, pool.purchase_option, price.start] = {
                    "asset_kind": "node",
                    "instance_type": pool.instance_type,
                    "region": cluster.region,
                    "purchase_option": pool.purchase_option,
                    "unit": "hour",
                    "currency": scenario.currency,
                    "hourly_list_price": price.list_price,
                    "hourly_contracted_price": price.contracted_price,
                    "hourly_effective_price": price.effective_price,
                    "valid_from": _time(price.start),
                    "valid_to": _time(price.end),
                }
    return [*(rows[key] for key in sorted(rows)), *(_asset_price_row(scenario, p) for p in asset_prices())]


def _asset_price_row(scenario: Scenario, price: AssetPrice) -> dict[str, object]:
    return {
        "asset_kind": price.asset_kind,
        "instance_type": price.type_name,
        "unit": price.unit,
        "currency": scenario.currency,
        "hourly_list_price": price.list_price,
        "hourly_contracted_price": price.contracted_price,
        "hourly_effective_price": price.contracted_price,
        "valid_from": _time(PRICES_KNOWN_SINCE),
    }


def _ownership_rows(scenario: Scenario) -> list[dict[str, object]]:
    return [
        {
            "cluster": rule.cluster,
            "namespace": rule.namespace,
            "label_selector": rule.label_selector,
            "team": rule.team,
            "cost_centre": rule.cost_centre,
            "share_ratio": rule.share_ratio,
            "priority": rule.priority,
            "valid_from": _time(rule.valid_from),
            "valid_to": _time(rule.valid_to),
        }
        for rule in scenario.ownership
    ]


def _budget_rows(scenario: Scenario) -> Iterator[dict[str, object]]:
    amounts = [("team", team, amount) for team, amount in sorted(scenario.team_budgets.items())]
    if scenario.company_budget is not None:
        amounts.insert(0, ("all", "*", scenario.company_budget))
    for month, _, _ in month_spans(scenario.start, scenario.end):
        for kind, scope, amount in amounts:
            yield {
                "scope_kind": kind,
                "scope": scope,
                "month": month,
                "currency": scenario.currency,
                "amount": f"{amount:.2f}",
            }


def _initiative_rows(scenario: Scenario) -> list[dict[str, object]]:
    return [
        {
            "name": stage.name,
            "description": stage.description,
            "started_at": _time(stage.started_at),
            "ended_at": _time(stage.finished_at),
            "cluster": stage.cluster,
            "node_pool": stage.node_pool,
            "team": stage.team,
        }
        for stage in scenario.initiatives
    ]
