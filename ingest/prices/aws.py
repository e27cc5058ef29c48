"""Price lists of AWS: the bulk offer files of EC2, EKS, ECS and load balancers, CSV or JSON.

Files of the Price List Bulk API (``index.csv``, ``index.json``; one region or all). Names of columns (CSV)
and of attributes (JSON) are compared without case, blanks and punctuation: ``Pre Installed S/W`` is
``preInstalledSw``. Read are: SKU, TermType, EffectiveDate, StartingRange, Unit, PricePerUnit, Currency,
LeaseContractLength, PurchaseOption, OfferingClass, Product Family, Location Type, Region Code, Instance Type,
Tenancy, Operating System, Pre Installed S/W, CapacityStatus, License Model, MarketOption, Volume API Name,
usageType.

Kept are Linux instances of shared tenancy without further software, EBS volumes by GiB, load balancers by
hour, EKS control planes and Fargate by vCPU and GB. A reservation has the on-demand price as list price and,
as effective price, its hourly price plus the upfront fee over the hours of its term (8,760 a year).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ingest.files.text_files import reading_text
from ingest.prices.json_stream import iterate_members
from ingest.prices.published import HOURS_PER_MONTH, HOURS_PER_YEAR, Found, Place, Wanted
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import ON_DEMAND, RESERVED, SERVERLESS
from models.vocabulary.errors import InputError

_METADATA_ROWS = 5
_NODE_FAMILIES = ("Compute Instance", "Compute Instance (bare metal)")
_PLAIN_NODE = {
    "tenancy": "Shared",
    "operatingsystem": "Linux",
    "preinstalledsw": "NA",
    "capacitystatus": "Used",
}
_USAGE = (
    (re.compile(r"EBS:VolumeUsage"), "volume"),
    (re.compile(r"(^|-)LoadBalancerUsage$"), "load_balancer"),
    (re.compile(r"(^|-)AmazonEKS-Hours:perCluster$"), "control_plane"),
    (re.compile(r"(^|-)Fargate-vCPU-Hours:perCPU$"), "fargate_cpu"),
    (re.compile(r"(^|-)Fargate-GB-Hours$"), "fargate_memory"),
)


class _Product(NamedTuple):
    """What a SKU is: an asset kind (or a part of Fargate), its type and its region."""

    kind: str
    type_name: str | None
    region: str


@dataclass
class _Terms:
    """What is known of a SKU's prices."""

    product: _Product
    place: Place
    currency: str = ""
    effective_from: datetime | None = None
    on_demand: Decimal | None = None
    reserved: dict[str, Decimal] = field(default_factory=dict)


def read_aws(paths: Sequence[Path], wanted: Wanted) -> Found:
    """Return the prices of offer files.

    Raises
    ------
    InputError
        If the file is of another format, or a price cannot be used (names file, row, field and value).
    """
    found = Found()
    known: dict[str, _Terms] = {}
    for path in paths:
        reader = _read_json if ".json" in path.suffixes else _read_csv
        for sku, product, term, place in reader(path):
            terms = known.get(sku) or _start(product, wanted, found, place)
            if terms is None:
                continue
            known[sku] = terms
            if term:
                _take(terms, term, wanted, found, place)
    found.rows += _rows(list(known.values()), wanted)
    return found


_Record = tuple[str, Mapping[str, Any] | None, Mapping[str, Any], Place]
"""SKU, attributes of the product (None where they do not stand here), one price of a term, place."""


