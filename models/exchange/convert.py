"""Converting charge lines so that the converted lines add up to the converted total, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from models.chargeback.lines import UNITS, ChargeLine, LineKind
from models.exchange.rates import MonthRates, RateRule
from models.vocabulary.money import minor_digits

DETAIL_DIGITS = 9
"""Decimals of a converted detail line."""


@dataclass(frozen=True)
class Converted:
    """A line's cost in the reporting currency.

    Parameters
    ----------
    currency : str
        The reporting currency.
    units : int
        Nano-units of it; may differ from amount x rate by what rounding moved.
    rate : Decimal or None
        None where the line adds up several days with rates of their own.
    rate_day : date or None
        The day the rate was quoted for.
    origin : str or None
    """

    currency: str
    units: int
    rate: Decimal | None
    rate_day: date | None
    origin: str | None


def convert_lines(
    lines: Sequence[ChargeLine], rates: MonthRates, digits: int = DETAIL_DIGITS
) -> list[Converted | None]:
    """Convert the lines of one file, currency by currency.

    Per currency the total is ``sum(effective x rate)``, rounded half-even to the coin of the reporting
    currency. Lines are rounded to ``digits`` by largest remainder; what then is missing to whole coins goes
    to the last rounding line, else to the largest line. Lines in the reporting currency stay as they are.

    Parameters
    ----------
    lines : sequence of ChargeLine
    rates : MonthRates
    digits : int
        9 for detail lines; the decimals of the coin for a summary.

    Returns
    -------
    list of Converted or None
        In the order of the lines; None where nothing is to be converted or the currency has no rate.
    """
    return convert_groups(lines, [[line] for line in lines], rates, digits)


def convert_summary(
    summary: Sequence[ChargeLine], detail: Sequence[ChargeLine], rates: MonthRates
) -> list[Converted | None]:
    """Convert summary lines to whole coins of the reporting currency.

    Where every day has a rate of its own, a payer's exact detail lines are converted and then added up;
    so summary and detail have the same converted total.
    """
    digits = minor_digits(rates.reporting_currency or "")
    if rates.rule is RateRule.MONTH_END:
        return convert_lines(summary, rates, digits)
    by_payer: dict[tuple[object, ...], list[ChargeLine]] = {}
    for line in detail:
        by_payer.setdefault(_payer(line), []).append(line)
    groups = [by_payer.get(_payer(line), [line]) for line in summary]
    return convert_groups(summary, groups, rates, digits)


def _payer(line: ChargeLine) -> tuple[object, ...]:
    about = (line.correction, line.restates) if line.correction is not None else ()
    return (*line.payer, *about)


def convert_groups(
    lines: Sequence[ChargeLine], groups: Sequence[Sequence[ChargeLine]], rates: MonthRates, digits: int
) -> list[Converted | None]:
    """Convert lines of which each stands for a group of exact lines; see `convert_lines`."""
    found: list[Converted | None] = [None] * len(lines)
    reporting = rates.reporting_currency
    if reporting is None:
        return found
    for currency in dict.fromkeys(line.currency for line in lines):
        positions = [index for index, line in enumerate(lines) if line.currency == currency]
        own = [groups[index] for index in positions]
        if missing_rates((line for group in own for line in group), rates):
            continue
        if currency == reporting:
            rounded = [lines[index].effective for index in positions]
        else:
            exact, scale = _exact(own, rates)
            closing = _closing_position([lines[index] for index in positions], exact)
            rounded = round_to_coins((exact, scale), digits, minor_digits(reporting), closing)
        for index, group, units in zip(positions, own, rounded, strict=True):
            found[index] = _converted(reporting, units, group, rates)
    return found


def missing_rates(lines: Iterable[ChargeLine], rates: MonthRates) -> list[tuple[str, date | None]]:
    """Return each currency and day (None: the month's end) that a line needs and no rate is known for."""
    if rates.reporting_currency is None:
        return []
    is_daily = rates.rule is RateRule.DAILY
    asked = {(line.currency, line.day if is_daily else None) for line in lines}
    missing = {key for key in asked if rates.at(*key) is None}
    return sorted(missing, key=lambda key: (key[0], key[1] is not None, key[1] or date.min))


def _exact(groups: Sequence[Sequence[ChargeLine]], rates: MonthRates) -> tuple[list[int], int]:
    """Return what each group costs as whole numbers of 1 / scale nano-units: no rate has a finer digit."""
    asked = dict.fromkeys((line.currency, line.day) for group in groups for line in group)
    known = {key: rate.rate for key in asked if (rate := rates.at(*key)) is not None}
    digits = max((_decimals(rate) for rate in known.values()), default=0)
    whole = {key: int(rate.scaleb(digits)) for key, rate in known.items()}
    exact = [sum(line.effective * whole[line.currency, line.day] for line in group) for group in groups]
    return exact, 10**digits


def _decimals(rate: Decimal) -> int:
    exponent = rate.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _converted(reporting: str, units: int, group: Sequence[ChargeLine], rates: MonthRates) -> Converted:
    rate = rates.at(group[0].currency, group[0].day)
    if any(rates.at(line.currency, line.day) != rate for line in group[1:]):
        rate = None
    if rate is None:
        return Converted(reporting, units, None, None, None)
    return Converted(reporting, units, rate.rate, rate.day, rate.origin)


def _closing_position(lines: Sequence[ChargeLine], exact: Sequence[int]) -> int:
    rounding = [index for index, line in enumerate(lines) if line.kind is LineKind.ROUNDING]
    if rounding:
        return rounding[-1]
    return max(range(len(lines)), key=lambda index: (abs(exact[index]), -index))


def round_to_coins(
    exact: tuple[Sequence[int], int], digits: int, coin_digits: int, closing_position: int
) -> list[int]:
    """Round amounts to ``digits`` decimals so that they add up to their total in whole coins.

    Each is rounded down to its unit, the units that are missing to the total so rounded go to the largest
    remainders (ties to the earlier one), and what is missing to whole coins to one position.

    Parameters
    ----------
    exact : (sequence of int, int)
        Amounts in whole numbers of 1 / scale nano-units, and that scale.
    digits, coin_digits : int
        Decimals of a line and of the reporting currency's coin.
    closing_position : int
        Which amount takes what is missing.

    Returns
    -------
    list of int
        Nano-units.
    """
    amounts, scale = exact
    unit, coin = UNITS // 10**digits, UNITS // 10**coin_digits
    total = sum(amounts)
    pairs = [divmod(amount, unit * scale) for amount in amounts]
    parts = [part for part, _ in pairs]
    missing = round(Fraction(total, unit * scale)) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: (-pairs[index][1], index))
    for index in by_remainder[:missing]:
        parts[index] += 1
    units = [part * unit for part in parts]
    units[closing_position] += round(Fraction(total, coin * scale)) * coin - sum(units)
    return units
