"""Hours counted in the database are those that the ledger lists."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from support.board_world import build_world

from models.vocabulary.windows import HourWindow
from service.usecases.billing_months import BillingMonth, month_coverage
from warehouse.observed import WindowState
from warehouse.reads.coverage import CoverageReads


def test_counted_hours_are_those_of_the_ledger(tmp_path: Path) -> None:
    gaps = [
        ("shop-eu", datetime(2026, 11, 3, 7, tzinfo=UTC), WindowState.PARTIAL, "half"),
        ("shop-eu", datetime(2026, 11, 3, 9, tzinfo=UTC), WindowState.FAILED, "no answer"),
        ("data-us", datetime(2026, 11, 4, 1, tzinfo=UTC), WindowState.UNRECOVERABLE, "too old"),
    ]
    world = build_world(tmp_path, first=date(2026, 11, 1), gaps=gaps, with_suggestions=False)
    warehouse = world.runtime.warehouse
    window = HourWindow(datetime(2026, 11, 2, tzinfo=UTC), datetime(2026, 11, 9, tzinfo=UTC))
    counted = CoverageReads(warehouse.database).stored_counts(window)
    for cluster in ("shop-eu", "data-us"):
        states = [row.state for row in warehouse.ledger.rows(cluster, window)]
        assert counted[cluster] == (
            states.count(WindowState.COMPLETE),
            states.count(WindowState.PARTIAL),
        )
    shop, data = sorted(
        month_coverage(world.runtime, BillingMonth.read(world.runtime, "2026-11")),
        key=lambda one: -one.hours_partial,
    )
    assert (shop.cluster, shop.hours_partial) == ("shop-eu", 1)
    # three hours of the 21st have passed and nothing of them is stored
    assert shop.hours_expected - shop.hours_complete == 2 + 3
    assert data.hours_expected - data.hours_complete == 1 + 3
    warehouse.close()
