"""Rows of a price list: what an asset of a kind costs per hour, from when to when (DESIGN section 5)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from models.vocabulary.errors import InputError
from models.vocabulary.money import check_currency
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import to_utc

ASSET_KINDS = ("node", "volume", "load_balancer", "network", "control_plane")
UNITS = ("hour", "gib_hour", "gib")
"""``hour`` of the whole asset (nodes), of one GiB of it, or one GiB moved."""

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PriceRow:
    """One price with the time for which it holds. The fields are the columns of a price file.

    Parameters
    ----------
    instance_type : str or None
        Node type (or storage class, load balancer type). None matches every type and then needs a
        ``node_selector``, so that a forgotten cell cannot price a whole fleet.
    currency : str
        ISO 4217 code.
    hourly_list_price : Decimal
        Currency per unit; finite and not negative.
    valid_from, valid_to : datetime
        Half-open range of instants; ``valid_to`` None means until further notice.
    asset_kind : str
        One of ``ASSET_KINDS``.
    region, zone, purchase_option : str or None
        None matches any.
    unit : str
        One of ``UNITS``.
    hourly_contracted_price, hourly_effective_price : Decimal or None
        A missing effective price is the contracted one, a missing contracted price the list price.
    node_selector : str or None
        Kubernetes label selector over the node's labels.
    cpu_core_hourly_price, memory_gib_hourly_price, gpu_hourly_price : Decimal or None
        Component prices: they set how the node's price is split over its resources, not the price.
    source_file, source_row
        Where the row was read (1-based data row), for messages only.
    """

    instance_type: str | None
    currency: str
    hourly_list_price: Decimal
    valid_from: datetime
    valid_to: datetime | None = None
    asset_kind: str = "node"
    region: str | None = None
    zone: str | None = None
    purchase_option: str | None = None
    unit: str = "hour"
    hourly_contracted_price: Decimal | None = None
    hourly_effective_price: Decimal | None = None
    node_selector: str | None = None
    cpu_core_hourly_price: Decimal | None = None
    memory_gib_hourly_price: Decimal | None = None
    gpu_hourly_price: Decimal | None = None
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)

    @property
    def contracted_price(self) -> Decimal:
        """Contracted price per unit, or the list price where none was agreed."""
        price = self.hourly_contracted_price
        return self.hourly_list_price if price is None else price

    @property
    def effective_price(self) -> Decimal:
        """What a unit really costs, commitments amortised; else contracted; else list."""
        price = self.hourly_effective_price
        return self.contracted_price if price is None else price

    @property
    def provenance(self) -> str:
        """``contract`` when a contracted or effective price stands in the row, else ``list``."""
        agreed = (self.hourly_contracted_price, self.hourly_effective_price)
        return "list" if agreed == (None, None) else "contract"

    @property
    def price_id(self) -> str:
        """Stable id: the first 12 hex digits of a sha256 over what the row says.

        The end of its validity is no part of it: an open price that ends later is the same price.
        """
        return hashlib.sha256(repr(_content(self)[:-1]).encode()).hexdigest()[:12]

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    def applies_between(self, start: datetime, end: datetime) -> bool:
        """Whether the row holds for some instant of ``[start, end)``."""
        return self.valid_from < end and start < self.ends_at


def _content(row: PriceRow) -> tuple[str, ...]:
    values = (
        *_match_key(row),
        row.unit,
        row.currency,
        row.hourly_list_price,
        row.hourly_contracted_price,
        row.hourly_effective_price,
        row.cpu_core_hourly_price,
        row.memory_gib_hourly_price,
        row.gpu_hourly_price,
    )
    times = (row.valid_from, row.valid_to)
    return (*map(_text, values), *("" if time is None else to_utc(time).isoformat() for time in times))


def _text(value: object) -> str:
    if value is None:
        return ""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _match_key(row: PriceRow) -> tuple[str, ...]:
    parts = (row.asset_kind, row.instance_type, row.region, row.zone, row.purchase_option, row.node_selector)
    return tuple(part or "" for part in parts)


def check_price_rows(rows: Sequence[PriceRow]) -> None:
    """Refuse rows that cannot price anything, and two rows that price the same asset at the same time.

    Raises
    ------
    InputError
        Naming file, row, field and value; for an overlap, both rows.
    """
    groups: dict[tuple[str, ...], list[tuple[int, PriceRow]]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        _check_row(row, row.source_row or number)
        groups[_match_key(row)].append((row.source_row or number, row))
    for group in groups.values():
        _check_overlap(group)


def _check_row(row: PriceRow, number: int) -> None:
    problems = (
        (
            "asset_kind",
            row.asset_kind,
            row.asset_kind in ASSET_KINDS,
            f"is not one of {', '.join(ASSET_KINDS)}",
        ),
        ("unit", row.unit, row.unit in UNITS, f"is not one of {', '.join(UNITS)}"),
        ("unit", row.unit, row.unit == "hour" or row.asset_kind != "node", "is not hour, as nodes need"),
        (
            "instance_type",
            row.instance_type,
            bool(row.instance_type or row.node_selector) or row.asset_kind != "node",
            "is missing: name the type, or give a node_selector",
        ),
        ("valid_to", row.valid_to, row.valid_from < row.ends_at, "is not after valid_from"),
    )
    for name, value, is_right, reason in problems:
        if not is_right:
            raise InputError(reason, file=row.source_file, row=number, field=name, value=value)
    for name in _PRICE_FIELDS:
        price: Decimal | None = getattr(row, name)
        if price is not None and not (price.is_finite() and price >= 0):
            raise InputError("is not a price", file=row.source_file, row=number, field=name, value=price)
    try:
        check_currency(row.currency)
        parse_selector(row.node_selector or "")
    except InputError as problem:
        raise InputError(
            problem.reason, file=row.source_file, row=number, field=problem.field, value=problem.value
        ) from problem


_PRICE_FIELDS = (
    "hourly_list_price",
    "hourly_contracted_price",
    "hourly_effective_price",
    "cpu_core_hourly_price",
    "memory_gib_hourly_price",
    "gpu_hourly_price",
)


def _check_overlap(group: Iterable[tuple[int, PriceRow]]) -> None:
    ordered = sorted(group, key=lambda pair: (pair[1].valid_from, pair[0]))
    for (earlier_number, earlier), (number, row) in pairwise(ordered):
        if row.valid_from < earlier.ends_at:
            raise InputError(
                f"overlaps row {earlier_number} of {earlier.source_file or 'the price list'} "
                f"({_period(earlier)}): the same {row.asset_kind} {row.instance_type or row.node_selector} "
                "would have two prices; end the earlier row where the later begins",
                file=row.source_file,
                row=number,
                field="valid_from",
                value=_period(row),
            )


def _period(row: PriceRow) -> str:
    end = f"{row.valid_to:%Y-%m-%dT%H:%M:%SZ}" if row.valid_to else "open"
    return f"{row.valid_from:%Y-%m-%dT%H:%M:%SZ} to {end}"


def hash_price_rows(rows: Iterable[PriceRow]) -> str:
    """Return a hash of what the rows say, whatever their order or file."""
    return hashlib.sha256(repr(sorted(_content(row) for row in rows)).encode()).hexdigest()[:32]
