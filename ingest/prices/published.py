"""What the readers of published price lists share: what is wanted, what was found, what was passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ingest.files.cells import decimal_cell
from models.pricing.price_list import PriceRow
from models.vocabulary.errors import InputError

HOURS_PER_MONTH = Decimal(730)
"""A monthly price as an hourly one. Months have 672 to 744 hours: the bill settles the difference."""
HOURS_PER_YEAR = Decimal(8760)


@dataclass(frozen=True)
class Wanted:
    """Which rows of a published list are kept; empty sets keep all.

    Parameters
    ----------
    regions, types : frozenset of str
        Regions, and instance types of nodes; other assets are chosen by region and kind.
    asset_kinds : frozenset of str
        A list that prices some volumes charges all of them: what is not to be charged is left out.
    valid_from : datetime or None
        When prices begin that carry no beginning of their own, or only that of the list's publication.
    term_years : int
        Term of reservations and savings plans, 1 or 3.
    offering_class, payment : str
        Which AWS reservation is taken: ``standard`` or ``convertible``; ``No Upfront``, ``Partial Upfront``
        or ``All Upfront``.
    """

    regions: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    valid_from: datetime | None = None
    term_years: int = 1
    offering_class: str = "standard"
    payment: str = "No Upfront"
    asset_kinds: frozenset[str] = frozenset()

    def has_region(self, region: str | None) -> bool:
        """Whether rows of a region are kept."""
        return not self.regions or region in self.regions

    def has_type(self, name: str | None) -> bool:
        """Whether rows of an instance type are kept."""
        return not self.types or name in self.types


@dataclass
class Found:
    """What a reader found.

    Parameters
    ----------
    rows : list of PriceRow
    skipped : Counter of str
        Rows that were passed over, by reason.
    """

    rows: list[PriceRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Place:
    """Where a record stands, for messages."""

    file: str
    row: int

    def price(self, name: str, value: object) -> Decimal:
        """Return a cell as a price.

        Raises
        ------
        InputError
            Naming file, row, field and value, if it is missing, no number or negative.
        """
        amount = decimal_cell(self.file, self.row, name, None if value == "" else value)
        if amount is None:
            raise InputError("is missing", file=self.file, row=self.row, field=name)
        if amount < 0:
            raise InputError("is negative", file=self.file, row=self.row, field=name, value=value)
        return amount

    def text(self, name: str, value: object) -> str:
        """Return a cell that must not be empty."""
        if value is None or value == "":
            raise InputError("is missing", file=self.file, row=self.row, field=name)
        return str(value)

    def mapping(self, name: str, value: object) -> Mapping[str, Any]:
        """Return a member as an object of JSON; a missing one is empty."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise InputError("is no object", file=self.file, row=self.row, field=name, value=str(value))
        return value

    def records(self, name: str, value: object) -> Sequence[Mapping[str, Any]]:
        """Return a member as a list of objects of JSON; a missing one is empty."""
        if value is not None and not isinstance(value, list):
            raise InputError("is no list", file=self.file, row=self.row, field=name, value=str(value))
        return [self.mapping(name, one) for one in value or ()]

    def instant(self, name: str, value: object) -> datetime:
        """Return a cell as an instant; a date, or a time without a zone, is UTC."""
        try:
            moment = datetime.fromisoformat(self.text(name, value))
        except ValueError:
            raise InputError(
                "is not a time like 2026-10-01T00:00:00Z",
                file=self.file,
                row=self.row,
                field=name,
                value=value,
            ) from None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True)
class SpotPoint:
    """The price of a type in a zone from a moment on."""

    moment: datetime
    price: Decimal
    list_price: Decimal
    place: Place


def spot_rows(
    points: Mapping[tuple[Any, ...], Iterable[SpotPoint]],
    row: Callable[[tuple[Any, ...], SpotPoint], PriceRow],
) -> list[PriceRow]:
    """Return a time series of prices per key as rows, each ending where the next begins.

    Equal prices in a row are one; of several points of one moment the last holds.

    Parameters
    ----------
    points : mapping
    row : callable
        Makes the open row of a key and a point.
    """
    rows = []
    for key in sorted(points, key=str):
        latest = {point.moment: point for point in points[key]}
        changes: list[SpotPoint] = []
        for moment in sorted(latest):
            point = latest[moment]
            known = changes[-1] if changes else None
            if known is None or (known.price, known.list_price) != (point.price, point.list_price):
                changes.append(point)
        ends = [*(point.moment for point in changes[1:]), None]
        rows += [replace(row(key, point), valid_to=end) for point, end in zip(changes, ends, strict=True)]
    return rows
