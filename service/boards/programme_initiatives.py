"""One initiative in words: what was wanted, expected and realised, or why that is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.vocabulary.money import Money
from service.boards.formats import Tone, date_span, headline_money, money, percent, short_span
from service.boards.texts import say, say_or
from service.usecases.initiatives import Benefit, InitiativeStatus
from service.usecases.initiatives_measure import Measurement

_POOLS_NAMED = 4
_REALISED, _SOAKING = "realised", "soaking"


@dataclass(frozen=True)
class Cell:
    """One named value with a small note below it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class InitiativeCard:
    """All that is shown of one initiative: state, four values beside each other, and lines below."""

    name: str
    when: str
    state: str
    state_text: str
    tone: Tone
    cells: tuple[Cell, ...]
    lines: tuple[str, ...]


def build_card(status: InitiativeStatus, benefit: Benefit | None, zone: ZoneInfo) -> InitiativeCard:
    """Word an initiative."""
    measured = status.measurement
    return InitiativeCard(
        name=status.initiative.name,
        when=_when(status, zone),
        state=measured.state,
        state_text=say_or(f"programme.state.{measured.state}", measured.state.replace("_", " ")),
        tone=_tone(measured),
        cells=(_target(status), _forecast(status), _realised(measured), _payback(status)),
        lines=tuple(line for line in _lines(status, benefit) if line),
    )


def _tone(measured: Measurement) -> Tone:
    if measured.state == _REALISED:
        return Tone.GOOD
    return Tone.WARNING if measured.state == "not_measurable" else Tone.NEUTRAL


def _when(status: InitiativeStatus, zone: ZoneInfo) -> str:
    one = status.initiative
    first = one.started_at.astimezone(zone).date()
    if one.ended_at is None:
        span = say("programme.since", day=date_span(first, first))
    else:
        span = date_span(first, one.ended_at.astimezone(zone).date())
    parts = [span]
    if one.owner:
        parts.append(say("programme.owner", owner=one.owner))
    if one.closed_at is not None:
        closed = one.closed_at.astimezone(zone).date()
        parts.append(say("programme.closed", day=date_span(closed, closed)))
    return ", ".join(parts)


def _target(status: InitiativeStatus) -> Cell:
    return Cell(say("programme.cell.target"), _wanted(status.initiative.target, "target"))


def _forecast(status: InitiativeStatus) -> Cell:
    one = status.initiative
    note = one.forecast_basis or "" if one.forecast is not None else ""
    return Cell(say("programme.cell.forecast"), _wanted(one.forecast, "forecast"), note)


def _wanted(amount: Money | None, name: str) -> str:
    return say(f"programme.cell.{name}_none") if amount is None else _headline(amount)


def _headline(amount: Money) -> str:
    return headline_money(amount.amount, amount.currency)


def _realised(measured: Measurement) -> Cell:
    label, code = say("programme.cell.realised"), measured.currency or ""
    if measured.realised_per_month is None:
        early = measured.state in ("planned", "running", _SOAKING)
        return Cell(label, say(f"programme.cell.realised_{'early' if early else 'none'}"), measured.reason)
    note = ""
    if measured.saving_lower_80_per_month is not None and measured.saving_upper_80_per_month is not None:
        lower, upper = _interval(measured)
        note = say("programme.cell.interval", lower=lower, upper=upper)
    return Cell(label, headline_money(measured.realised_per_month, code), note)


def _interval(measured: Measurement) -> tuple[str, str]:
    code = measured.currency or ""
    lower, upper = measured.saving_lower_80_per_month, measured.saving_upper_80_per_month
    return (
        headline_money(lower, code, like=upper).removesuffix(f" {code}"),
        headline_money(upper, code, like=lower),
    )


def _payback(status: InitiativeStatus) -> Cell:
    label = say("programme.cell.payback")
    invested = "" if status.invested is None else _headline(status.invested)
    note = say("programme.cell.invested", amount=invested) if invested else ""
    if status.payback_months is not None:
        months = f"{status.payback_months:,.1f}"
        return Cell(label, say("programme.cell.payback_months", months=months), note)
    return Cell(label, say("programme.cell.payback_none"), say(f"programme.cell.payback_{_why(status)}"))


def _why(status: InitiativeStatus) -> str:
    """Return why a payback is not known, the end of a text's key."""
    if not status.person_days and not status.spent:
        return "no_effort"
    if status.measurement.realised_per_month is None:
        return "after"
    return "no_price" if status.invested is None else "no_saving"


def _lines(status: InitiativeStatus, benefit: Benefit | None) -> Sequence[str]:
    measured = status.measurement
    is_noted = measured.realised_per_month is None or not measured.reason
    reason = "" if is_noted else f"{measured.reason[:1].upper()}{measured.reason[1:]}."
    return (reason, _left_bill(measured), _bill(measured), *_pools(measured), _shares(benefit))


def _left_bill(measured: Measurement) -> str:
    if measured.state != _SOAKING or measured.saving_per_month is None:
        return ""
    lower, upper = _interval(measured)
    amount = headline_money(measured.saving_per_month, measured.currency or "")
    return say("programme.left_bill", amount=amount, lower=lower, upper=upper)


def _bill(measured: Measurement) -> str:
    if measured.days is None or measured.before_per_day is None:
        return ""
    code = measured.currency or ""
    first, last, then, until = measured.days
    return say(
        "programme.bill",
        before=_plain(measured.before_per_day, code),
        after=_plain(measured.after_per_day, code),
        without=money(measured.counterfactual_per_day, code),
        days=say("programme.bill_days", before=short_span(first, last), after=short_span(then, until)),
    )


def _plain(amount: Decimal | None, currency: str) -> str:
    return money(amount, currency).removesuffix(f" {currency}")


def _pools(measured: Measurement) -> tuple[str, ...]:
    if not measured.touched or not measured.peers:
        return ()
    text = say("programme.pools", touched=_named(measured.touched), peers=_named(measured.peers))
    if not measured.left_out_peers:
        return (text,)
    return text, say("programme.pools_left_out", pools=_named(measured.left_out_peers))


def _named(pools: Sequence[str]) -> str:
    names = ", ".join(pools[:_POOLS_NAMED])
    more = len(pools) - _POOLS_NAMED
    return say("programme.and_more", names=names, count=more) if more > 0 else names


def _shares(benefit: Benefit | None) -> str:
    if benefit is None:
        return say("programme.shares_none")
    parts = []
    for party, ratio in benefit.ratios.items():
        share = percent(ratio, digits=0 if ratio * 100 % 1 == 0 else 1)
        if party in benefit.saving_per_month:
            part = benefit.saving_per_month[party]
            amount = money(part.amount, part.currency)
            parts.append(say("programme.share", party=party, ratio=share, amount=amount))
        else:
            parts.append(say("programme.share_later", party=party, ratio=share))
    is_known = bool(benefit.saving_per_month)
    return say("programme.shares" if is_known else "programme.shares_later", shares=", ".join(parts))
