"""Price lists taken in, checked and used: on four days of a cluster of two nodes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from support.fleet import Node, observe, store
from support.published_prices import write_aws_csv, write_json

from ingest.prices.format_names import PriceFormat
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import Forbidden, InputError, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.prices import (
    ImportRequest,
    check_prices,
    import_family_weights,
    import_prices,
    list_prices,
    parse_moment,
    unpriced_types,
)

FINANCE = Principal("finance", frozenset({Role.FINANCE}))
OWNER = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "instance_type,currency,hourly_list_price,valid_from"


def write(tmp_path: Path, text: str, name: str = "prices.csv") -> ImportRequest:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return ImportRequest(tmp_path / name)


def daily_costs(runtime: Runtime) -> dict[date, Decimal]:
    found: dict[date, Decimal] = {}
    for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist():
        found[row["day"]] = found.get(row["day"], Decimal(0)) + (row["effective_cost"] or 0)
    return found


def test_a_new_version_reprices_its_days_and_no_other(runtime: Runtime, tmp_path: Path) -> None:
    allocate(runtime)
    request = write(tmp_path, f"{HEAD}\nm5.xlarge,USD,0.5,2026-10-03T12:00:00Z\n")
    report = import_prices(runtime, FINANCE, request)
    assert (report.added_count, report.ended_count) == (1, 1)
    assert report.changes_from == datetime(2026, 10, 3, 12, tzinfo=UTC)
    assert allocate(runtime).days["c1"] == (date(2026, 10, 3), date(2026, 10, 4))
    old, new = Decimal("0.233") * 48, Decimal("0.5") * 48
    assert list(daily_costs(runtime).values()) == [old, old, (old + new) / 2, new]
    assert import_prices(runtime, FINANCE, request).changes_from is None
    assert allocate(runtime).days["c1"] == ()


def test_where_a_price_comes_from_stays_with_it(runtime: Runtime, tmp_path: Path) -> None:
    request = write(tmp_path, f"{HEAD}\nm5.xlarge,USD,0.5,2026-10-03T12:00:00Z\n")
    import_prices(runtime, FINANCE, request)
    before, after = (
        list_prices(runtime, FINANCE, at=moment)[0] for moment in (START, START + timedelta(days=9))
    )
    assert before.hourly_list_price == Decimal("0.233")
    assert (after.source_file, after.source_row, after.imported_by) == (str(request.path), 1, "finance")
    assert len(after.source_sha256 or "") == 64
    assert after.imported_at == runtime.now()
    admin = Principal("root", frozenset({Role.ADMIN}))
    (entry,) = runtime.warehouse.audit.list(admin)
    assert entry.detail["files"] == {str(request.path): after.source_sha256}


def test_tidal_prices_are_paid_by_the_second(runtime: Runtime, tmp_path: Path) -> None:
    head = f"{HEAD},daily_from,daily_to,time_zone"
    text = f"{head}\nm5.xlarge,USD,0.05,2026-10-01T00:00:00Z,23:30,07:00,Asia/Shanghai\n"
    import_prices(runtime, FINANCE, write(tmp_path, text))
    allocate(runtime)
    night = Decimal("7.5")
    day = 2 * (night * Decimal("0.05") + (24 - night) * Decimal("0.233"))
    assert list(daily_costs(runtime).values()) == [day] * 4
    cut = [
        row
        for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist()
        if row["hour"] == datetime(2026, 10, 1, 15, tzinfo=UTC)
    ]
    assert {row["effective_cost"] for row in cut} == {(Decimal("0.05") + Decimal("0.233")) / 2}
    assert all(len(row["price_id"].split("+")) == 2 for row in cut)


def test_a_machine_that_was_bought_costs_its_life_and_its_power(runtime: Runtime, tmp_path: Path) -> None:
    text = (
        "instance_type,currency,valid_from,purchase_price,lifetime_months,power_watts,power_price_per_kwh\n"
        "m5.xlarge,EUR,2026-10-01T00:00:00Z,26280,36,500,0.20\n"
    )
    import_prices(runtime, FINANCE, write(tmp_path, text))
    allocate(runtime)
    assert list(daily_costs(runtime).values()) == [Decimal("1.1") * 48] * 4
    rows = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    assert {row["provenance"] for row in rows} == {"amortised"}
    assert {row["currency"] for row in rows} == {"EUR"}


def test_the_price_of_an_hour_of_spot_is_the_mean_by_seconds(tmp_path: Path) -> None:
    runtime = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    store(runtime, observe("c1", START, 4, [Node("n1", option="spot")], []))
    point = {"InstanceType": "m5.xlarge", "ZoneId": "eu-1a", "OriginPrice": 0.4}
    points = [
        {**point, "SpotPrice": 0.06, "Timestamp": "2026-09-30T00:00:00Z"},
        {**point, "SpotPrice": 0.12, "Timestamp": "2026-10-01T02:15:00Z"},
    ]
    answer = {"Currency": "CNY", "SpotPrices": {"SpotPriceType": points}}
    request = ImportRequest(write_json(tmp_path / "spot.json", answer), PriceFormat.SPOT_HISTORY)
    assert import_prices(runtime, FINANCE, request).added_count == 2
    allocate(runtime)
    rows = sorted(
        runtime.warehouse.lake.scan("asset_price_hour").to_pylist(), key=lambda row: str(row["hour"])
    )
    mean = (Decimal("0.06") + 3 * Decimal("0.12")) / 4
    assert [row["effective_cost"] for row in rows] == [Decimal("0.06")] * 2 + [mean, Decimal("0.12")]
    assert {row["list_cost"] for row in rows} == {Decimal("0.4")}


def test_a_check_names_holes_before_anything_is_allocated(runtime: Runtime, tmp_path: Path) -> None:
    assert check_prices(runtime, FINANCE, "2026-10") == []
    late = PriceRow("m5.xlarge", "USD", Decimal("0.233"), datetime(2026, 10, 2, 6, 30, tzinfo=UTC))
    runtime.warehouse.prices.replace([late])
    (hole,) = check_prices(runtime, FINANCE, "2026-10")
    assert (hole.kind, hole.cluster, hole.type_name) == ("hole", "c1", "m5.xlarge")
    assert (hole.starts_at, hole.ends_at) == (START, datetime(2026, 10, 2, 7, tzinfo=UTC))
    assert hole.node_hours == 2 * 31


def test_types_without_a_price_of_their_own_are_named(runtime: Runtime) -> None:
    allocate(runtime)
    assert unpriced_types(runtime, "2026-10") == []
    runtime.warehouse.prices.replace([])
    allocate(runtime)
    found = unpriced_types(runtime, "2026-10")
    assert {(one.cluster, one.asset_kind, one.type_name, one.provenance) for one in found} == {
        ("c1", "node", "m5.xlarge", "assumed")
    }
    assert sum(one.asset_hours for one in found) == 2 * 96


def test_an_import_for_a_cluster_keeps_what_its_nodes_are(runtime: Runtime, tmp_path: Path) -> None:
    rows = [
        {"Instance Type": "m5.xlarge", "Region Code": "eu-1"},
        {"SKU": "B", "Instance Type": "m5.metal", "Region Code": "eu-1"},
        {"SKU": "C", "Instance Type": "m5.xlarge", "Region Code": "mars-1"},
    ]
    path = write_aws_csv(tmp_path / "ec2.csv", rows)
    report = import_prices(
        runtime, FINANCE, ImportRequest(path, PriceFormat.AWS, cluster="c1", valid_from=START)
    )
    assert report.read_count == 1
    assert report.skipped == {"other type": 1, "other region": 1}
    runtime.warehouse.clusters.register("empty")
    with pytest.raises(UsageError, match="no hour of empty is stored"):
        import_prices(runtime, FINANCE, ImportRequest(path, PriceFormat.AWS, cluster="empty"))


def test_weights_by_family_move_cost_between_resources_and_keep_the_sum(
    runtime: Runtime, tmp_path: Path
) -> None:
    allocate(runtime)
    before = daily_costs(runtime)
    (tmp_path / "weights.csv").write_text(
        "family,cpu_weight,memory_weight,valid_from\nm5,4,1,2026-10-03T00:00:00Z\n"
    )
    assert import_family_weights(runtime, FINANCE, tmp_path / "weights.csv") == 1
    assert allocate(runtime).days["c1"] == (date(2026, 10, 3), date(2026, 10, 4))
    assert daily_costs(runtime) == before
    weights = {
        (row["day"], row["cpu_weight"]) for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist()
    }
    assert weights == {(date(2026, 10, day), 9.0 if day < 3 else 4.0) for day in range(1, 5)}


def test_an_owner_of_a_team_may_not_touch_prices(runtime: Runtime, tmp_path: Path) -> None:
    request = write(tmp_path, f"{HEAD}\nm5.xlarge,USD,0.5,2026-10-03T12:00:00Z\n")
    with pytest.raises(Forbidden):
        import_prices(runtime, OWNER, request)
    with pytest.raises(Forbidden):
        list_prices(runtime, OWNER)
    with pytest.raises(Forbidden):
        check_prices(runtime, OWNER, "2026-10")


def test_a_file_without_a_wanted_price_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    path = write_aws_csv(tmp_path / "ec2.csv", [{"Operating System": "Windows"}])
    with pytest.raises(InputError, match=r"holds no price that is wanted \(1 other operating system"):
        import_prices(runtime, FINANCE, ImportRequest(path, PriceFormat.AWS))


def test_a_bare_date_is_midnight_in_the_billing_zone(runtime: Runtime) -> None:
    runtime.warehouse.periods.set_billing_zone("Asia/Shanghai")
    assert parse_moment(runtime, "2026-10-01") == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert parse_moment(runtime, "2026-10-01T00:00:00Z") == START
