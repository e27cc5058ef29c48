"""Charge lines that come from a bill: what allocation does not hold, to the last of nine decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from models.billing.buckets import Bucket, SortedGroup
from models.chargeback.lines import UNITS, ChargeLine, LineKind

OUT_OF_CLUSTER = "(out of cluster)"
"""Stands in place of a cluster on lines of a bill that no cluster caused."""

_KINDS = {
    Bucket.OUT_OF_CLUSTER: LineKind.OUT_OF_CLUSTER,
    Bucket.UNUSED_COMMITMENT: LineKind.UNUSED_COMMITMENT,
    Bucket.COMMITMENT_PURCHASE: LineKind.UNUSED_COMMITMENT,
    Bucket.TAX: LineKind.TAX,
    Bucket.SUPPORT: LineKind.SUPPORT,
    Bucket.CREDIT: LineKind.CREDIT,
    Bucket.REFUND: LineKind.REFUND,
}


def round_to_nano(amounts: Sequence[Decimal]) -> list[int]:
    """Return amounts in nano-units whose sum is their rounded sum, by largest remainder."""
    exact = [Fraction(amount) * UNITS for amount in amounts]
    parts = [value.numerator // value.denominator for value in exact]
    missing = round(sum(exact, Fraction(0))) - sum(parts)
    ranked = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in ranked[:missing]:
        parts[index] += 1
    return parts


def scope_charges(groups: Iterable[SortedGroup]) -> list[ChargeLine]:
    """Return one line per payer, kind, invoice and service for what lies outside clusters.

    Together with `cluster_bills`, the lines of a currency add up to the effective cost of all its groups in
    scope, rounded once to nine decimals.
    """
    return _rounded(groups)[0]


def cluster_bills(groups: Iterable[SortedGroup]) -> dict[tuple[str, str], int]:
    """Return what the bill charges per (currency, cluster), in nano-units."""
    return _rounded(groups)[1]


def _rounded(groups: Iterable[SortedGroup]) -> tuple[list[ChargeLine], dict[tuple[str, str], int]]:
    sums: dict[tuple[str, str, LineKind, str, str, str], Decimal] = {}
    for one in groups:
        key = _key(one)
        if key is not None:
            sums[key] = sums.get(key, Decimal(0)) + one.group.effective_cost
    lines: list[ChargeLine] = []
    bills: dict[tuple[str, str], int] = {}
    for currency in sorted({key[0] for key in sums}):
        keys = sorted(key for key in sums if key[0] == currency)
        for key, amount in zip(keys, round_to_nano([sums[key] for key in keys]), strict=True):
            if key[2] is LineKind.TRUE_UP:
                bills[currency, key[1]] = amount
            elif amount:
                lines.append(_line(key, amount))
    return lines, bills


def _key(one: SortedGroup) -> tuple[str, str, LineKind, str, str, str] | None:
    if one.bucket is Bucket.OUT_OF_SCOPE:
        return None
    if one.bucket is Bucket.CLUSTER:
        return one.group.currency, one.cluster or "", LineKind.TRUE_UP, "", "", ""
    reference = f"{one.group.invoice or one.group.provider or 'bill'} {one.group.service or ''}".strip()
    return (
        one.group.currency,
        OUT_OF_CLUSTER,
        _KINDS[one.bucket],
        one.team or "",
        one.cost_centre or "",
        reference,
    )


def _line(key: tuple[str, str, LineKind, str, str, str], amount: int) -> ChargeLine:
    currency, cluster, kind, team, cost_centre, reference = key
    listed = 0 if kind is LineKind.TRUE_UP else amount
    return ChargeLine(
        kind,
        cluster,
        currency,
        effective=amount,
        list_units=listed,
        contracted=listed,
        team=team or None,
        cost_centre=cost_centre or None,
        provenance="bill",
        reference=reference,
    )


def true_up_lines(
    bills: Mapping[tuple[str, str], int], allocated: Mapping[tuple[str, str], int], reference: str
) -> list[ChargeLine]:
    """Return what turns each cluster's allocated cost into its bill.

    Parameters
    ----------
    bills, allocated : mapping
        Nano-units per (currency, cluster); a cluster without a bill has no true-up.
    reference : str
        The bills behind the lines.
    """
    found = []
    for (currency, cluster), billed in sorted(bills.items()):
        missing = billed - allocated.get((currency, cluster), 0)
        if missing:
            key = (currency, cluster, LineKind.TRUE_UP, "", "", reference)
            found.append(_line(key, missing))
    return found
