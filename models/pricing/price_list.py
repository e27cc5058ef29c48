"""Rows of a price list: what an asset of a kind costs per hour, from when to when (DESIGN section 5)."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal

from models.pricing.amortised import Amortisation, check_amortisation
from models.pricing.purchase_options import SERVERLESS, normal_option
from models.pricing.time_windows import TimeWindow, parse_window
from models.vocabulary.errors import InputError
from models.vocabulary.money import check_currency
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import to_utc

ASSET_KINDS = ("node", "volume", "load_balancer", "network", "control_plane")
UNITS = ("hour", "gib_hour", "gib")
"""``hour`` of the whole asset (nodes), of one GiB of it, or one GiB moved."""

PROVENANCES = ("bill", "contract", "list", "amortised", "assumed", "unpriced")
"""Where a price comes from, the best known first; a sum is known as well as the weakest of its parts."""

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
    cpu_weight, memory_weight, gpu_weight : Decimal or None
        Weights for that split where there are no component prices: those of the instance family.
    daily_from, daily_to, weekdays, time_zone : str or None
        Hours of the week for which the price holds (``models.pricing.time_windows``); all None: always. A row
        without a window holds where no window of the same asset does.
    amortisation : Amortisation or None
        What the list price was computed from, for a machine that was bought.
    source_file, source_row, source_sha256, imported_at, imported_by
        Where the row was read (1-based data row), when and by whom it was imported; no part of what it says.
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
    cpu_weight: Decimal | None = None
    memory_weight: Decimal | None = None
    gpu_weight: Decimal | None = None
    daily_from: str | None = None
    daily_to: str | None = None
    weekdays: str | None = None
    time_zone: str | None = None
    amortisation: Amortisation | None = None
    source_file: str | None = field(default=None, compare=False)
    source_row: int | None = field(default=None, compare=False)
    source_sha256: str | None = field(default=None, compare=False)
    imported_at: datetime | None = field(default=None, compare=False)
    imported_by: str | None = field(default=None, compare=False)

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
        """``contract`` when an agreed price stands in the row, else ``amortised`` or ``list``."""
        if (self.hourly_contracted_price, self.hourly_effective_price) != (None, None):
            return "contract"
        return "list" if self.amortisation is None else "amortised"

    @property
    def price_id(self) -> str:
        """Stable id: the first 12 hex digits of a sha256 over what the row says.

        The end of its validity is no part of it: an open price that ends later is the same price.
        """
        return hashlib.sha256(repr(_content(self)[:-1]).encode()).hexdigest()[:12]

    @property
    def window(self) -> TimeWindow | None:
        """Hours of the week for which the price holds; None: always."""
        return parse_window(self.daily_from, self.daily_to, self.weekdays, self.time_zone)

    @property
    def has_own_weights(self) -> bool:
        """Whether the row itself says how its price is split over cores and memory."""
        by_price = None not in (self.cpu_core_hourly_price, self.memory_gib_hourly_price)
        return by_price or None not in (self.cpu_weight, self.memory_weight)

    @property
    def asset_key(self) -> tuple[str, ...]:
        """What the row prices, in which hours of the week: two rows of one key never hold at one time."""
        return (*_match_key(self), "" if self.window is None else self.window.text)

    @property
    def terms(self) -> tuple[str, ...]:
        """What the row says of its price, without what it prices and when (``asset_key``)."""
        return _terms(self, _SPLIT_FIELDS)

    @property
    def ends_at(self) -> datetime:
        """``valid_to``, or the end of time."""
        return self.valid_to or END_OF_TIME

    def applies_between(self, start: datetime, end: datetime) -> bool:
        """Whether the row holds for some instant of ``[start, end)``."""
        return self.valid_from < end and start < self.ends_at


def _content(row: PriceRow) -> tuple[str, ...]:
    times = (row.valid_from, row.valid_to)
    terms = _terms(row, (*_SPLIT_FIELDS, *_WINDOW_FIELDS))
    return (*_match_key(row), *terms, *("" if time is None else _text(to_utc(time)) for time in times))


def _terms(row: PriceRow, further_names: Iterable[str]) -> tuple[str, ...]:
    values = (
        row.unit,
        row.currency,
        row.hourly_list_price,
        row.hourly_contracted_price,
        row.hourly_effective_price,
        row.cpu_core_hourly_price,
        row.memory_gib_hourly_price,
        row.gpu_hourly_price,
    )
    # Only where it is set, so that a row without it keeps the id under which it was stored before.
    further = tuple(
        f"{name}={_text(value)}" for name in further_names if (value := getattr(row, name)) is not None
    )
    return (*map(_text, values), *further)


_SPLIT_FIELDS = ("cpu_weight", "memory_weight", "gpu_weight", "amortisation")
_WINDOW_FIELDS = ("daily_from", "daily_to", "weekdays", "time_zone")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Amortisation):
        return ";".join(_text(getattr(value, one.name)) for one in fields(value))
    if isinstance(value, datetime):
        return to_utc(value).isoformat()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _match_key(row: PriceRow) -> tuple[str, ...]:
    option = normal_option(row.purchase_option)
    parts = (row.asset_kind, row.instance_type, row.region, row.zone, option, row.node_selector)
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
    _check_parts(row, number)
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
            bool(row.instance_type or row.node_selector) or row.asset_kind != "node" or _is_serverless(row),
            "is missing: name the type, or give a node_selector",
        ),
        (
            "daily_from",
            row.daily_from or row.weekdays,
            row.window is None or row.asset_kind == "node",
            "is for nodes: other assets have one price for all hours",
        ),
        (
            "purchase_price",
            row.amortisation and row.amortisation.purchase_price,
            row.amortisation is None or (row.asset_kind == "node" and not _is_serverless(row)),
            "is for nodes that were bought: give this row an hourly_list_price",
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


def _is_serverless(row: PriceRow) -> bool:
    return normal_option(row.purchase_option) == SERVERLESS


def _check_parts(row: PriceRow, number: int) -> None:
    """Check what has a grammar of its own, and say where it stands."""
    try:
        check_currency(row.currency)
        parse_selector(row.node_selector or "")
        parse_window(row.daily_from, row.daily_to, row.weekdays, row.time_zone)
        if row.amortisation is not None:
            check_amortisation(row.amortisation, row.valid_from)
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
    "cpu_weight",
    "memory_weight",
    "gpu_weight",
)


def _check_overlap(group: Iterable[tuple[int, PriceRow]]) -> None:
    ordered = sorted(group, key=lambda pair: (pair[1].valid_from, pair[0]))
    holding: list[tuple[int, PriceRow]] = []
    for number, row in ordered:
        holding = [pair for pair in holding if row.valid_from < pair[1].ends_at]
        for earlier_number, earlier in holding:
            if not _share_hours(earlier, row, number):
                continue
            raise InputError(
                f"overlaps row {earlier_number} of {earlier.source_file or 'the price list'} "
                f"({_period(earlier)}): the same {row.asset_kind} {row.instance_type or row.node_selector} "
                "would have two prices; end the earlier row where the later begins",
                file=row.source_file,
                row=number,
                field="valid_from",
                value=_period(row),
            )
        holding.append((number, row))


def _share_hours(earlier: PriceRow, row: PriceRow, number: int) -> bool:
    """Whether two rows of one asset that are valid together hold in the same hours of the week."""
    first, second = earlier.window, row.window
    if first is None or second is None:
        return first is second
    if first.zone.key != second.zone.key:
        raise InputError(
            f"is not the zone of the other window of {row.instance_type or row.node_selector} "
            f"({first.zone.key}): write the windows of one asset in one zone",
            file=row.source_file,
            row=number,
            field="time_zone",
            value=second.zone.key,
        )
    return first.overlaps(second)


def _period(row: PriceRow) -> str:
    end = f"{row.valid_to:%Y-%m-%dT%H:%M:%SZ}" if row.valid_to else "open"
    return f"{row.valid_from:%Y-%m-%dT%H:%M:%SZ} to {end}"


def hash_price_rows(rows: Iterable[PriceRow]) -> str:
    """Return a hash of what the rows say, whatever their order or file."""
    return hashlib.sha256(repr(sorted(_content(row) for row in rows)).encode()).hexdigest()[:32]
