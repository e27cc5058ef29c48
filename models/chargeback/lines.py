"""Charge lines: who pays what for which part of the node bill. Money is in nano-units, exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.allocation.apportion import apportion
from models.vocabulary.money import minor_digits, round_to_sum, to_coins

UNITS = 1_000_000_000
ALL_CLUSTERS = "(all clusters)"
"""Stands in place of a cluster on the line that closes the cents of a whole file."""
_LEVELS = ("effective", "list_units", "contracted")


class LineKind(StrEnum):
    """What a line charges, in the order of a statement.

    ``team`` to ``overhead`` are by cause; the shares and what is shared in and out move cost between payers
    and add up to nothing; ``true_up`` to ``refund`` come from a provider's bill; ``dispute`` credits or
    charges what a settled dispute moved; ``rounding`` closes cents.
    """

    TEAM = "team"
    UNOWNED = "unowned"
    IDLE = "idle"
    OVERHEAD = "overhead"
    IDLE_SHARE = "idle_share"
    OVERHEAD_SHARE = "overhead_share"
    SHARED_IN = "shared_in"
    SHARED_OUT = "shared_out"
    OVERSELL_GAIN = "oversell_gain"
    TRUE_UP = "true_up"
    OUT_OF_CLUSTER = "out_of_cluster"
    UNUSED_COMMITMENT = "unused_commitment"
    TAX = "tax"
    SUPPORT = "support"
    CREDIT = "credit"
    REFUND = "refund"
    DISPUTE = "dispute"
    ROUNDING = "rounding"


BILL_KINDS = (
    LineKind.TRUE_UP,
    LineKind.OUT_OF_CLUSTER,
    LineKind.UNUSED_COMMITMENT,
    LineKind.TAX,
    LineKind.SUPPORT,
    LineKind.CREDIT,
    LineKind.REFUND,
)
"""Kinds of lines that come from a provider's bill."""
OTHER_KINDS = frozenset({*BILL_KINDS, LineKind.DISPUTE})
"""Kinds of lines that no asset of a cluster caused."""


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a chargeback, by billing day or for the whole month (``day`` None).

    Money is in nano-units of ``currency``. Lines whose cost is not known are not charge lines: see
    ``split_unpriced``. Quantities are core-, byte- or device-seconds; None where the line has none. A line of
    a correction names it and the invoice that it restates; its ``day`` is when the cost arose.
    """

    kind: LineKind
    cluster: str
    currency: str
    effective: int
    list_units: int
    contracted: int
    day: date | None = None
    team: str | None = None
    cost_centre: str | None = None
    ownership_source: str | None = None
    namespace: str | None = None
    workload_kind: str | None = None
    workload_name: str | None = None
    node_pool: str | None = None
    resource: str | None = None
    provenance: str | None = None
    used: int = 0
    unused_request: int = 0
    unmeasured: int = 0
    assumed: int = 0
    billed_seconds: float | None = None
    request_seconds: float | None = None
    usage_seconds: float | None = None
    restates: str | None = None
    correction: str | None = None
    counterpart: str | None = None
    """Whose cost a shared line moves: the team, or ``idle`` or ``overhead`` of the place."""
    reference: str | None = None
    """Document behind a line that no node caused: invoice and service of a bill, or a dispute."""
    idle_share_weight: int = 0
    overhead_share_weight: int = 0
    oversell_share_weight: int = 0
    """What policies share by, in nano-units; of ``cost_day``. Never charged, never kept with a statement."""

    @property
    def payer(self) -> tuple[str, str, str, str, str]:
        """Cluster, currency, kind, cost centre and team: an invoice line of the summary."""
        return self.currency, self.cluster, _ORDER[self.kind], self.cost_centre or "", self.team or ""


_ORDER = {kind: f"{number:02d}-{kind}" for number, kind in enumerate(LineKind)}


def split_unpriced(
    rows: Iterable[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Part rows of ``cost_day`` into those with a cost and those whose cost is not known."""
    priced: list[Mapping[str, Any]] = []
    unpriced: list[Mapping[str, Any]] = []
    for row in rows:
        (unpriced if row["total_cost"] is None or row["currency"] is None else priced).append(row)
    return priced, unpriced


def charge_lines(rows: Iterable[Mapping[str, Any]]) -> list[ChargeLine]:
    """Turn rows of ``cost_day`` (or sums of them) into charge lines.

    A workload row is one line; the row of a node or another asset becomes an idle and an overhead line, which
    share its list and contracted cost by their effective cost, exactly. Nobody pays these by cause: an
    unmounted volume keeps its namespace, not its owner.
    """
    lines: list[ChargeLine] = []
    for row in rows:
        lines += [_workload_line(row)] if row["line_kind"] == "workload" else _remainder_lines(row)
    return lines


