"""Dated rates between currencies: what was quoted, and the rate that holds on a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from models.vocabulary.windows import DAY

_DIGITS = Context(prec=15, rounding=ROUND_HALF_EVEN)
"""A rate that nobody quoted but that follows from quotes keeps 15 significant digits."""


class RateRule(StrEnum):
    """Which day's rate converts a line.

    ``month_end``: the rate of the month's last day, for all lines. ``daily``: the rate of the line's own day;
    a line without a day, or of another month, takes that of the last day.
    """

    MONTH_END = "month_end"
    DAILY = "daily"


@dataclass(frozen=True)
class DatedRate:
    """What one unit of a currency is worth in the reporting currency, since when, and who said so.

    Parameters
    ----------
    rate : Decimal
        Units of the reporting currency per unit.
    day : date
        The day it was quoted for.
    origin : str
        Who quoted it; says so where it was turned round or goes through a third currency.
    """

    rate: Decimal
    day: date
    origin: str


@dataclass(frozen=True)
class Quote:
    """What one unit of a currency was worth in another on a day."""

    from_currency: str
    to_currency: str
    dated: DatedRate


@dataclass(frozen=True)
class MonthRates(Mapping[str, DatedRate]):
    """The rates of a month to the reporting currency: by currency the one of the month's end.

    Parameters
    ----------
    reporting_currency : str or None
        None converts nothing.
    rule : RateRule
    first, last : date or None
        Days of the month, both included.
    closing : mapping of str to DatedRate
        By currency, for the last day.
    daily : mapping of (str, date) to DatedRate
        By currency and day of the month; empty under ``month_end``.
    """

    reporting_currency: str | None = None
    rule: RateRule = RateRule.MONTH_END
    first: date | None = None
    last: date | None = None
    closing: Mapping[str, DatedRate] = field(default_factory=dict)
    daily: Mapping[tuple[str, date], DatedRate] = field(default_factory=dict)

    def __getitem__(self, currency: str) -> DatedRate:
        return self.closing[currency]

    def __iter__(self) -> Iterator[str]:
        return iter(self.closing)

    def __len__(self) -> int:
        return len(self.closing)

    def at(self, currency: str, day: date | None) -> DatedRate | None:
        """Return the rate that converts a line of a day, or None where none is known."""
        if self.rule is RateRule.DAILY and day is not None and self._is_of_month(day):
            return self.daily.get((currency, day))
        return self.closing.get(currency)

    def _is_of_month(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class RateBook:
    """Quotes by pair and day, answering which rate holds on a day.

    Parameters
    ----------
    quotes : iterable of Quote
    max_age_days : int
        An older quote is no rate: banks quote on working days, so a few days must be bridged.
    via : str or None
        Currency through which two quotes may be chained when a pair itself is not quoted; None never does.
    """

    def __init__(self, quotes: Iterable[Quote], *, max_age_days: int, via: str | None = None) -> None:
        self._by_pair: dict[tuple[str, str], list[DatedRate]] = {}
        for quote in quotes:
            self._by_pair.setdefault((quote.from_currency, quote.to_currency), []).append(quote.dated)
        for rates in self._by_pair.values():
            rates.sort(key=lambda one: one.day)
        self._max_age_days = max_age_days
        self._via = via

    def find(self, from_currency: str, to_currency: str, day: date) -> DatedRate | None:
        """Return the newest rate that is not younger than the day and not too old, or None.

        As quoted; else the inverse of the quoted pair the other way round; else, if allowed, chained through
        the named currency, dated by the older of its two quotes.
        """
        if from_currency == to_currency:
            return DatedRate(Decimal(1), day, "same currency")
        found = self._either_way(from_currency, to_currency, day)
        if found is None and self._via is not None and self._via not in (from_currency, to_currency):
            first = self._either_way(from_currency, self._via, day)
            second = self._either_way(self._via, to_currency, day)
            if first is not None and second is not None:
                return DatedRate(
                    _DIGITS.multiply(first.rate, second.rate),
                    min(first.day, second.day),
                    f"{_origins(first, second)}, through {self._via}",
                )
        return found

    def _either_way(self, from_currency: str, to_currency: str, day: date) -> DatedRate | None:
        quoted = self._quoted(from_currency, to_currency, day)
        if quoted is not None:
            return quoted
        inverse = self._quoted(to_currency, from_currency, day)
        if inverse is None:
            return None
        return DatedRate(_DIGITS.divide(Decimal(1), inverse.rate), inverse.day, f"{inverse.origin}, inverse")

    def _quoted(self, from_currency: str, to_currency: str, day: date) -> DatedRate | None:
        earliest = day - self._max_age_days * DAY
        known = self._by_pair.get((from_currency, to_currency), [])
        return next((one for one in reversed(known) if earliest <= one.day <= day), None)


def _origins(first: DatedRate, second: DatedRate) -> str:
    names = dict.fromkeys((first.origin, second.origin))
    return " and ".join(names)