def _folded(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read_csv(path: Path) -> Iterator[_Record]:
    with reading_text(path) as stream:
        rows = csv.reader(stream)
        for _ in range(_METADATA_ROWS):
            next(rows, None)
        names = [_folded(name) for name in next(rows, [])]
        if "sku" not in names or "priceperunit" not in names:
            raise InputError(
                "is no offer file of AWS: its sixth line has no columns SKU and PricePerUnit", file=str(path)
            )
        for number, cells in enumerate(rows, start=1):
            row = dict(zip(names, cells, strict=False))
            if row.get("sku"):
                yield row["sku"], row, row, Place(str(path), number)


def _read_json(path: Path) -> Iterator[_Record]:
    """Yield products first and then their terms, as the file holds them."""
    number = 0
    is_offer = False
    for place_in_file, members in groupby(iterate_members(path, 3), key=lambda member: member[0][:2]):
        section = place_in_file[0]
        if section == "products" and len(place_in_file) == 2:
            is_offer = True
            number += 1
            product: dict[str, Any] = {}
            for names, value in members:
                product.update(_attributes(names[-1], value))
            yield place_in_file[1], product, {}, Place(str(path), number)
        elif section == "terms":
            for names, value in members:
                number += 1
                place = Place(str(path), number)
                for term in _dimensions(names[1], value, place) if len(names) == 3 else ():
                    yield names[2], None, term, place
    if not is_offer:
        raise InputError("is no offer file of AWS: it has no products", file=str(path))


def _attributes(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {_folded(key): text for key, text in value.items()}
    return {_folded(name): value}


def _dimensions(term_type: str, offers: Any, place: Place) -> Iterator[dict[str, Any]]:
    for one in place.mapping("terms", offers).values():
        offer = place.mapping("terms", one)
        general = {
            "termtype": term_type,
            "effectivedate": offer.get("effectiveDate"),
            **_attributes("", dict(place.mapping("termAttributes", offer.get("termAttributes")))),
        }
        for entry in place.mapping("priceDimensions", offer.get("priceDimensions")).values():
            rate = place.mapping("priceDimensions", entry)
            for currency, price in place.mapping("pricePerUnit", rate.get("pricePerUnit")).items():
                yield {
                    **general,
                    "unit": rate.get("unit"),
                    "startingrange": rate.get("beginRange", "0"),
                    "priceperunit": price,
                    "currency": currency,
                }


def _start(attributes: Mapping[str, Any] | None, wanted: Wanted, found: Found, place: Place) -> _Terms | None:
    """Return what to fill for a SKU seen first, None where it is passed over."""
    if attributes is None:
        return None  # a term of a product that was passed over
    what = _classify(attributes)
    if isinstance(what, str):
        found.skipped[what] += 1
        return None
    region = place.text("Region Code", attributes.get("regioncode"))
    if not wanted.has_region(region):
        found.skipped["other region"] += 1
        return None
    if what[0] == "node" and not wanted.has_type(what[1]):
        found.skipped["other type"] += 1
        return None
    return _Terms(_Product(*what, region), place)


def _classify(row: Mapping[str, Any]) -> tuple[str, str | None] | str:
    """Return asset kind and type of a product, or why it is passed over."""
    if row.get("locationtype") != "AWS Region":
        return "not in a region"
    if row.get("productfamily") in _NODE_FAMILIES:
        return _node(row)
    usage = str(row.get("usagetype", ""))
    kind = next((kind for pattern, kind in _USAGE if pattern.search(usage)), None)
    if kind == "volume" and row.get("productfamily") == "Storage" and row.get("volumeapiname"):
        return kind, str(row["volumeapiname"])
    if kind == "load_balancer":
        return kind, str(row.get("productfamily", "")).partition("-")[2].lower() or "classic"
    if kind == "control_plane":
        return kind, "eks"
    return (kind, None) if kind in ("fargate_cpu", "fargate_memory") else "other product"


def _node(row: Mapping[str, Any]) -> tuple[str, str | None] | str:
    is_plain = all(row.get(name) == value for name, value in _PLAIN_NODE.items())
    if not is_plain or row.get("licensemodel", "No License required") != "No License required":
        return "other operating system, tenancy or software"
    if row.get("marketoption") not in (None, "", "OnDemand"):
        return "capacity block"
    return "node", str(row.get("instancetype"))


def _take(terms: _Terms, term: Mapping[str, Any], wanted: Wanted, found: Found, place: Place) -> None:
    """Note one price of a kept SKU."""
    if term.get("startingrange") not in (None, "", "0"):
        found.skipped["higher tier"] += 1
        return
    price = place.price("PricePerUnit", term.get("priceperunit"))
    if term.get("termtype") == "OnDemand":
        if price == 0:
            found.skipped["price of 0"] += 1
            return
        terms.on_demand, terms.place = price, place
        terms.currency = place.text("Currency", term.get("currency"))
        terms.effective_from = place.instant("EffectiveDate", term.get("effectivedate"))
    elif _is_wanted_term(term, wanted):
        terms.reserved["upfront" if term.get("unit") == "Quantity" else "hourly"] = price
    else:
        found.skipped["other term"] += 1


def _is_wanted_term(term: Mapping[str, Any], wanted: Wanted) -> bool:
    chosen = (f"{wanted.term_years}yr", wanted.offering_class, wanted.payment)
    return (
        tuple(term.get(name) for name in ("leasecontractlength", "offeringclass", "purchaseoption")) == chosen
    )


def _rows(known: list[_Terms], wanted: Wanted) -> Iterator[PriceRow]:
    fargate: dict[str, dict[str, _Terms]] = {}
    for terms in sorted(known, key=lambda one: tuple(str(part) for part in one.product)):
        kind, _, region = terms.product
        if terms.on_demand is None:
            continue
        if kind.startswith("fargate"):
            fargate.setdefault(region, {})[kind] = terms
            continue
        yield _row(terms, terms.on_demand, wanted)
        if terms.reserved and kind == "node":
            yield _row(terms, terms.on_demand, wanted, _effective(terms.reserved, wanted))
    for parts in fargate.values():
        if len(parts) == 2:
            yield _serverless(parts["fargate_cpu"], parts["fargate_memory"], wanted)


def _effective(reserved: Mapping[str, Decimal], wanted: Wanted) -> Decimal:
    hours = HOURS_PER_YEAR * wanted.term_years
    return reserved.get("hourly", Decimal(0)) + reserved.get("upfront", Decimal(0)) / hours


def _row(terms: _Terms, price: Decimal, wanted: Wanted, effective: Decimal | None = None) -> PriceRow:
    kind, type_name, region = terms.product
    is_volume, is_node = kind == "volume", kind == "node"
    start = wanted.valid_from or terms.effective_from
    assert start is not None
    return PriceRow(
        type_name,
        terms.currency,
        price / HOURS_PER_MONTH if is_volume else price,
        start,
        asset_kind=kind,
        region=region,
        purchase_option=(ON_DEMAND if effective is None else RESERVED) if is_node else None,
        unit="gib_hour" if is_volume else "hour",
        hourly_effective_price=effective,
        source_file=terms.place.file,
        source_row=terms.place.row,
    )


def _serverless(cpu: _Terms, memory: _Terms, wanted: Wanted) -> PriceRow:
    start = wanted.valid_from or cpu.effective_from
    assert start is not None
    return PriceRow(
        None,
        cpu.currency,
        Decimal(0),
        start,
        region=cpu.product.region,
        purchase_option=SERVERLESS,
        cpu_core_hourly_price=cpu.on_demand,
        memory_gib_hourly_price=memory.on_demand,
        source_file=cpu.place.file,
        source_row=cpu.place.row,
    )
