"""What the cost board is built from: values only, read at one pin by ``service.boards.leadership``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from service.boards.periods import Period
from warehouse.database.anomalies import CostAnomaly
from warehouse.reads.costs import DayCost, OwnerCost, TeamDayCost


@dataclass(frozen=True)
class DayForecast:
    """Forecast cost of one day to come with its 80 % interval."""

    day: date
    value: Decimal
    lower_80: Decimal
    upper_80: Decimal


@dataclass(frozen=True)
class MonthForecast:
    """Forecast of a month's whole cost: point, 80 % interval, model, days that are still forecast."""

    value: Decimal
    lower_80: Decimal
    upper_80: Decimal
    model: str
    day_count: int
    days: tuple[DayForecast, ...] = ()


@dataclass(frozen=True)
class SavingFacts:
    """Savings per 30-day month, never added to each other. None means not measured, never zero."""

    requested: Decimal | None
    bankable: Decimal | None
    realised: Decimal | None


@dataclass(frozen=True)
class Footprint:
    """Mean size and daily cost of what a stage covers, over the days beside it."""

    node_count_mean: float | None
    cpu_cores_mean: float | None
    memory_bytes_mean: float | None
    cost_per_day: Decimal | None


@dataclass(frozen=True)
class RealisedFacts:
    """What one stage really saved per 30-day month, with its 80 % interval, or why that is not known.

    ``amount`` is None while it does not count; the interval may be known before. ``touched`` names the pools
    that it changed.
    """

    amount: Decimal | None
    lower_80: Decimal | None
    upper_80: Decimal | None
    currency: str | None
    reason: str
    target: Decimal | None = None
    touched: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageFacts:
    """One optimisation stage with the same number of final days before and after it."""

    name: str
    first: date
    last: date | None
    before_text: str
    after_text: str
    before: Footprint | None
    after: Footprint | None
    realised: RealisedFacts | None = None
    """None where the reader does not see nodes."""


@dataclass(frozen=True)
class LeadershipFacts:
    """Everything behind one cost board, in one currency.

    ``owners`` is over the covered days; a change compares ``owners_paired`` with ``owners_before``, each over
    the days that the period names for it.
    """

    currency: str
    currency_count: int
    period: Period
    final_days: Mapping[date, bool]
    by_day: tuple[DayCost, ...]
    by_day_before: tuple[DayCost, ...]
    owners: tuple[OwnerCost, ...]
    owners_paired: tuple[OwnerCost, ...]
    owners_before: tuple[OwnerCost, ...]
    team_days: tuple[TeamDayCost, ...]
    forecast: MonthForecast | None
    budget_of_month: Decimal | None
    savings: SavingFacts
    stages: tuple[StageFacts, ...]
    is_simulated: bool
    age: timedelta | None
    anomalies: tuple[CostAnomaly, ...] = ()
