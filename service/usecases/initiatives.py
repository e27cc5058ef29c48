"""Initiatives: planned, listed with target, forecast and realised saving, closed, their benefit shared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from models.initiatives.benefits import payback_months, split_by_ratios
from models.initiatives.initiative import AgreedShare, Effort, Initiative
from models.vocabulary.errors import Conflict, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.boards.headers import read_final_days
from service.runtime import Runtime
from service.usecases.bankable import estimate_bankable
from service.usecases.initiatives_checks import check_closable, check_places
from service.usecases.initiatives_measure import Measurement, days_of, measure_initiative
from service.usecases.initiatives_results import read_result, to_document
from service.usecases.pool_contents import OPEN_STATES
from warehouse.database.audit import AuditNote
from warehouse.database.recommendations import StoredRecommendation
from warehouse.pins import Pin
from warehouse.reads.costs import CostReads

_MAY_PLAN = (Role.PLATFORM, Role.FINANCE, Role.LEADERSHIP)


@dataclass(frozen=True)
class InitiativeStatus:
    """One initiative with what was measured and what went into it.

    Parameters
    ----------
    initiative : Initiative
    measurement : Measurement
    person_days : Decimal
    spent : tuple of Money
        By currency.
    invested : Money or None
        Money and person-days at the price of the setting, in the saving's currency; None when a part is in
        another currency or person-days have no price.
    payback_months : Decimal or None
        Invested over realised saving per month; None when either is not known or nothing was saved.
    """

    initiative: Initiative
    measurement: Measurement
    person_days: Decimal
    spent: tuple[Money, ...]
    invested: Money | None
    payback_months: Decimal | None


def add_initiative(runtime: Runtime, principal: Principal, initiative: Initiative) -> Initiative:
    """Store an initiative; without a forecast it gets what its pools could bank at this moment.

    Raises
    ------
    Forbidden
        If the principal may not plan.
    Conflict
        If it is closed.
    InputError
        If a field is wrong, or no known cluster or team matches its scope.
    """
    principal.require(*_MAY_PLAN)
    check_places(runtime, principal, initiative)
    known = {one.name: one for one in runtime.warehouse.initiatives.list()}
    if initiative.name in known and known[initiative.name].closed_at is not None:
        raise Conflict(f"the initiative {initiative.name!r} is closed: it is not changed any more")
    planned = initiative if initiative.forecast is not None else _forecast(runtime, principal, initiative)
    runtime.warehouse.initiatives.save(planned, _note(runtime, principal, "initiative.add", initiative.name))
    return planned


def _forecast(runtime: Runtime, principal: Principal, initiative: Initiative) -> Initiative:
    """Return the initiative with a forecast: bankable of whole pools, else requested by open suggestions."""
    currency = initiative.target.currency if initiative.target else runtime.settings.reporting_currency
    scope = initiative.whole_scope
    if not scope.names_workloads:
        every = estimate_bankable(runtime, principal)
        pools = [one for one in every if scope.covers_pool(one.cluster, one.node_pool)]
        amounts = [one.bankable_saving_per_month for one in pools if one.currency == currency]
        basis = "bankable saving of its pools when it was planned"
    else:
        found = [one for one in _open_suggestions(runtime, principal) if _covers(initiative, one)]
        amounts = [one.recommendation.requested_saving_per_month for one in found]
        basis = "requested saving of its open suggestions when it was planned; not yet money"
    known = [amount for amount in amounts if amount is not None and amount > 0]
    if not known:
        return initiative
    return replace(initiative, forecast=Money(sum(known, Decimal(0)), currency), forecast_basis=basis)


def _open_suggestions(runtime: Runtime, principal: Principal) -> Sequence[StoredRecommendation]:
    return runtime.warehouse.recommendations.list(principal, states=OPEN_STATES)


def _covers(initiative: Initiative, stored: StoredRecommendation) -> bool:
    workload = stored.recommendation.key.workload
    return initiative.whole_scope.covers_workload(
        workload.cluster, workload.namespace, workload.name, stored.team
    )


def list_initiatives(
    runtime: Runtime, principal: Principal, pin: Pin | None = None
) -> list[InitiativeStatus]:
    """Return every initiative with its measured saving, oldest first; none for those who see no nodes."""
    if not principal.sees_all_teams:
        principal.visible_teams()
        return []
    return [status_of(runtime, principal, one, pin) for one in runtime.warehouse.initiatives.list()]


def show_initiative(runtime: Runtime, principal: Principal, name: str) -> InitiativeStatus:
    """Return one initiative with its measured saving.

    Raises
    ------
    NotFound, Forbidden
    """
    principal.require(*_MAY_PLAN)
    return status_of(runtime, principal, runtime.warehouse.initiatives.get(name))


def status_of(
    runtime: Runtime, principal: Principal, initiative: Initiative, pin: Pin | None = None
) -> InitiativeStatus:
    """Return an initiative with its measured saving at a pin; once closed, as it was measured then."""
    measured = None if initiative.closed_at is None else read_result(runtime, initiative)
    if measured is None:
        final, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake, pin))
        measured = measure_initiative(runtime, principal, initiative, final, pin)
    efforts = runtime.warehouse.initiatives.efforts(initiative.name)
    person_days = sum((effort.person_days for effort in efforts), Decimal(0))
    spent: dict[str, Decimal] = {}
    for effort in efforts:
        if effort.spent is not None:
            spent[effort.spent.currency] = spent.get(effort.spent.currency, Decimal(0)) + effort.spent.amount
    invested = _invested(runtime, person_days, spent, measured.currency)
    months = None
    if invested is not None and measured.realised_per_month is not None:
        months = payback_months(invested.amount, measured.realised_per_month)
    money = tuple(Money(amount, currency) for currency, amount in sorted(spent.items()))
    return InitiativeStatus(initiative, measured, person_days, money, invested, months)


def _invested(
    runtime: Runtime, person_days: Decimal, spent: dict[str, Decimal], currency: str | None
) -> Money | None:
    """Return all that was invested in one currency, None when a part has no price in it."""
    price = runtime.settings.person_day_price
    has_price = price is not None and currency == runtime.settings.reporting_currency
    if currency is None or any(code != currency for code in spent) or (person_days and not has_price):
        return None
    work = person_days * (price or Decimal(0))
    total = spent.get(currency, Decimal(0)) + work
    return Money(total, currency) if total else None


def add_effort(runtime: Runtime, principal: Principal, effort: Effort) -> None:
    """Record work or money that went into an initiative."""
    principal.require(*_MAY_PLAN)
    runtime.warehouse.initiatives.add_effort(effort, runtime.now())


def close_initiative(
    runtime: Runtime, principal: Principal, name: str, ended_at: datetime | None = None
) -> InitiativeStatus:
    """Close an initiative and keep what was measured; ``ended_at`` sets its end first if it has none.

    Raises
    ------
    Conflict
        If it is closed, has no end, or its result is not final: until when it must wait is in the message.
    """
    principal.require(*_MAY_PLAN)
    repository = runtime.warehouse.initiatives
    initiative = repository.get(name)
    if initiative.closed_at is not None:
        raise Conflict(f"the initiative {name!r} was closed on {initiative.closed_at:%-d %b %Y}")
    if ended_at is not None:
        initiative = replace(initiative, ended_at=ended_at)
    if initiative.ended_at is None:
        raise Conflict(f"the initiative {name!r} has no end: give it by --ended-at")
    status = status_of(runtime, principal, initiative)
    _check_closable(runtime, principal, initiative, status.measurement)
    note = _note(runtime, principal, "initiative.close", name)
    repository.save(initiative)
    repository.close(name, runtime.now(), to_document(status.measurement), note)
    return replace(status, initiative=repository.get(name))


def _check_closable(
    runtime: Runtime, principal: Principal, initiative: Initiative, measured: Measurement
) -> None:
    zone = runtime.settings.zone
    first, last = days_of(initiative, zone)
    days, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake))
    final = sorted(day for day, is_final in days.items() if is_final)
    today = runtime.now().astimezone(zone).date()
    check_closable(initiative.name, measured, final, (first, last or today), today)


def agree_shares(runtime: Runtime, principal: Principal, name: str, shares: Sequence[AgreedShare]) -> None:
    """Store who gets which part of an initiative's benefit."""
    principal.require(*_MAY_PLAN)
    split_by_ratios(Decimal(1), shares)
    agreed = {share.party: format(share.ratio, "f") for share in shares}
    note = replace(_note(runtime, principal, "initiative.share", name), detail=agreed)
    runtime.warehouse.initiatives.agree(name, shares, note)


