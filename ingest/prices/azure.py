"""Price lists of Azure: answers of the Retail Prices API as JSON, one page, many pages or all items.

Read are of each of ``Items``: serviceName, productName, skuName, meterName, armSkuName, armRegionName, type,
currencyCode, retailPrice, unitOfMeasure, tierMinimumUnits, effectiveStartDate, isPrimaryMeterRegion,
reservationTerm, savingsPlan (``term``, ``retailPrice``).

Kept are Linux virtual machines on demand and as spot, reservations and savings plans of one term, managed
disks by size, the Standard load balancer and the uptime SLA of AKS. A reservation's price is that of its
whole term: divided by 8,760 hours a year it is the effective price, with the on-demand price as list price.
An item whose price changes stands once per ``effectiveStartDate``; each holds until the next.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from ingest.prices.json_stream import iterate_records
from ingest.prices.published import (
    HOURS_PER_MONTH,
    HOURS_PER_YEAR,
    Found,
    Place,
    SpotPoint,
    Wanted,
    spot_rows,
)
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import ON_DEMAND, RESERVED, SAVINGS_PLAN, SPOT

_DISK = re.compile(r"Managed Disks")
_YEARS = re.compile(r"^(\d+) Years?$")


class _Key(NamedTuple):
    """What an item prices."""

    kind: str
    type_name: str
    region: str
    option: str | None
    currency: str


@dataclass(frozen=True)
class _Item:
    row: Mapping[str, Any]
    place: Place

    def __getitem__(self, name: str) -> Any:
        return self.row.get(name)

    @property
    def price(self) -> Decimal:
        return self.place.price("retailPrice", self["retailPrice"])

    @property
    def starts_at(self) -> datetime:
        return self.place.instant("effectiveStartDate", self["effectiveStartDate"])


def read_azure(paths: Sequence[Path], wanted: Wanted) -> Found:
    """Return the prices of answers of the Retail Prices API.

    Raises
    ------
    InputError
        If a file is of another format, or a price cannot be used (names file, row, field and value).
    """
    found = Found()
    points: dict[tuple[Any, ...], list[SpotPoint]] = defaultdict(list)
    agreed: dict[tuple[Any, ...], Decimal] = {}
    for item in _items(paths):
        key = _classify(item, wanted)
        if isinstance(key, str):
            found.skipped[key] += 1
        elif key.option == RESERVED:
            agreed[key] = item.price / (HOURS_PER_YEAR * wanted.term_years)
        else:
            price = item.price / HOURS_PER_MONTH if item["unitOfMeasure"] == "1/Month" else item.price
            points[key].append(SpotPoint(item.starts_at, price, price, item.place))
            agreed.update(_savings_plans(item, key, wanted))
    found.rows += spot_rows({key: _from(series, wanted) for key, series in points.items()}, _row)
    found.rows += _agreed_rows(found.rows, agreed, found)
    return found


def _items(paths: Sequence[Path]) -> Iterator[_Item]:
    for path in paths:
        for number, row in enumerate(iterate_records(path, "Items"), start=1):
            yield _Item(row, Place(str(path), number))


def _classify(item: _Item, wanted: Wanted) -> _Key | str:
    """Return what an item prices, or why it is passed over."""
    region = str(item["armRegionName"] or "")
    if not wanted.has_region(region):
        return "other region"
    if item["isPrimaryMeterRegion"] is False:
        return "not the primary meter"
    if Decimal(str(item["tierMinimumUnits"] or 0)) > 0:
        return "higher tier"
    what = _asset(item)
    if what is None:
        return "other product"
    kind, type_name = what
    option = _option(item, wanted) if kind == "node" else None
    if kind == "node" and option is None:
        return "other way to buy"
    if kind == "node" and not wanted.has_type(type_name):
        return "other type"
    return _Key(kind, type_name, region, option, item.place.text("currencyCode", item["currencyCode"]))


def _asset(item: _Item) -> tuple[str, str] | None:
    service, product, meter = (str(item[name] or "") for name in ("serviceName", "productName", "meterName"))
    unit = item["unitOfMeasure"]
    if service == "Virtual Machines" and unit == "1 Hour" and item["armSkuName"]:
        is_other = any(
            word in product for word in ("Windows", "Cloud Services", "CloudServices", "Dedicated")
        )
        return None if is_other else ("node", str(item["armSkuName"]))
    if item["type"] != "Consumption":
        return None
    if service == "Storage" and _DISK.search(product) and unit == "1/Month" and meter.endswith(" Disk"):
        return "volume", str(item["skuName"])
    if service == "Load Balancer" and unit == "1 Hour" and meter.startswith("Standard Included LB Rules"):
        return "load_balancer", "standard"
    if service == "Azure Kubernetes Service" and unit == "1 Hour" and "Standard Uptime SLA" in meter:
        return "control_plane", "aks"
    return None


def _option(item: _Item, wanted: Wanted) -> str | None:
    if item["type"] == "Reservation":
        return RESERVED if _years(item["reservationTerm"]) == wanted.term_years else None
    names = f"{item['meterName']} {item['skuName']}"
    # Low priority is what Azure Batch sells; nodes of AKS are spot.
    if item["type"] != "Consumption" or "Low Priority" in names:
        return None
    return SPOT if "Spot" in names else ON_DEMAND


def _years(text: Any) -> int:
    found = _YEARS.match(str(text or ""))
    return int(found[1]) if found else 0


def _savings_plans(item: _Item, key: _Key, wanted: Wanted) -> dict[tuple[Any, ...], Decimal]:
    """Return the hourly price under a savings plan that stands in an on-demand item."""
    plans = item.place.records("savingsPlan", item["savingsPlan"]) if key.option == ON_DEMAND else ()
    return {
        key._replace(option=SAVINGS_PLAN): item.place.price(
            "savingsPlan.retailPrice", plan.get("retailPrice")
        )
        for plan in plans
        if _years(plan.get("term")) == wanted.term_years
    }


def _from(series: Sequence[SpotPoint], wanted: Wanted) -> list[SpotPoint]:
    """Let the price that holds at the wanted beginning begin there, and drop what it replaced."""
    start = wanted.valid_from
    if start is None:
        return list(series)
    ordered = sorted(series, key=lambda point: point.moment)
    later = [point for point in ordered if point.moment > start]
    before = [point for point in ordered if point.moment <= start][-1:] or later[:1]
    return [
        *(SpotPoint(start, one.price, one.list_price, one.place) for one in before),
        *(point for point in later if point not in before),
    ]


def _row(key: tuple[Any, ...], point: SpotPoint) -> PriceRow:
    what = _Key(*key)
    return PriceRow(
        what.type_name,
        what.currency,
        point.price,
        point.moment,
        asset_kind=what.kind,
        region=what.region,
        purchase_option=what.option,
        source_file=point.place.file,
        source_row=point.place.row,
    )


def _agreed_rows(
    rows: Sequence[PriceRow], agreed: Mapping[tuple[Any, ...], Decimal], found: Found
) -> list[PriceRow]:
    """Return rows of reservations and savings plans beside the on-demand rows of their type."""
    listed = defaultdict(list)
    for row in rows:
        if row.purchase_option == ON_DEMAND:
            listed[row.instance_type, row.region, row.currency].append(row)
    made = []
    for key in sorted(agreed, key=str):
        what = _Key(*key)
        bases = listed[what.type_name, what.region, what.currency]
        found.skipped["agreed price without an on-demand price"] += not bases
        made += [_agreed(base, what.option, agreed[key]) for base in bases]
    found.skipped = +found.skipped
    return made


def _agreed(base: PriceRow, option: str | None, price: Decimal) -> PriceRow:
    return replace(base, purchase_option=option, hourly_effective_price=price)