def _workload_line(row: Mapping[str, Any]) -> ChargeLine:
    return ChargeLine(
        kind=LineKind.UNOWNED if row["team"] is None else LineKind.TEAM,
        effective=units(row["total_cost"]),
        list_units=units(row["list_cost"]),
        contracted=units(row["contracted_cost"]),
        used=units(row["used_cost"]),
        unused_request=units(row["unused_request_cost"]),
        unmeasured=units(row["unmeasured_cost"]),
        assumed=units(row["total_cost"]) if row["provenance"] == "assumed" else 0,
        billed_seconds=row.get("billed_seconds"),
        request_seconds=row.get("request_seconds"),
        usage_seconds=row.get("usage_seconds"),
        idle_share_weight=units(row.get("idle_share_weight")),
        overhead_share_weight=units(row.get("overhead_share_weight")),
        oversell_share_weight=units(row.get("oversell_share_weight")),
        **_place(row),
    )


def _remainder_lines(row: Mapping[str, Any]) -> list[ChargeLine]:
    parts = (units(row["idle_cost"]), units(row["overhead_cost"]))
    capacity, allocatable = row.get("capacity_seconds"), row.get("allocatable_seconds")
    overhead = None if capacity is None or allocatable is None else max(capacity - allocatable, 0.0)
    weights = parts if sum(parts) else (1, 0)
    listed = apportion(units(row["list_cost"]), weights)
    contracted = apportion(units(row["contracted_cost"]), weights)
    shared = (units(row.get("idle_share_weight")), units(row.get("overhead_share_weight")))
    nobody = {"team": None, "cost_centre": None, "ownership_source": None}
    return [
        ChargeLine(
            kind=kind,
            effective=parts[index],
            list_units=listed[index],
            contracted=contracted[index],
            assumed=parts[index] if row["provenance"] == "assumed" else 0,
            billed_seconds=seconds,
            idle_share_weight=shared[0] if kind is LineKind.IDLE else 0,
            overhead_share_weight=shared[1] if kind is LineKind.OVERHEAD else 0,
            **{**_place(row), **nobody},
        )
        for index, (kind, seconds) in enumerate(
            ((LineKind.IDLE, row.get("idle_seconds")), (LineKind.OVERHEAD, overhead))
        )
        if parts[index] or listed[index] or contracted[index]
    ]


def _place(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "cluster",
        "currency",
        "team",
        "cost_centre",
        "ownership_source",
        "namespace",
        "workload_kind",
        "workload_name",
        "node_pool",
        "resource",
        "provenance",
    )
    return {"day": row.get("billing_date"), **{name: row.get(name) for name in names}}


def units(amount: Decimal | None) -> int:
    """Return an amount of nine decimals in nano-units; None is nothing."""
    return 0 if amount is None else int(amount.scaleb(9))


def amount(units_of_money: int) -> Decimal:
    """Return nano-units as a decimal of nine places."""
    return Decimal(units_of_money).scaleb(-9)


def summarise(lines: Iterable[ChargeLine]) -> list[ChargeLine]:
    """Add lines up to one per cluster, kind, cost centre, team and currency, in that order."""
    found: dict[tuple[str, str, str, str, str], list[ChargeLine]] = {}
    for line in lines:
        found.setdefault(line.payer, []).append(line)
    return [_added_up(found[payer]) for payer in sorted(found)]


def _added_up(lines: Sequence[ChargeLine]) -> ChargeLine:
    names = (*_LEVELS, "used", "unused_request", "unmeasured", "assumed")
    sources = {line.ownership_source for line in lines}
    sums: dict[str, Any] = {name: sum(getattr(line, name) for line in lines) for name in names}
    about: dict[str, Any] = {name: _only(lines, name) for name in ("counterpart", "reference", "restates")}
    return replace(
        lines[0],
        day=None,
        ownership_source=sources.pop() if len(sources) == 1 else "mixed",
        namespace=None,
        workload_kind=None,
        workload_name=None,
        node_pool=None,
        resource=None,
        provenance=None,
        billed_seconds=None,
        request_seconds=None,
        usage_seconds=None,
        idle_share_weight=0,
        overhead_share_weight=0,
        oversell_share_weight=0,
        **sums,
        **about,
    )


def _only(lines: Sequence[ChargeLine], name: str) -> str | None:
    """Return what all lines say in a field; None where they differ."""
    values = {getattr(line, name) for line in lines}
    return values.pop() if len(values) == 1 else None


