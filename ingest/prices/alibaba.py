"""Price lists of Alibaba Cloud: the published ``instancePrice.json``, and CSV of prices per type.

``instancePrice.json`` (the price download of ECS): ``currency``, ``publicationDate`` and ``pricingInfo``,
whose names are ``region::type::network::system::io`` and whose members hold ``hours``, ``months`` and
``years``, each a list of ``period`` and ``price``. Kept is Linux on VPC: the price of one hour on demand, and
that of a month (or of ``term_years`` years, where listed) as effective price of a subscription.

CSV, as written from answers of DescribePrice and DescribeInstanceTypes: columns under the names of the API,
in Chinese or in English, see ``COLUMNS``. PostPaid rows are on demand, PrePaid rows subscriptions; the price
of a ``Month`` is divided by 730 hours, that of a ``Year`` by 8,760.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingest.files.text_files import reading_text
from ingest.prices.json_stream import iterate_members
from ingest.prices.published import HOURS_PER_MONTH, HOURS_PER_YEAR, Found, Place, Wanted
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import ON_DEMAND, RESERVED, SPOT, normal_option
from models.vocabulary.errors import InputError

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "region": ("RegionId", "Region", "地域", "地域ID"),
    "zone": ("ZoneId", "Zone", "可用区", "可用区ID"),
    "type": ("InstanceType", "InstanceTypeId", "实例规格"),
    "option": ("InstanceChargeType", "ChargeType", "付费类型", "付费方式", "计费方式"),
    "price": ("TradePrice", "Price", "价格", "优惠价", "成交价"),
    "list_price": ("OriginalPrice", "OriginPrice", "原价", "目录价"),
    "currency": ("Currency", "币种"),
    "period": ("PriceUnit", "Period", "单位", "价格单位"),
    "valid_from": ("EffectiveDate", "生效时间"),
}
"""Headings of a CSV; ``region``, ``type``, ``price`` and ``currency`` must be there."""

_NEEDED = ("region", "type", "price", "currency")
_HOURS = {
    **dict.fromkeys(("hour", "小时", "时", ""), Decimal(1)),
    **dict.fromkeys(("month", "月"), HOURS_PER_MONTH),
    **dict.fromkeys(("year", "年"), HOURS_PER_YEAR),
}


@dataclass(frozen=True)
class _Quote:
    """One price of a type, as an hourly one."""

    region: str
    zone: str | None
    type_name: str
    option: str
    currency: str
    hourly: Decimal
    hourly_list: Decimal | None
    starts_at: datetime
    place: Place


def read_alibaba(paths: Sequence[Path], wanted: Wanted) -> Found:
    """Return the prices of price files.

    Raises
    ------
    InputError
        If a file is of another format, or a price cannot be used (names file, row, field and value).
    """
    found = Found()
    quotes = [quote for path in paths for quote in _quotes(path, wanted, found)]
    listed = {
        (one.region, one.zone, one.type_name, one.currency): one.hourly_list or one.hourly
        for one in quotes
        if one.option == ON_DEMAND
    }
    for one in quotes:
        base = listed.get((one.region, one.zone, one.type_name, one.currency))
        found.rows.append(_row(one, base))
    return found


def _quotes(path: Path, wanted: Wanted, found: Found) -> Iterator[_Quote]:
    reader = _read_json if ".json" in path.suffixes else _read_csv
    for quote in reader(path, wanted, found):
        if not wanted.has_region(quote.region):
            found.skipped["other region"] += 1
        elif not wanted.has_type(quote.type_name):
            found.skipped["other type"] += 1
        else:
            yield quote


def _row(quote: _Quote, listed: Decimal | None) -> PriceRow:
    """Return the row of a price; a subscription has the on-demand price as its list price."""
    base = quote.hourly_list or quote.hourly
    if quote.option in (RESERVED, SPOT) and listed is not None:
        base = listed
    return PriceRow(
        quote.type_name,
        quote.currency,
        base,
        quote.starts_at,
        region=quote.region,
        zone=quote.zone,
        purchase_option=quote.option,
        hourly_contracted_price=quote.hourly if quote.option == ON_DEMAND and quote.hourly != base else None,
        hourly_effective_price=quote.hourly if quote.option != ON_DEMAND and quote.hourly != base else None,
        source_file=quote.place.file,
        source_row=quote.place.row,
    )


def _read_json(path: Path, wanted: Wanted, found: Found) -> Iterator[_Quote]:
    """Yield the quotes of ``instancePrice.json``; what stands beside the prices is read first."""
    general = {names[0]: value for names, value in iterate_members(path, 2) if len(names) == 1}
    number = 0
    for names, value in iterate_members(path, 2):
        if names[0] != "pricingInfo" or len(names) == 1:
            continue
        number += 1
        place = Place(str(path), number)
        region, type_name, network, system = (*names[1].split("::"), "", "", "")[:4]
        if network != "vpc" or system != "linux":
            found.skipped["other operating system or network"] += 1
            continue
        yield from _terms(
            _Quote(
                region,
                None,
                type_name,
                ON_DEMAND,
                place.text("currency", general.get("currency")),
                Decimal(0),
                None,
                wanted.valid_from or place.instant("publicationDate", general.get("publicationDate")),
                place,
            ),
            place.mapping("pricingInfo", value),
            wanted,
        )
    if not number:
        raise InputError("is no price file of ECS: it has no pricingInfo", file=str(path))


def _terms(quote: _Quote, value: Mapping[str, Any], wanted: Wanted) -> Iterator[_Quote]:
    hours = _listed(quote.place, value, "hours", 1)
    if hours is not None:
        yield replace(quote, hourly=quote.place.price("hours.price", hours))
    years = _listed(quote.place, value, "years", wanted.term_years)
    months = _listed(quote.place, value, "months", 1)
    if years is not None:
        price = quote.place.price("years.price", years) / (HOURS_PER_YEAR * wanted.term_years)
        yield replace(quote, option=RESERVED, hourly=price)
    elif months is not None:
        price = quote.place.price("months.price", months) / HOURS_PER_MONTH
        yield replace(quote, option=RESERVED, hourly=price)


def _listed(place: Place, value: Mapping[str, Any], name: str, period: int) -> object:
    entries = place.records(name, value.get(name))
    return next((one.get("price") for one in entries if str(one.get("period")) == str(period)), None)


def _read_csv(path: Path, wanted: Wanted, found: Found) -> Iterator[_Quote]:
    with reading_text(path) as stream:
        rows = csv.DictReader(stream)
        columns = _columns(path, rows.fieldnames or ())
        for number, row in enumerate(rows, start=1):
            cells = {name: (row[heading] or "").strip() for name, heading in columns.items()}
            yield _quote(cells, Place(str(path), number), columns, wanted)


def _columns(path: Path, headings: Sequence[str]) -> dict[str, str]:
    folded = {heading.strip().lower(): heading for heading in headings}
    found: dict[str, str] = {}
    for name, aliases in COLUMNS.items():
        for alias in aliases:
            if alias.lower() in folded:
                found.setdefault(name, folded[alias.lower()])
    for name in _NEEDED:
        if name not in found:
            raise InputError(
                f"is missing: it is called {', '.join(COLUMNS[name])}", file=str(path), field=COLUMNS[name][0]
            )
    return found


def _quote(cells: Mapping[str, str], place: Place, columns: Mapping[str, str], wanted: Wanted) -> _Quote:
    def text(name: str) -> str:
        return place.text(columns[name], cells[name])

    period = cells.get("period", "").lower()
    if period not in _HOURS:
        raise InputError(
            "is not Hour, Month or Year",
            file=place.file,
            row=place.row,
            field=columns["period"],
            value=cells["period"],
        )
    listed = cells.get("list_price")
    return _Quote(
        text("region"),
        cells.get("zone") or None,
        text("type"),
        normal_option(cells.get("option")) or ON_DEMAND,
        text("currency"),
        place.price(columns["price"], cells["price"]) / _HOURS[period],
        place.price(columns["list_price"], listed) / _HOURS[period] if listed else None,
        wanted.valid_from or place.instant("EffectiveDate", cells.get("valid_from")),
        place,
    )