def share_benefit(runtime: Runtime, principal: Principal, name: str) -> tuple[dict[str, Money], Measurement]:
    """Return each party's part of the realised saving per month; they add up to it exactly.

    Raises
    ------
    UsageError
        If no shares are agreed, or nothing is realised: why is in the message.
    """
    status = show_initiative(runtime, principal, name)
    benefit = read_benefit(runtime, status)
    if benefit is None:
        raise UsageError(f"no shares are agreed for {name!r}: give them as --agree platform=50")
    if not benefit.saving_per_month:
        raise UsageError(f"nothing of {name!r} is realised yet: {status.measurement.reason}")
    return dict(benefit.saving_per_month), status.measurement


@dataclass(frozen=True)
class Benefit:
    """Agreed parts by party (they add up to 1), and the money they stand for; empty until it is realised."""

    ratios: Mapping[str, Decimal]
    saving_per_month: Mapping[str, Money]


def read_benefit(runtime: Runtime, status: InitiativeStatus) -> Benefit | None:
    """Return how the realised saving of an initiative is shared, None where nothing is agreed."""
    shares = runtime.warehouse.initiatives.shares(status.initiative.name)
    if not shares:
        return None
    measured = status.measurement
    saving: dict[str, Money] = {}
    if measured.realised_per_month is not None and measured.currency is not None:
        parts = split_by_ratios(measured.realised_per_month, shares)
        saving = {party: Money(part, measured.currency) for party, part in parts.items()}
    return Benefit(split_by_ratios(Decimal(1), shares), saving)


def _note(runtime: Runtime, principal: Principal, action: str, name: str) -> AuditNote:
    return AuditNote(principal.id, action, name, runtime.now(), {})
