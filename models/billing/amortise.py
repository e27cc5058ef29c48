"""Spreading what was paid at once over the days for which it was paid, and checking that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from models.billing.buckets import LineGroup
from models.vocabulary.windows import DAY

AMOUNT_DIGITS = 15
"""Decimals of amounts of a bill."""
SHORTEST_TERM = timedelta(days=32)
"""A purchase for longer than a month is spread over its term."""


@dataclass(frozen=True)
class Prepayment:
    """A purchase that a bill charges at once.

    Parameters
    ----------
    line : LineGroup
        The purchase; its effective cost is the whole price.
    start, end : datetime
        Half-open term.
    """

    line: LineGroup
    start: datetime
    end: datetime


def share_of_month(paid: Decimal, start: datetime, end: datetime, month: tuple[date, date]) -> Decimal:
    """Return the part of a payment that falls on the days of a month.

    Parameters
    ----------
    paid : Decimal
        Currency units, up to 15 decimals.
    start, end : datetime
        Term; it is spread evenly over its days, a begun day counts whole.
    month : tuple of date
        First day of the month and of the next.

    Returns
    -------
    Decimal
        By largest remainder over the days, so that the shares of all months add up to the payment exactly.
    """
    first = start.date()
    day_count = max((end - DAY / 86_400 / 1_000_000).date().toordinal() - first.toordinal() + 1, 1)
    lowest = max(month[0].toordinal() - first.toordinal(), 0)
    highest = min(month[1].toordinal() - first.toordinal(), day_count)
    if highest <= lowest:
        return Decimal(0)
    units = int(paid.scaleb(AMOUNT_DIGITS))
    sign, size = (-1 if units < 0 else 1), abs(units)
    before, inside, after = split_at_days(size, (lowest, highest - lowest, day_count - highest))
    assert before + inside + after == size
    return Decimal(sign * inside).scaleb(-AMOUNT_DIGITS)


def split_at_days(size: int, days: tuple[int, int, int]) -> tuple[int, int, int]:
    """Split whole units over the days before, in and after a month.

    Cut at day boundaries by running totals, so that the cuts of one month are those of its neighbours.
    """
    whole = sum(days)
    until_start = size * days[0] // whole
    until_end = size * (days[0] + days[1]) // whole
    return until_start, until_end - until_start, size - until_end


@dataclass(frozen=True)
class CommitmentCheck:
    """What was paid for a commitment and what became of it, in one month and currency.

    Parameters
    ----------
    purchased : Decimal
        Billed cost of its purchase and fee lines.
    used, unused : Decimal
        Effective cost of the lines that it covered, and of what nobody used.
    """

    commitment_id: str
    currency: str
    purchased: Decimal
    used: Decimal
    unused: Decimal

    @property
    def gap(self) -> Decimal:
        """Amortised less paid: 0 for a commitment whose whole term lies in the bill."""
        return self.used + self.unused - self.purchased


def check_commitments(groups: Iterable[LineGroup]) -> list[CommitmentCheck]:
    """Compare payments and amortised cost per commitment (FOCUS, EffectiveCost).

    Over its whole term, the effective cost of all usage of a commitment is the billed cost of its purchase.
    """
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for group in groups:
        if group.commitment_id is None:
            continue
        found = sums.setdefault((group.commitment_id, group.currency), [Decimal(0)] * 3)
        found[0] += group.billed_cost if group.charge_category == "Purchase" else Decimal(0)
        found[2 if group.commitment_status == "Unused" else 1] += group.effective_cost
    return [CommitmentCheck(*key, *values) for key, values in sorted(sums.items())]
