"""Finding the price of a node: the most specific row that holds, for each second of an hour."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from models.pricing.price_list import PriceRow, check_price_rows
from models.pricing.purchase_options import option_matches
from models.vocabulary.money import check_currency
from models.vocabulary.selector import parse_selector

ANY_TYPE = ""


@dataclass(frozen=True)
class DefaultPrice:
    """What a node without a price is assumed to cost, so that an unknown type does not stop an hour.

    Parameters
    ----------
    cpu_core_hourly_price, memory_gib_hourly_price, gpu_hourly_price : Decimal
        Currency per core-hour, GiB-hour and device-hour.
    currency : str
        ISO 4217 code.
    looked_up_on : date
        Named wherever assumed money is shown.
    """

    cpu_core_hourly_price: Decimal
    memory_gib_hourly_price: Decimal
    gpu_hourly_price: Decimal
    currency: str
    looked_up_on: date

    def __post_init__(self) -> None:
        check_currency(self.currency)

    @property
    def price_id(self) -> str:
        """Id that lines priced by it carry."""
        return f"assumed-{self.looked_up_on.isoformat()}"

    def content_hash(self) -> str:
        """Return a hash of the prices."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


class NodeKind(NamedTuple):
    """What a price row looks at in a node. None means that the fact is not known."""

    instance_type: str | None
    region: str | None
    zone: str | None
    purchase_option: str | None
    label_set_id: str | None


@dataclass(frozen=True)
class PricedSpan:
    """Seconds ``[start_second, end_second)`` of an hour under one row; ``row`` None: no row holds."""

    start_second: float
    end_second: float
    row: PriceRow | None


class PriceBook:
    """Price rows, indexed for look-up by node and hour.

    Among the rows that match a node the most specific is taken: one with a ``node_selector`` before one
    with a purchase option, then zone, region and type, then one with a time window; the later ``valid_from``
    on a tie. Purchase options are compared in one spelling.

    Parameters
    ----------
    rows : iterable of PriceRow
        Checked by ``check_price_rows``.
    labels : mapping of str to mapping
        Labels by ``label_set_id``, for node selectors.
    """

    def __init__(
        self, rows: Iterable[PriceRow], labels: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        ordered = list(rows)
        check_price_rows(ordered)
        self.rows = tuple(ordered)
        self._labels = labels or {}
        self._by_type: dict[str, list[PriceRow]] = defaultdict(list)
        for row in ordered:
            if row.asset_kind == "node":
                self._by_type[row.instance_type or ANY_TYPE].append(row)
        self._candidates: dict[NodeKind, tuple[PriceRow, ...]] = {}

    def spans(self, node: NodeKind, hour: datetime, hour_end: datetime) -> list[PricedSpan]:
        """Cut an hour where the node's price changes: where a row or a time window begins or ends.

        Returns
        -------
        list of PricedSpan
            Gapless from second 0 to 3600, oldest first.
        """
        rows = [row for row in self._matching(node) if row.applies_between(hour, hour_end)]
        edges = {hour, hour_end, *(edge for row in rows for edge in _edges(row, hour, hour_end))}
        if rows and len(edges) == 2 and rows[0].window is None:
            return [PricedSpan(0.0, 3600.0, rows[0])]
        cuts = sorted(edges)
        return _merged(
            [
                PricedSpan(
                    (start - hour).total_seconds(), (end - hour).total_seconds(), _best_at(rows, start)
                )
                for start, end in pairwise(cuts)
            ]
        )

    def _matching(self, node: NodeKind) -> tuple[PriceRow, ...]:
        if node not in self._candidates:
            rows = [*self._by_type.get(node.instance_type or ANY_TYPE, ()), *self._by_type[ANY_TYPE]]
            found = {id(row): row for row in rows if self._matches(row, node)}
            self._candidates[node] = tuple(sorted(found.values(), key=_specificity, reverse=True))
        return self._candidates[node]

    def _matches(self, row: PriceRow, node: NodeKind) -> bool:
        pairs = ((row.region, node.region), (row.zone, node.zone))
        if any(wanted is not None and wanted != found for wanted, found in pairs):
            return False
        has_selector = row.node_selector is not None
        if not option_matches(row.purchase_option, node.purchase_option, has_selector=has_selector):
            return False
        if row.node_selector is None:
            return True
        return parse_selector(row.node_selector).matches(self._labels.get(node.label_set_id or "", {}))

    def changes(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the instants inside ``(start, end)`` at which a row of nodes or a window begins or ends."""
        instants = {edge for row in self.rows if row.asset_kind == "node" for edge in _edges(row, start, end)}
        return sorted(instants)

    def hash_between(self, start: datetime, end: datetime) -> str:
        """Return a hash of the prices of ``[start, end)``: what changes before or after it is not in it."""
        inside = sorted(
            (row.price_id, max(row.valid_from, start).isoformat(), min(row.ends_at, end).isoformat())
            for row in self.rows
            if row.applies_between(start, end)
        )
        return hashlib.sha256(repr(inside).encode()).hexdigest()[:32]


def _edges(row: PriceRow, start: datetime, end: datetime) -> list[datetime]:
    """Return the instants inside ``(start, end)`` at which a row begins or ceases to hold."""
    edges = [edge for edge in (row.valid_from, row.ends_at) if start < edge < end]
    if row.window is not None:
        edges += row.window.edges_between(max(start, row.valid_from), min(end, row.ends_at))
    return edges


def _specificity(row: PriceRow) -> tuple[bool, bool, bool, bool, bool, bool, datetime, str]:
    return (
        row.node_selector is not None,
        row.purchase_option is not None,
        row.zone is not None,
        row.region is not None,
        row.instance_type is not None,
        row.window is not None,
        row.valid_from,
        row.price_id,
    )


def _best_at(rows: Sequence[PriceRow], moment: datetime) -> PriceRow | None:
    return next((row for row in rows if _holds_at(row, moment)), None)


def _holds_at(row: PriceRow, moment: datetime) -> bool:
    if not row.valid_from <= moment < row.ends_at:
        return False
    return row.window is None or row.window.covers(moment)


def _merged(spans: list[PricedSpan]) -> list[PricedSpan]:
    merged: list[PricedSpan] = []
    for span in spans:
        if merged and merged[-1].row is span.row:
            merged[-1] = PricedSpan(merged[-1].start_second, span.end_second, span.row)
        else:
            merged.append(span)
    return merged
