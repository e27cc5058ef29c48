"""Finding where each charge line is booked, and everything that the mapping leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.chargeback.lines import ChargeLine, LineKind, amount
from models.journal.mapping import IntercompanyRow, JournalMapping, Mode, ProviderRow
from models.vocabulary.money import to_coins


@dataclass(frozen=True)
class Booking:
    """Where a line is booked.

    Parameters
    ----------
    entity, account : str
        Debited for cost.
    cost_centre : str or None
        None for the line that closes the cents of all clusters.
    provider : ProviderRow
        Whose clearing account is credited.
    intercompany : IntercompanyRow or None
        Accounts between payer and provider, where their entities differ.
    """

    line: ChargeLine
    entity: str
    account: str
    cost_centre: str | None
    project: str | None
    tax_code: str | None
    mode: Mode
    provider: ProviderRow
    intercompany: IntercompanyRow | None


@dataclass(frozen=True)
class Gap:
    """Why a line cannot be booked, in words that name the remedy."""

    reason: str


def book(
    line: ChargeLine, mapping: JournalMapping, month: str, providers: Mapping[str, str]
) -> Booking | Gap:
    """Return where a line is booked in a month, or what the mapping lacks for it.

    Parameters
    ----------
    line : ChargeLine
    mapping : JournalMapping
    month : str
    providers : mapping of str to str
        Provider by cluster.
    """
    place = _payer(line, mapping, month)
    if isinstance(place, Gap):
        return place
    cost_centre, entity, account, project, tax_code, mode = place
    provider = mapping.provider(line.cluster, providers.get(line.cluster))
    if provider is None:
        return Gap(f"cluster {line.cluster} has no clearing account: add a row to providers")
    intercompany = None
    if mode is Mode.CHARGEBACK and provider.entity != entity:
        intercompany = mapping.between(entity, provider.entity)
        if intercompany is None:
            return Gap(f"{entity} owes {provider.entity}, but no row of intercompany is between them")
    return Booking(line, entity, account, cost_centre, project, tax_code, mode, provider, intercompany)


_Payer = tuple[str | None, str, str, str | None, str | None, Mode]


def _payer(line: ChargeLine, mapping: JournalMapping, month: str) -> _Payer | Gap:
    kind = mapping.kind(line.kind)
    name = line.cost_centre or kind.cost_centre
    if name is None and line.kind is LineKind.ROUNDING:
        return None, mapping.rounding.entity, mapping.rounding.account, None, None, Mode.CHARGEBACK
    if name is None:
        whose = f"team {line.team}" if line.team else f"cost of kind {line.kind}"
        remedy = (
            "give the team one in the ownership rules" if line.team else "add cost_centre to a row of kinds"
        )
        return Gap(f"{whose} has no cost centre: {remedy}")
    row = mapping.cost_centre(name, month)
    if row is None:
        return Gap(f"cost centre {name} is not mapped for {month}: add a row to cost_centres")
    return name, row.entity, kind.account or row.account, row.project, row.tax_code, row.mode


def find_gaps(
    lines: Iterable[ChargeLine], mapping: JournalMapping, month: str, providers: Mapping[str, str]
) -> list[str]:
    """Return each thing that the mapping lacks, with the money that waits for it."""
    waiting: dict[str, dict[str, int]] = {}
    known: dict[tuple[object, ...], Booking | Gap] = {}
    for line in lines:
        about = (line.kind, line.cost_centre, line.team, line.cluster)
        if about not in known:
            known[about] = book(line, mapping, month, providers)
        found = known[about]
        if isinstance(found, Gap):
            sums = waiting.setdefault(found.reason, {})
            sums[line.currency] = sums.get(line.currency, 0) + line.effective
    return [f"{reason} ({_money(sums)})" for reason, sums in sorted(waiting.items())]


def _money(sums: Mapping[str, int]) -> str:
    return ", ".join(
        f"{to_coins(amount(units), currency)} {currency}" for currency, units in sorted(sums.items())
    )


def book_all(
    lines: Sequence[ChargeLine], mapping: JournalMapping, month: str, providers: Mapping[str, str]
) -> list[Booking]:
    """Return the booking of every line, in order.

    The mapping must have no gap for them: see `find_gaps`.
    """
    found = []
    for line in lines:
        booking = book(line, mapping, month, providers)
        assert isinstance(booking, Booking)
        found.append(booking)
    return found
