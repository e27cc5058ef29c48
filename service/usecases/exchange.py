"""Exchange rates: importing them, and the rates that convert a month; frozen when it is closed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from ingest.files.rate_files import load_rates
from models.chargeback.lines import ChargeLine
from models.exchange.convert import missing_rates
from models.exchange.rates import DatedRate, MonthRates, Quote, RateBook, RateRule
from models.vocabulary.errors import InputError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from warehouse.database.audit import AuditNote
from warehouse.database.plans import ExchangeRate

RATES = "exchange_rate"
"""Table of a close: the rates that converted it."""
_SCHEMA = pa.schema(
    [
        ("reporting_currency", pa.string()),
        ("rule", pa.string()),
        ("currency", pa.string()),
        ("day", pa.date32()),
        ("rate", pa.string()),
        ("rate_day", pa.date32()),
        ("origin", pa.string()),
    ]
)
_MOST_DAYS = 3


def import_rates(runtime: Runtime, principal: Principal, path: Path) -> list[ExchangeRate]:
    """Store the rates of a file; one of the same pair and day is replaced. All or nothing.

    Closed months keep the rates that converted them.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        Naming the cell that is no rate.
    """
    principal.require(Role.FINANCE)
    rates = load_rates(path)
    if not rates:
        raise InputError("holds no rate", file=str(path))
    detail = {"file": path.name, "rate_count": len(rates)}
    note = AuditNote(principal.id, "import exchange rates", path.name, runtime.now(), detail)
    runtime.warehouse.exchange_rates.save(rates, note)
    return rates


def list_rates(
    runtime: Runtime, principal: Principal, first: date, last: date, currency: str | None = None
) -> list[ExchangeRate]:
    """Return the stored rates of some days, those of one currency if it is given.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    """
    principal.visible_teams()
    rates = runtime.warehouse.exchange_rates.list(first, last)
    return [rate for rate in rates if currency in (None, rate.from_currency, rate.to_currency)]


def month_rates(runtime: Runtime, month: BillingMonth) -> MonthRates:
    """Return the rates of a month to the reporting currency; of a closed one as they were frozen.

    Nothing is converted while no reporting currency is set. While a month runs, today counts as its end.
    """
    if month.frozen is not None:
        if not month.frozen.has(RATES):
            return MonthRates(first=month.first, last=month.last)
        return _of_table(month.frozen.table(RATES), month)
    settings = runtime.settings
    reporting = settings.conversion_currency
    if reporting is None:
        return MonthRates(first=month.first, last=month.last)
    last = min(month.last, max(month.first, runtime.now().astimezone(month.zone).date()))
    age = settings.exchange_rate_max_age_days
    stored = runtime.warehouse.exchange_rates.list(month.first - age * DAY, last)
    book = RateBook(
        (
            Quote(one.from_currency, one.to_currency, DatedRate(one.rate, one.day, one.origin))
            for one in stored
        ),
        max_age_days=age,
        via=settings.exchange_rate_via,
    )
    known = sorted({reporting, *(code for one in stored for code in (one.from_currency, one.to_currency))})
    rule = RateRule(settings.exchange_rate_rule)
    closing = {code: rate for code in known if (rate := book.find(code, reporting, last)) is not None}
    daily: dict[tuple[str, date], DatedRate] = {}
    if rule is RateRule.DAILY:
        days = [month.first + index * DAY for index in range((last - month.first).days + 1)]
        asked = [(code, day) for code in known for day in days]
        daily = {key: rate for key in asked if (rate := book.find(key[0], reporting, key[1])) is not None}
    return MonthRates(reporting, rule, month.first, month.last, closing, daily)


def rate_problems(rates: MonthRates, lines: Iterable[ChargeLine]) -> list[str]:
    """Return which rates of a month are missing, with the remedy."""
    days: dict[str, list[str]] = {}
    for currency, day in missing_rates(lines, rates):
        days.setdefault(currency, []).append("the month's end" if day is None else day.isoformat())
    found = []
    for currency, named in days.items():
        rest = f" and {len(named) - _MOST_DAYS} more days" if len(named) > _MOST_DAYS else ""
        found.append(
            f"there is no exchange rate from {currency} to {rates.reporting_currency} for "
            f"{', '.join(named[:_MOST_DAYS])}{rest}: add it with `millicore rates import`"
        )
    return found


def rates_table(rates: MonthRates, currencies: Iterable[str]) -> pa.Table:
    """Return the rates of a month as a table to be kept: those of the currencies that its lines are in."""
    wanted = set(currencies)
    keyed = [((currency, None), rate) for currency, rate in rates.closing.items()]
    listed: list[tuple[tuple[str, date | None], DatedRate]] = [*keyed, *rates.daily.items()]
    listed.sort(key=lambda one: (one[0][0], one[0][1] or date.min))
    rows = [
        {
            "reporting_currency": rates.reporting_currency,
            "rule": rates.rule.value,
            "currency": currency,
            "day": day,
            "rate": format(rate.rate, "f"),
            "rate_day": rate.day,
            "origin": rate.origin,
        }
        for (currency, day), rate in listed
        if currency in wanted
    ]
    return pa.Table.from_pylist(rows, _SCHEMA)


def _of_table(table: pa.Table, month: BillingMonth) -> MonthRates:
    rows = table.to_pylist()
    if not rows:
        return MonthRates(first=month.first, last=month.last)
    closing: dict[str, DatedRate] = {}
    daily: dict[tuple[str, date], DatedRate] = {}
    for row in rows:
        rate = DatedRate(Decimal(row["rate"]), row["rate_day"], row["origin"])
        if row["day"] is None:
            closing[row["currency"]] = rate
        else:
            daily[row["currency"], row["day"]] = rate
    first = rows[0]
    return MonthRates(
        first["reporting_currency"], RateRule(first["rule"]), month.first, month.last, closing, daily
    )