def round_lines(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Round invoice lines to the smallest coin so that each cluster's add up to its rounded bill.

    By largest remainder within cluster and currency, for effective, list and contracted cost each; the
    causes of a line are then split so that they add up to the line.
    """
    rounded: dict[str, dict[int, int]] = {level: {} for level in _LEVELS}
    for positions in _by_bill(lines).values():
        digits = minor_digits(lines[positions[0]].currency)
        for level in _LEVELS:
            exact = [amount(getattr(lines[position], level)) for position in positions]
            for position, value in zip(positions, round_to_sum(exact, digits), strict=True):
                rounded[level][position] = units(value)
    found = []
    for index, line in enumerate(lines):
        levels: dict[str, Any] = {level: rounded[level][index] for level in _LEVELS}
        found.append(_with_causes(replace(line, **levels), line))
    return found


def _by_bill(lines: Sequence[ChargeLine]) -> dict[tuple[str, str], list[int]]:
    bills: dict[tuple[str, str], list[int]] = {}
    for position, line in enumerate(lines):
        bills.setdefault((line.currency, line.cluster), []).append(position)
    return bills


def _with_causes(rounded: ChargeLine, exact: ChargeLine) -> ChargeLine:
    causes = (exact.used, exact.unused_request, exact.unmeasured)
    coin = UNITS // 10 ** minor_digits(exact.currency)
    if exact.correction is not None:
        return _with_signed_causes(rounded, exact)
    if not sum(causes):
        sign = -1 if exact.effective < 0 else 1
        whole = min(sign * exact.assumed // coin * coin, sign * rounded.effective)
        return replace(rounded, assumed=sign * whole)
    used, unused, unmeasured = (
        coins * coin for coins in apportion(rounded.effective // coin, [max(cause, 0) for cause in causes])
    )
    assumed = round(exact.assumed / coin) * coin
    return replace(
        rounded,
        used=used,
        unused_request=unused,
        unmeasured=unmeasured,
        assumed=min(assumed, rounded.effective),
    )


def _with_signed_causes(rounded: ChargeLine, exact: ChargeLine) -> ChargeLine:
    """Round the causes of a correction, of either sign; the largest takes what its line was rounded by."""
    if exact.kind not in (LineKind.TEAM, LineKind.UNOWNED):
        return rounded
    names = ("used", "unused_request", "unmeasured")
    coins = {name: _in_coins(getattr(exact, name), exact.currency) for name in names}
    largest = max(names, key=lambda name: abs(getattr(exact, name)))
    coins[largest] += rounded.effective - sum(coins.values())
    causes: dict[str, Any] = dict(coins)
    return replace(rounded, assumed=_in_coins(exact.assumed, exact.currency), **causes)


def rounding_lines(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return what must be added to exact lines so that each cluster's total is whole coins.

    One line per cluster and currency whose total is not; its amounts are below half a coin.
    """
    found = []
    for (currency, cluster), positions in sorted(_by_bill(lines).items()):
        missing: dict[str, Any] = {}
        for level in _LEVELS:
            exact = sum(getattr(lines[position], level) for position in positions)
            missing[level] = _in_coins(exact, currency) - exact
        if any(missing.values()):
            found.append(ChargeLine(LineKind.ROUNDING, cluster, currency, **missing))
    return found


def closing_lines(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return what makes the sum of whole-coin cluster bills the whole-coin bill of the month.

    Each cluster's bill is rounded by itself, so a few may add up to a coin more or less than the rounded
    whole. One line per currency in which that is so.

    Parameters
    ----------
    lines : sequence of ChargeLine
        Exact lines of all clusters.
    """
    exact: dict[str, dict[str, list[int]]] = {}
    for (currency, _), positions in sorted(_by_bill(lines).items()):
        for level in _LEVELS:
            bill = sum(getattr(lines[position], level) for position in positions)
            exact.setdefault(currency, {}).setdefault(level, []).append(bill)
    found = []
    for currency, levels in exact.items():
        missing: dict[str, Any] = {
            level: _in_coins(sum(bills), currency) - sum(_in_coins(bill, currency) for bill in bills)
            for level, bills in levels.items()
        }
        if any(missing.values()):
            found.append(ChargeLine(LineKind.ROUNDING, ALL_CLUSTERS, currency, **missing))
    return found


def _in_coins(units_of_money: int, currency: str) -> int:
    return units(to_coins(amount(units_of_money), currency))


def totals(lines: Iterable[ChargeLine]) -> dict[tuple[str, str], int]:
    """Return the effective cost per (currency, cluster), in nano-units."""
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.currency, line.cluster)
        found[key] = found.get(key, 0) + line.effective
    return dict(sorted(found.items()))
