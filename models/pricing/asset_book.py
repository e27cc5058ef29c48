"""Finding the price of a volume, load balancer, traffic class or control plane, and which are charged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from models.pricing.price_list import PriceRow
from models.vocabulary.selector import parse_selector

UNITS_BY_KIND: Mapping[str, tuple[str, ...]] = {
    "volume": ("gib_hour", "hour"),
    "load_balancer": ("hour",),
    "network": ("gib",),
    "control_plane": ("hour",),
}
"""Asset kinds beside nodes, and the units in which each can be priced; rows in other units price nothing."""

_HOUR = timedelta(hours=1)


class ChargedKind(NamedTuple):
    """An asset kind that is charged: all of it, or one type of it (traffic is charged by class)."""

    asset_kind: str
    type_name: str | None


def charged_kinds(rows: Iterable[PriceRow], start: datetime, end: datetime) -> frozenset[ChargedKind]:
    """Return the asset kinds for which a price list has a row that holds at some instant of ``[start, end)``.

    A list without any price of volumes does not charge them; one with a price of some charges all, and those
    without a price are unpriced. Traffic is charged by class: a list that prices egress to the internet says
    nothing of traffic within a zone.
    """
    return frozenset(
        ChargedKind(row.asset_kind, row.instance_type if row.asset_kind == "network" else None)
        for row in rows
        if row.unit in UNITS_BY_KIND.get(row.asset_kind, ()) and row.applies_between(start, end)
    )


def is_charged(asset_kind: str, type_name: str | None, kinds: Collection[ChargedKind]) -> bool:
    """Whether an asset is among the charged kinds."""
    return ChargedKind(asset_kind, None) in kinds or ChargedKind(asset_kind, type_name) in kinds


class AssetKey(NamedTuple):
    """What a price row looks at in an asset. None means that the fact is not known."""

    type_name: str | None
    region: str | None
    zone: str | None
    label_sets: tuple[str, ...] = ()


class AssetPrices:
    """Price rows of assets that are no nodes, looked up by asset and hour.

    Among the rows that match the most specific is taken: one with a ``node_selector``, then zone, region and
    type; the later ``valid_from`` on a tie. A control plane matches any type, because no observation tells
    its tier; a selector on its row is compared with the labels of the cluster's nodes. Two rows of control
    planes that match equally well leave it unpriced.

    Parameters
    ----------
    rows : iterable of PriceRow
    labels : mapping of str to mapping
        Labels by ``label_set_id``, for node selectors.
    """

    def __init__(
        self, rows: Iterable[PriceRow], labels: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self._rows: dict[str, list[PriceRow]] = defaultdict(list)
        for row in rows:
            if row.unit in UNITS_BY_KIND.get(row.asset_kind, ()):
                self._rows[row.asset_kind].append(row)
        self._labels = labels or {}

    def changes_between(self, asset_kind: str, start: datetime, end: datetime) -> bool:
        """Whether a price of a kind begins or ends inside ``(start, end)``."""
        return any(
            start < edge < end for row in self._rows[asset_kind] for edge in (row.valid_from, row.ends_at)
        )

    def spans(
        self, asset_kind: str, asset: AssetKey, hour: datetime
    ) -> list[tuple[Decimal, PriceRow | None]]:
        """Cut an hour where the asset's price changes; return the seconds of each part and its row."""
        end = hour + _HOUR
        rows = [
            row
            for row in self._rows[asset_kind]
            if row.applies_between(hour, end) and self._matches(row, asset)
        ]
        edges = {hour, end}
        for row in rows:
            edges.update(edge for edge in (row.valid_from, row.ends_at) if hour < edge < end)
        return [
            (_seconds(later - earlier), _best(rows, earlier)) for earlier, later in pairwise(sorted(edges))
        ]

    def has_row(self, asset_kind: str, asset: AssetKey, hour: datetime) -> bool:
        """Whether any row speaks of an asset in an hour."""
        return any(
            row.applies_between(hour, hour + _HOUR) and self._matches(row, asset)
            for row in self._rows[asset_kind]
        )

    def _matches(self, row: PriceRow, asset: AssetKey) -> bool:
        wanted = [(row.region, asset.region), (row.zone, asset.zone)]
        if row.asset_kind != "control_plane":
            wanted.append((row.instance_type, asset.type_name))
        if row.purchase_option is not None or any(want not in (None, found) for want, found in wanted):
            return False
        if row.node_selector is None:
            return True
        selector = parse_selector(row.node_selector)
        return any(selector.matches(self._labels.get(one, {})) for one in asset.label_sets)


def _best(rows: Sequence[PriceRow], moment: datetime) -> PriceRow | None:
    holding = [row for row in rows if row.valid_from <= moment < row.ends_at]
    if not holding:
        return None
    best = max(holding, key=lambda row: (*_specificity(row), row.valid_from, row.price_id))
    alike = [row for row in holding if _specificity(row) == _specificity(best)]
    return None if best.asset_kind == "control_plane" and len(alike) > 1 else best


def _specificity(row: PriceRow) -> tuple[bool, ...]:
    is_typed = row.instance_type is not None and row.asset_kind != "control_plane"
    return row.node_selector is not None, row.zone is not None, row.region is not None, is_typed


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000
