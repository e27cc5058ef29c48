"""How numbers are written on screen: units always, currency always, a sign and an arrow on every change."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from models.vocabulary.money import minor_digits
from models.vocabulary.quantity import say_cores, say_memory

MINUS = "\N{MINUS SIGN}"
NOT_KNOWN = "\N{EM DASH}"
"""Stands where a value is not known. Never 0."""

_GIB = 2.0**30
_WHOLE_UNITS_FROM = Decimal(1000)


class Tone(StrEnum):
    """Meaning of a colour: good and bad for the reader's purse, or neither."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"
    WARNING = "warning"


def money(amount: Decimal | None, currency: str, *, digits: int | None = None) -> str:
    """Return an amount with thousands separators and its currency, ``12,345.60 EUR``.

    Parameters
    ----------
    amount : Decimal or None
        None is written as a dash.
    currency : str
        ISO 4217 code.
    digits : int, optional
        Decimals; the currency's smallest coin by default.
    """
    if amount is None:
        return NOT_KNOWN
    places = minor_digits(currency) if digits is None else digits
    rounded = round(amount, places)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,.{places}f} {currency}"


def headline_money(amount: Decimal | None, currency: str, *, like: Decimal | None = None) -> str:
    """Return an amount for a headline: whole units from 1,000 on, coins below.

    Parameters
    ----------
    amount : Decimal or None
    currency : str
    like : Decimal, optional
        A larger amount beside it, whose number of decimals it takes.
    """
    if amount is not None and max(abs(amount), abs(like or Decimal(0))) >= _WHOLE_UNITS_FROM:
        return money(amount, currency, digits=0)
    return money(amount, currency)


def signed_money(amount: Decimal, currency: str, *, like: Decimal | None = None) -> str:
    """Return an amount with an explicit sign, ``+1,200 EUR``; zero carries none."""
    text = headline_money(amount, currency, like=like)
    return f"+{text}" if amount > 0 else text


def signed_number(amount: Decimal, currency: str) -> str:
    """Return a change to the smallest coin with its sign but without its currency, for a column of it."""
    text = money(amount, currency).removesuffix(f" {currency}")
    return f"+{text}" if round(amount, minor_digits(currency)) > 0 else text


def arrow(amount: Decimal | float) -> str:
    """Return the arrow of a change."""
    if amount == 0:
        return "\N{BLACK RIGHT-POINTING TRIANGLE}"
    return "\N{BLACK UP-POINTING TRIANGLE}" if amount > 0 else "\N{BLACK DOWN-POINTING TRIANGLE}"


def percent(ratio: float | Decimal | None, *, digits: int = 1) -> str:
    """Return a plain ratio as a percentage, ``12.3 %``; None is written as a dash."""
    if ratio is None:
        return NOT_KNOWN
    value = round(float(ratio) * 100, digits) + 0.0
    return f"{MINUS if value < 0 else ''}{abs(value):,.{digits}f} %"


def signed_percent(ratio: float | None) -> str:
    """Return a percentage with an explicit sign; None is written as a dash."""
    if ratio is None:
        return NOT_KNOWN
    return f"+{percent(ratio)}" if ratio > 0 else percent(ratio)


def ratio_of(part: Decimal, whole: Decimal) -> float | None:
    """Return part / whole, or None when there is no whole to relate to."""
    return None if whole == 0 else float(part / whole)


def date_span(first: date, last: date) -> str:
    """Return an inclusive range of days in few characters: ``1-20 Nov 2026`` with a dash."""
    end = f"{last.day} {last:%b %Y}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}\N{EN DASH}{end}"
    start = f"{first.day} {first:%b}" if first.year == last.year else f"{first.day} {first:%b %Y}"
    return f"{start} \N{EN DASH} {end}"


def short_span(first: date, last: date) -> str:
    """Return an inclusive range of days without the year: ``1-20 Nov`` with a dash."""
    return date_span(first, last)[: -len(f" {last:%Y}")]


def moment(instant: datetime | None) -> str:
    """Return an instant to the minute with its zone, ``20 Nov 2026 23:00 UTC``."""
    return NOT_KNOWN if instant is None else f"{instant.day} {instant:%b %Y %H:%M} {instant.tzname()}"


def duration(span: timedelta) -> str:
    """Return a length of time in its largest whole unit: ``5 hours``, ``3 days``."""
    hours = int(span.total_seconds() // 3600)
    if hours < 1:
        minutes = int(span.total_seconds() // 60)
        return plural(minutes, "minute")
    return plural(hours, "hour") if hours < 48 else plural(hours // 24, "day")


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 day``, ``3 days``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def cores(value: float | None) -> str:
    """Return CPU cores, with three decimals below a tenth of a core."""
    return "not set" if value is None else say_cores(value)


def memory(value: float | None) -> str:
    """Return memory in binary units: MiB below one GiB."""
    return "not set" if value is None else say_memory(value)


def plain_cores(value: float | None) -> str:
    """Return CPU cores without the unit, for a column that names it."""
    return "not set" if value is None else cores(value).removesuffix(" cores")


def plain_gib(value: float | None) -> str:
    """Return memory in GiB without the unit, for a column that names it; three decimals below a tenth."""
    if value is None:
        return "not set"
    gib = value / _GIB
    return f"{gib:,.3f}" if gib < 0.1 else f"{gib:,.2f}"


def multiple(value: float | None) -> str:
    """Return an oversell ratio, ``1.35`` and a times sign."""
    return NOT_KNOWN if value is None else f"{value:.2f}\N{MULTIPLICATION SIGN}"
