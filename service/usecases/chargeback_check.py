"""The proof of a chargeback: sums of the same money, made independently of each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, amount, split_unpriced, totals, units
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import minor_digits, to_coins
from service.exports.reading import file_totals
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.closed_months import BILLS, COSTS, FrozenMonth, check_files
from service.usecases.conservation import PayerTerms, Proof, hour_shares, payer_terms, prove
from service.usecases.statement_lines import correction_lines, exact_lines, with_cents
from warehouse.pins import Pin
from warehouse.reads.charges import ChargeReads


@dataclass(frozen=True)
class Check:
    """Sums of the month of one cluster, or of all, in one currency, made independently of each other."""

    cluster: str
    currency: str
    node_bill: Decimal
    """What all assets of the cluster cost."""
    allocated: Decimal
    daily_costs: Decimal
    lines: Decimal
    corrections: Decimal = Decimal(0)
    """Earlier months' corrections among the lines, each rounded; in none of the other three sums."""
    other_items: Decimal = Decimal(0)
    """Bill items and disputes among the lines, which no asset caused."""
    proof: Proof | None = None
    payers: PayerTerms | None = None

    @property
    def is_equal(self) -> bool:
        """Whether every hour is allocated exactly and all sums of the month are equal to the cent."""
        digits = minor_digits(self.currency)
        own = [self.node_bill, self.allocated, self.daily_costs]
        if self.proof is not None:
            own += [self.proof.causes.total, sum(self.proof.bill.values(), Decimal(0))]
        if self.payers is not None:
            own.append(self.payers.total)
        is_charged = round(self.node_bill + self.other_items, digits) == round(
            self.lines - self.corrections, digits
        )
        return is_charged and len({round(part, digits) for part in own}) == 1 and self.hours_unequal == 0

    @property
    def hours_unequal(self) -> int:
        """Hours in which an asset's lines do not add up to its cost."""
        return 0 if self.proof is None else self.proof.hours.hours_unequal

    @property
    def parts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """The four sums of the month's own cost."""
        own = self.lines - self.corrections - self.other_items
        return self.node_bill, self.allocated, self.daily_costs, own


def verify(
    runtime: Runtime, principal: Principal, month: str, *, file: Path | None = None, pin: Pin | None = None
) -> list[Check]:
    """Prove a month: every hour's assets are allocated exactly, and what they cost is what is charged.

    Cluster by cluster: each asset-hour equals its lines; the month's assets by kind equal the causes, the
    daily costs, the terms by payer and the lines of a file. Of a closed month, all sums come from its closed
    files, whose bytes are hashed again.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, leadership or platform.
    month : str
    file : Path or None
        A chargeback file to check; None checks the lines as they would be exported now.
    pin : Pin or None
        Versions of the lake to read an open month from.

    Raises
    ------
    InputError
        If the file is not a chargeback file.
    LakeInconsistent
        If a closed file was changed, removed or added since the month was closed.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    facts = BillingMonth.read(runtime, month)
    check_files(runtime, facts.period)
    found = _live_sums(runtime, principal, facts, pin) if facts.frozen is None else _closed_sums(facts.frozen)
    own, _ = exact_lines(runtime, facts, pin, is_by_workload=False)
    posted = correction_lines(runtime, principal, facts)
    charged = totals(with_cents(own, posted)) if file is None else file_totals(file)
    corrections, terms = _rounded_corrections(posted), payer_terms(own)
    nothing = Decimal(0)
    checks = [
        Check(
            cluster=key[1],
            currency=key[0],
            node_bill=found.node_bill.get(key, nothing),
            allocated=found.allocated.get(key, nothing),
            daily_costs=amount(found.daily.get(key, 0)),
            lines=amount(charged.get(key, 0)),
            corrections=corrections.get(key, nothing),
            other_items=terms[key].other_items if key in terms else nothing,
            proof=found.proofs.get(key),
            payers=terms.get(key),
        )
        for key in sorted({*found.node_bill, *found.allocated, *found.daily, *charged, *corrections})
        if key[1] != ALL_CLUSTERS
    ]
    return [*checks, *_whole_bills(checks, charged, corrections)]


@dataclass(frozen=True)
class _Sums:
    """What a month cost, per currency and cluster, from three places."""

    node_bill: Mapping[tuple[str, str], Decimal]
    allocated: Mapping[tuple[str, str], Decimal]
    daily: Mapping[tuple[str, str], int]
    proofs: Mapping[tuple[str, str], Proof]


def _live_sums(runtime: Runtime, principal: Principal, month: BillingMonth, pin: Pin | None) -> _Sums:
    rows = ChargeReads(runtime.warehouse.lake, pin).sums(principal, month.first, month.last)
    proofs = prove(runtime, month, pin)
    return _Sums(
        {key: sum(proof.bill.values(), Decimal(0)) for key, proof in proofs.items()},
        {key: proof.causes.total for key, proof in proofs.items()},
        _daily(rows),
        proofs,
    )


def _closed_sums(frozen: FrozenMonth) -> _Sums:
    bills: list[dict[tuple[str, str], Decimal]] = [{}, {}]
    for row in frozen.table(BILLS).to_pylist():
        key = (row["currency"], row["cluster"])
        for sums, name in zip(bills, ("node_cost", "allocated_cost"), strict=True):
            sums[key] = sums.get(key, Decimal(0)) + Decimal(row[name])
    proofs = {
        (one["currency"], one["cluster"]): Proof.read(one) for one in frozen.manifest.get("conservation", [])
    }
    return _Sums(bills[0], bills[1], _daily(frozen.table(COSTS).to_pylist()), proofs)


def conservation_rows(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the proofs of a month for a manifest."""
    return [
        {"currency": check.currency, "cluster": check.cluster, **check.proof.described()}
        for check in checks
        if check.proof is not None
    ]


