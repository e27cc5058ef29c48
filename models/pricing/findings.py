"""What is odd in a price list: rows that cannot all be right, and times without a price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import combinations, pairwise

from models.pricing.price_book import NodeKind, PriceBook
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import UNSEEN_OPTIONS, normal_option
from models.vocabulary.selector import parse_selector
from models.vocabulary.windows import HOUR, windows_of


@dataclass(frozen=True)
class PriceProblem:
    """One thing to fix in a price list.

    Parameters
    ----------
    kind : str
        ``hole`` (node-hours without a price), ``gap`` (a time between two rows of an asset), ``order``
        (contracted above list, or effective above contracted), ``currencies`` (nodes of one cluster priced in
        several), ``ambiguous`` (two selectors choose the same nodes).
    asset_kind, type_name, region, zone, purchase_option : str or None
    starts_at, ends_at : datetime or None
        ``ends_at`` None: until further notice.
    node_hours : int or None
        How much is touched, where it was counted.
    detail : str
        What to do, in a sentence.
    """

    kind: str
    asset_kind: str
    type_name: str | None
    region: str | None
    zone: str | None
    purchase_option: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    detail: str
    cluster: str | None = None
    node_hours: int | None = None


@dataclass(frozen=True)
class SeenNodes:
    """Node-hours of one kind in one hour."""

    kind: NodeKind
    hour: datetime
    node_hours: int


def list_problems(rows: Sequence[PriceRow], start: datetime, end: datetime) -> list[PriceProblem]:
    """Return what is odd in the rows that hold at some instant of ``[start, end)``: order and gaps."""
    inside = [row for row in rows if row.applies_between(start, end)]
    return [
        *(_about(row, "order", why) for row in inside if (why := _disorder(row))),
        *_gaps(rows, start, end),
    ]


def _disorder(row: PriceRow) -> str | None:
    steps: tuple[tuple[str, Decimal, str, Decimal], ...] = (
        ("contracted", row.contracted_price, "list", row.hourly_list_price),
        ("effective", row.effective_price, "contracted", row.contracted_price),
    )
    for name, price, base_name, base in steps:
        if price > base:
            return (
                f"the {name} price {price.normalize():f} {row.currency} is above the {base_name} price "
                f"{base.normalize():f} {row.currency}; it is used as it stands"
            )
    return None


def _gaps(rows: Sequence[PriceRow], start: datetime, end: datetime) -> Iterator[PriceProblem]:
    by_key: dict[tuple[str, ...], list[PriceRow]] = defaultdict(list)
    for row in rows:
        by_key[row.asset_key].append(row)
    for members in by_key.values():
        for earlier, later in pairwise(sorted(members, key=lambda row: row.valid_from)):
            if earlier.ends_at < later.valid_from and earlier.ends_at < end and start < later.valid_from:
                yield _about(
                    earlier,
                    "gap",
                    "no row of this asset holds between two others: end the earlier where the later begins",
                    (earlier.ends_at, later.valid_from),
                )


def _about(
    row: PriceRow, kind: str, detail: str, times: tuple[datetime, datetime | None] | None = None
) -> PriceProblem:
    starts_at, ends_at = times or (row.valid_from, row.valid_to)
    name = row.instance_type or row.node_selector
    option = normal_option(row.purchase_option)
    return PriceProblem(kind, row.asset_kind, name, row.region, row.zone, option, starts_at, ends_at, detail)


def find_holes(book: PriceBook, seen: Iterable[SeenNodes]) -> list[PriceProblem]:
    """Return the times for which nodes that ran have no price, joined over hours that follow each other.

    Parameters
    ----------
    book : PriceBook
    seen : iterable of SeenNodes
        Of one cluster.
    """
    hours: dict[NodeKind, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for one in seen:
        if any(span.row is None for span in book.spans(one.kind, one.hour, one.hour + HOUR)):
            hours[one.kind._replace(label_set_id=None)][one.hour] += one.node_hours
    return [
        PriceProblem(
            "hole",
            "node",
            kind.instance_type,
            kind.region,
            kind.zone,
            kind.purchase_option,
            window.start,
            window.end,
            "no row prices these node-hours: add the type, or a row of its region or option",
            node_hours=sum(count for hour, count in counts.items() if hour in window),
        )
        for kind, counts in hours.items()
        for window in windows_of(list(counts))
    ]


def find_mixed_currencies(book: PriceBook, seen: Iterable[SeenNodes]) -> list[PriceProblem]:
    """Return one problem per currency but the first, where the nodes of a cluster are priced in several."""
    hours: dict[str, int] = defaultdict(int)
    first: dict[str, PriceRow] = {}
    for one in seen:
        for span in book.spans(one.kind, one.hour, one.hour + HOUR):
            if span.row is not None:
                hours[span.row.currency] += one.node_hours
                first.setdefault(span.row.currency, span.row)
    by_hours = sorted(hours, key=lambda code: (-hours[code], code))
    return [
        _about(first[code], "currencies", f"nodes of one cluster are priced in {', '.join(sorted(hours))}")
        for code in by_hours[1:]
    ]


def find_ambiguous(rows: Sequence[PriceRow], labels: Mapping[str, Mapping[str, str]]) -> list[PriceProblem]:
    """Return pairs of rows whose selectors choose the same nodes for the same time and are equally specific.

    Parameters
    ----------
    rows : sequence of PriceRow
    labels : mapping of str to mapping
        Labels of the nodes that ran, by label set id.
    """
    groups: dict[tuple[object, ...], list[PriceRow]] = defaultdict(list)
    for row in rows:
        if row.node_selector is not None and row.asset_kind == "node":
            option = normal_option(row.purchase_option)
            seen_option = None if option in UNSEEN_OPTIONS else option
            groups[row.instance_type, row.region, row.zone, seen_option, row.window].append(row)
    return [
        _about(
            row,
            "ambiguous",
            f"its nodes are chosen by {other.node_selector} as well: make one selector exclude the other",
        )
        for group in groups.values()
        for row, other in combinations(group, 2)
        if row.node_selector != other.node_selector
        and row.applies_between(other.valid_from, other.ends_at)
        and _choose_alike(row, other, labels)
    ]


def _choose_alike(row: PriceRow, other: PriceRow, labels: Mapping[str, Mapping[str, str]]) -> bool:
    first, second = parse_selector(row.node_selector or ""), parse_selector(other.node_selector or "")
    return any(first.matches(one) and second.matches(one) for one in labels.values())
