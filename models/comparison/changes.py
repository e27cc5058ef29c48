"""Comparisons of cost: period over period, year over year, across teams. Relative is None on a base of 0."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.vocabulary.windows import DAY


@dataclass(frozen=True)
class Change:
    """A figure beside its base.

    Parameters
    ----------
    current, base : Decimal
    day_count : int
        Days on each side: both hold equally many.
    """

    current: Decimal
    base: Decimal
    day_count: int

    @property
    def absolute(self) -> Decimal:
        """Current minus base."""
        return self.current - self.base

    @property
    def relative(self) -> Decimal | None:
        """Change divided by the base; None when the base is 0."""
        return self.absolute / self.base if self.base else None


def period_over_period(
    costs: Mapping[date, Decimal], final_days: Collection[date], first: date, base_first: date, last: date
) -> Change | None:
    """Compare the final days of a period with equally many days of the one before.

    Day ``n`` of the period is compared with day ``n`` of the base, and counts only where both are final, so
    that a running period is never compared with a whole one.

    Parameters
    ----------
    costs : mapping of date to Decimal
        Cost by billing day in one currency; a final day without an entry cost nothing.
    final_days : collection of date
        Days whose hours are all stored.
    first, base_first : date
        First days of the two periods.
    last : date
        Last day of the period, included.

    Returns
    -------
    Change or None
        None when no pair of days is final.
    """
    final = set(final_days)
    pairs = [
        (first + index * DAY, base_first + index * DAY)
        for index in range((last - first).days + 1)
        if base_first + index * DAY < first
    ]
    return _compare(costs, [pair for pair in pairs if final.issuperset(pair)])


def year_over_year(
    costs: Mapping[date, Decimal], final_days: Collection[date], first: date, last: date
) -> Change | None:
    """Compare the final days of a period with the same dates of the year before; 29 February is left out."""
    final = set(final_days)
    pairs = []
    for index in range((last - first).days + 1):
        day = first + index * DAY
        if (day.month, day.day) == (2, 29):
            continue
        before = day.replace(year=day.year - 1)
        if final.issuperset((day, before)):
            pairs.append((day, before))
    return _compare(costs, pairs)


def _compare(costs: Mapping[date, Decimal], pairs: list[tuple[date, date]]) -> Change | None:
    if not pairs:
        return None
    nothing = Decimal(0)
    current = sum((costs.get(day, nothing) for day, _ in pairs), nothing)
    base = sum((costs.get(before, nothing) for _, before in pairs), nothing)
    return Change(current, base, len(pairs))


@dataclass(frozen=True)
class TeamShare:
    """One team beside the others.

    Parameters
    ----------
    team : str or None
        None is unowned.
    cost : Decimal
    share_ratio : Decimal or None
        Of the sum over all teams; None when that is 0.
    rank : int
        1 is the dearest; teams of equal cost share a rank.
    """

    team: str | None
    cost: Decimal
    share_ratio: Decimal | None
    rank: int


def cross_team(costs: Mapping[str | None, Decimal]) -> list[TeamShare]:
    """Rank teams by cost in one currency, the dearest first, then by name."""
    total = sum(costs.values(), Decimal(0))
    ordered = sorted(costs.items(), key=lambda item: (-item[1], item[0] or ""))
    return [
        TeamShare(
            team, cost, cost / total if total else None, 1 + sum(other > cost for other in costs.values())
        )
        for team, cost in ordered
    ]