def _daily(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    daily: dict[tuple[str, str], int] = {}
    for row in split_unpriced(rows)[0]:
        key = (row["currency"], row["cluster"])
        daily[key] = daily.get(key, 0) + units(row["total_cost"])
    return daily


def _rounded_corrections(lines: Sequence[ChargeLine]) -> dict[tuple[str, str], Decimal]:
    """Return what corrections must add per (currency, cluster), from exact lines, each one rounded."""
    exact: dict[tuple[str, str, str], int] = {}
    for line in lines:
        key = (line.correction or "", line.currency, line.cluster)
        exact[key] = exact.get(key, 0) + line.effective
    wholes: dict[tuple[str, str], int] = {}
    found: dict[tuple[str, str], Decimal] = {}
    for (correction, currency, cluster), total in exact.items():
        rounded = to_coins(amount(total), currency)
        found[currency, cluster] = found.get((currency, cluster), Decimal(0)) + rounded
        wholes[correction, currency] = wholes.get((correction, currency), 0) + total
    for (_, currency), total in wholes.items():
        rounded = to_coins(amount(total), currency)
        found[currency, ALL_CLUSTERS] = found.get((currency, ALL_CLUSTERS), Decimal(0)) + rounded
    return found


def _whole_bills(
    checks: list[Check],
    charged: Mapping[tuple[str, str], int],
    corrections: Mapping[tuple[str, str], Decimal],
) -> list[Check]:
    """Check the bill of all clusters together, where a currency has several."""
    found = []
    for currency in sorted({check.currency for check in checks}):
        mine = [check for check in checks if check.currency == currency]
        if len(mine) > 1:
            closing = amount(charged.get((currency, ALL_CLUSTERS), 0))
            found.append(
                Check(
                    ALL_CLUSTERS,
                    currency,
                    sum((one.node_bill for one in mine), Decimal(0)),
                    sum((one.allocated for one in mine), Decimal(0)),
                    sum((one.daily_costs for one in mine), Decimal(0)),
                    sum((one.lines for one in mine), closing),
                    corrections.get((currency, ALL_CLUSTERS), Decimal(0)),
                    sum((one.other_items for one in mine), Decimal(0)),
                )
            )
    return found


def sum_hours(month: BillingMonth, reads: ChargeReads, table: str) -> dict[tuple[str, str], Decimal]:
    """Sum hourly costs per (currency, cluster) over the month; an hour that it cuts counts in part."""
    shares = hour_shares(month)
    sums: dict[tuple[str, str], Decimal] = {}
    for row in reads.hourly_costs(table, month.hours):
        share = shares.get(row["hour"], Decimal(1))
        key = (row["currency"], row["cluster"])
        sums[key] = sums.get(key, Decimal(0)) + row["cost"] * share
    return sums
