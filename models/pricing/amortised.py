"""Hourly price of a machine that was bought: straight-line depreciation, power, and what else it costs.

With purchase price P, residual price V, lifetime of L months, W watts, power usage effectiveness E, price K
of a kilowatt-hour and other monthly cost O::

    hourly = (P - V) / (730 L)  +  W E K / 1000  +  O / 730

A month of depreciation is 730 hours, so that the hours of the whole lifetime add up to P - V exactly; the
first part ends 730 L hours after the purchase, and the machine costs its running cost from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from models.vocabulary.errors import InputError

HOURS_PER_MONTH = 730
_WATTS_PER_KILOWATT = 1000
_ONE = Decimal(1)


@dataclass(frozen=True)
class Amortisation:
    """What an owned machine costs. Currency and validity stand in its price row.

    Parameters
    ----------
    purchase_price, residual_price : Decimal
        Currency; the residual is what it is sold for in the end.
    lifetime_months : Decimal
    purchased_at : datetime
        When depreciation begins.
    power_watts : Decimal
        Mean draw of the machine.
    power_usage_effectiveness_ratio : Decimal
        Power of the whole data centre per power of its machines, at least 1.
    power_price_per_kwh : Decimal
        Currency per kilowatt-hour.
    other_monthly_cost : Decimal
        Currency per 730 hours: space, hands, support.
    """

    purchase_price: Decimal
    lifetime_months: Decimal
    purchased_at: datetime
    residual_price: Decimal = Decimal(0)
    power_watts: Decimal = Decimal(0)
    power_usage_effectiveness_ratio: Decimal = _ONE
    power_price_per_kwh: Decimal = Decimal(0)
    other_monthly_cost: Decimal = Decimal(0)

    @property
    def lifetime_hours(self) -> Decimal:
        """Hours over which the purchase is spread."""
        return self.lifetime_months * HOURS_PER_MONTH

    @property
    def written_off_at(self) -> datetime:
        """Instant at which nothing of the purchase is left to spread."""
        return self.purchased_at + timedelta(seconds=int(self.lifetime_hours * 3600))

    @property
    def hourly_depreciation(self) -> Decimal:
        """Currency per hour until it is written off."""
        return (self.purchase_price - self.residual_price) / self.lifetime_hours

    @property
    def hourly_running_cost(self) -> Decimal:
        """Currency per hour for power and other cost, for as long as it stands."""
        power = self.power_watts * self.power_usage_effectiveness_ratio * self.power_price_per_kwh
        return power / _WATTS_PER_KILOWATT + self.other_monthly_cost / HOURS_PER_MONTH

    def hourly_prices(
        self, valid_from: datetime, valid_to: datetime | None
    ) -> list[tuple[datetime, datetime | None, Decimal]]:
        """Return the hourly price and when it holds, within a validity: before and after the write-off."""
        running, end = self.hourly_running_cost, self.written_off_at
        parts: list[tuple[datetime, datetime | None, Decimal]] = []
        if valid_from < end:
            until = end if valid_to is None else min(end, valid_to)
            parts.append((valid_from, until, self.hourly_depreciation + running))
        if valid_to is None or end < valid_to:
            parts.append((max(valid_from, end), valid_to, running))
        return parts


def check_amortisation(cost: Amortisation, valid_from: datetime) -> None:
    """Refuse what cannot be spread.

    Raises
    ------
    InputError
        Naming field and value.
    """
    problems = (
        ("purchase_price", cost.purchase_price, cost.purchase_price >= 0, "is negative"),
        ("lifetime_months", cost.lifetime_months, cost.lifetime_months > 0, "is not more than 0"),
        (
            "residual_price",
            cost.residual_price,
            0 <= cost.residual_price <= cost.purchase_price,
            "is not between 0 and the purchase price",
        ),
        ("power_watts", cost.power_watts, cost.power_watts >= 0, "is negative"),
        (
            "power_usage_effectiveness_ratio",
            cost.power_usage_effectiveness_ratio,
            cost.power_usage_effectiveness_ratio >= 1,
            "is below 1: it is the power of the whole data centre per power of its machines",
        ),
        ("power_price_per_kwh", cost.power_price_per_kwh, cost.power_price_per_kwh >= 0, "is negative"),
        ("other_monthly_cost", cost.other_monthly_cost, cost.other_monthly_cost >= 0, "is negative"),
        ("valid_from", valid_from, valid_from >= cost.purchased_at, "is before purchased_at"),
    )
    for name, value, is_right, reason in problems:
        if not is_right:
            raise InputError(reason, field=name, value=value)
