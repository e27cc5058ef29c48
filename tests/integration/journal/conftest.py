from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.closing import FINANCE, LONG_AGO, MONTH, START, store_hours

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.period_close import close_period

NOW = datetime(2026, 11, 20, tzinfo=UTC)
Make = Callable[..., Runtime]
Home = Callable[..., Path]


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a function that gives a home with hours of October, made once: to be copied, never used."""
    made: dict[tuple[int, bool], Path] = {}

    def home(hours: int, *, is_closed: bool = False) -> Path:
        key = (hours, is_closed)
        if key not in made:
            folder = tmp_path_factory.mktemp("template") / "home"
            _build(folder, hours, is_closed=is_closed)
            made[key] = folder
        return made[key]

    return home


def _build(folder: Path, hours: int, *, is_closed: bool) -> None:
    found = Runtime.for_test(folder, now=NOW)
    found.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    found.warehouse.ownership.replace([OwnershipRow("*", "shop", "red", LONG_AGO, cost_centre="4711")])
    store_hours(found, START, hours)
    allocate(found)
    if is_closed:
        close_period(found, FINANCE, MONTH)
    found.warehouse.close()


@pytest.fixture
def make(homes: Home, tmp_path: Path) -> Make:
    """Return a function that gives a runtime with hours of October: teams red (4711) and payments."""

    def build(hours: int = 744, now: datetime = NOW, *, is_closed: bool = False, **settings: Any) -> Runtime:
        home = tmp_path / "home"
        if not home.exists():
            shutil.copytree(homes(hours, is_closed=is_closed), home)
        return Runtime.for_test(home, now=now, **settings)

    return build
