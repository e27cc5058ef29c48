"""Corrections of a closed month: what was computed anew, less what was charged, line by line, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

import pyarrow as pa

from models.chargeback.lines import (
    ChargeLine,
    LineKind,
    closing_lines,
    round_lines,
    rounding_lines,
    summarise,
)

MONEY = ("effective", "list_units", "contracted", "used", "unused_request", "unmeasured", "assumed")
QUANTITIES = ("billed_seconds", "request_seconds", "usage_seconds")
_ABOUT = ("restates", "correction")
_WEIGHTS = ("idle_share_weight", "overhead_share_weight", "oversell_share_weight")
_IDENTITY = tuple(
    field.name for field in fields(ChargeLine) if field.name not in {*MONEY, *QUANTITIES, *_ABOUT, *_WEIGHTS}
)
_SCHEMA = pa.schema(
    [
        *((name, pa.date32() if name == "day" else pa.string()) for name in _IDENTITY),
        *((name, pa.int64()) for name in MONEY),
        *((name, pa.float64()) for name in QUANTITIES),
        *((name, pa.string()) for name in _ABOUT),
    ]
)


def difference(
    recomputed: Iterable[ChargeLine],
    charged: Iterable[ChargeLine],
    *,
    restates: str,
    correction: str,
) -> list[ChargeLine]:
    """Return the lines that, added to what was charged, give what was computed anew.

    Parameters
    ----------
    recomputed : iterable of ChargeLine
        Exact lines of the month as it is now.
    charged : iterable of ChargeLine
        Exact lines of its close and of all corrections since.
    restates, correction : str
        The invoice that is corrected, and the name of this correction.

    Returns
    -------
    list of ChargeLine
        One per day, payer, workload and resource whose money differs, in a fixed order; for every such key
        ``charged + difference = recomputed`` holds to the last of nine decimals.
    """
    found: dict[tuple[Any, ...], ChargeLine] = {}
    for sign, lines in ((1, recomputed), (-1, charged)):
        for line in lines:
            key = tuple(getattr(line, name) for name in _IDENTITY)
            known = found.get(key)
            signed = _signed(line, sign, restates, correction)
            found[key] = signed if known is None else _plus(known, signed)
    changed = [line for line in found.values() if any(getattr(line, name) for name in MONEY)]
    return sorted(changed, key=_order)


def _signed(line: ChargeLine, sign: int, restates: str, correction: str) -> ChargeLine:
    values: dict[str, Any] = {name: sign * getattr(line, name) for name in MONEY}
    for name in QUANTITIES:
        quantity = getattr(line, name)
        values[name] = None if quantity is None else sign * quantity
    return replace(line, restates=restates, correction=correction, **values)


def _plus(one: ChargeLine, other: ChargeLine) -> ChargeLine:
    values: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in MONEY}
    for name in QUANTITIES:
        parts = [part for part in (getattr(one, name), getattr(other, name)) if part is not None]
        values[name] = sum(parts) if parts else None
    return replace(one, **values)


def _order(line: ChargeLine) -> tuple[tuple[bool, str], ...]:
    values = (getattr(line, name) for name in _IDENTITY)
    return tuple((value is not None, "" if value is None else str(value)) for value in values)


def lines_table(lines: Sequence[ChargeLine]) -> pa.Table:
    """Return lines as a table: money in nano-units, quantities in seconds."""
    columns = {
        name: [None if getattr(line, name) is None else getattr(line, name) for line in lines]
        for name in _SCHEMA.names
    }
    columns["kind"] = [line.kind.value for line in lines]
    return pa.table(columns, schema=_SCHEMA)


def table_lines(table: pa.Table) -> list[ChargeLine]:
    """Return the lines of a table that `lines_table` made."""
    return [ChargeLine(**{**row, "kind": LineKind(row["kind"])}) for row in table.to_pylist()]


def invoice_lines(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return correction lines as a summary shows them: one per payer, in coins.

    Every correction is rounded by itself: its lines add up to its exact total per cluster, rounded.
    """
    return _each_correction(lines, lambda own: [*round_lines(summarise(own)), *closing_lines(summarise(own))])


def detail_lines(lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return correction lines with the lines that close each correction's cents."""
    return _each_correction(lines, lambda own: [*own, *rounding_lines(own), *closing_lines(own)])


def _each_correction(
    lines: Sequence[ChargeLine], work: Callable[[list[ChargeLine]], list[ChargeLine]]
) -> list[ChargeLine]:
    groups: dict[tuple[str, str], list[ChargeLine]] = {}
    for line in lines:
        groups.setdefault((line.correction or "", line.restates or ""), []).append(line)
    return [
        replace(line, correction=correction, restates=restates)
        for (correction, restates), own in sorted(groups.items())
        for line in work(own)
    ]
