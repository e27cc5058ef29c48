"""Rows of the summary: one per payer of a cluster, with the kinds of its lines as terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from models.chargeback.lines import ChargeLine, LineKind
from models.exchange.convert import Converted
from service.exports.columns import Charge

_ADDED = ("effective", "list_units", "contracted", "used", "unused_request", "unmeasured", "assumed")
_HOME = dict.fromkeys(
    (
        LineKind.IDLE_SHARE,
        LineKind.OVERHEAD_SHARE,
        LineKind.OVERSELL_GAIN,
        LineKind.SHARED_IN,
        LineKind.SHARED_OUT,
    ),
    LineKind.UNOWNED,
)
"""A share without a team is that of unowned workloads: it stands in their row."""
_OWN_LINE = frozenset({LineKind.ROUNDING})


def payer_rows(lines: Sequence[ChargeLine], converted: Sequence[Converted | None]) -> list[Charge]:
    """Gather summary lines, already in coins, into one row per payer; nothing is rounded again.

    A payer is a team with a cost centre in a cluster and currency. Lines without a team stay by kind: what
    nobody owns (with its shares), idle, overhead, charges of the bill. Corrections are rows of their own.

    Parameters
    ----------
    lines : sequence of ChargeLine
        At most one per cluster, currency, kind, cost centre, team and correction.
    converted : sequence of Converted or None
        Their costs in the reporting currency.

    Returns
    -------
    list of Charge
        In the order in which payers first appear.
    """
    found: dict[tuple[Any, ...], Charge] = {}
    for line, other in zip(lines, converted, strict=True):
        kind = _row_kind(line)
        key = (line.correction, line.restates, line.currency, line.cluster, kind, line.cost_centre, line.team)
        row = Charge(replace(line, kind=kind), None, {line.kind: line.effective}, other)
        known = found.get(key)
        found[key] = row if known is None else _together(known, row)
    return [_named(row) for row in found.values()]


def _named(row: Charge) -> Charge:
    """Return a row that holds a single kind under that kind."""
    kinds = list(row.terms or ())
    return replace(row, line=replace(row.line, kind=kinds[0])) if len(kinds) == 1 else row


def _row_kind(line: ChargeLine) -> LineKind:
    if line.kind in _OWN_LINE:
        return line.kind
    return LineKind.TEAM if line.team is not None else _HOME.get(line.kind, line.kind)


def _added(one: ChargeLine, other: ChargeLine) -> ChargeLine:
    sums: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in _ADDED}
    sources = {line.ownership_source for line in (one, other) if line.ownership_source is not None}
    return replace(one, ownership_source="mixed" if len(sources) > 1 else next(iter(sources), None), **sums)


def _together(one: Charge, other: Charge) -> Charge:
    terms = dict(one.terms or {})
    for kind, cost in (other.terms or {}).items():
        terms[kind] = terms.get(kind, 0) + cost
    return Charge(_added(one.line, other.line), None, terms, _converted_sum(one.converted, other.converted))


def _converted_sum(one: Converted | None, other: Converted | None) -> Converted | None:
    """Return both together; a rate only where it is the same."""
    if one is None or other is None:
        return None
    units = one.units + other.units
    if (one.rate, one.rate_day) == (other.rate, other.rate_day):
        return replace(one, units=units)
    return Converted(one.currency, units, None, None, None)
