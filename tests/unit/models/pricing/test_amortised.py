from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from models.pricing.amortised import Amortisation, check_amortisation
from models.vocabulary.errors import InputError

BOUGHT = datetime(2026, 1, 1, tzinfo=UTC)
SERVER = Amortisation(
    Decimal(9760),
    Decimal(36),
    BOUGHT,
    residual_price=Decimal(1000),
    power_watts=Decimal(400),
    power_usage_effectiveness_ratio=Decimal("1.5"),
    power_price_per_kwh=Decimal("0.25"),
    other_monthly_cost=Decimal(73),
)


def test_the_hourly_price_is_depreciation_and_power_and_the_rest_by_hand():
    # 8,760 over 26,280 hours; 400 W x 1.5 x 0.25 per kWh; 73 over 730 hours.
    assert SERVER.hourly_depreciation == Decimal(8760) / Decimal(26280)
    assert SERVER.hourly_running_cost == Decimal("0.15") + Decimal("0.1")


def test_the_hours_of_its_life_add_up_to_what_was_paid():
    (_, end, price), (start, _, after) = SERVER.hourly_prices(BOUGHT, None)
    hours = Decimal(int((end - BOUGHT) / timedelta(hours=1)))
    assert hours == 26280
    total = (price - SERVER.hourly_running_cost) * hours
    assert abs(total - 8760) < Decimal("1e-20")
    assert (start, after) == (end, SERVER.hourly_running_cost)


def test_validity_cuts_the_two_parts():
    end = SERVER.written_off_at
    assert len(SERVER.hourly_prices(BOUGHT, end)) == 1
    assert SERVER.hourly_prices(end, None) == [(end, None, SERVER.hourly_running_cost)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lifetime_months": Decimal(0)}, "lifetime_months"),
        ({"residual_price": Decimal(10000)}, "residual_price"),
        ({"power_usage_effectiveness_ratio": Decimal("0.9")}, "power_usage_effectiveness_ratio"),
        ({"purchased_at": BOUGHT + timedelta(days=1)}, "valid_from"),
        ({"power_watts": Decimal(-1)}, "power_watts"),
    ],
)
def test_what_cannot_be_spread_is_named(change, field):
    with pytest.raises(InputError, match=f"field {field}"):
        check_amortisation(replace(SERVER, **change), BOUGHT)
