"""Histories of spot prices as JSON: of AWS and of Alibaba Cloud, told apart by their outermost name.

AWS, ``aws ec2 describe-spot-price-history``: ``SpotPriceHistory[]`` with AvailabilityZone, InstanceType,
ProductDescription (Linux/UNIX kept), SpotPrice, Timestamp; in USD, in China CNY.

Alibaba Cloud, ``DescribeSpotPriceHistory``: ``SpotPrices.SpotPriceType[]`` with ZoneId, InstanceType,
SpotPrice, OriginPrice (the list price), Timestamp; Currency stands beside.

A file is one answer or an array of answers. A price holds until the next one of its type and zone; a row
without an end is the newest. The price of an hour is their mean by seconds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.prices.json_stream import iterate_members, iterate_records, read_document
from ingest.prices.published import Found, Place, SpotPoint, Wanted, spot_rows
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import SPOT
from models.vocabulary.errors import InputError

_AWS_REGION = re.compile(r"^[a-z]{2,3}(?:-[a-z]+)+-\d+")
_ALIBABA_ZONE = re.compile(r"^(?P<region>.+?)-?[a-z]$")
_LINUX = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")
_Key = tuple[str, str, str, str]


@dataclass
class _History:
    found: Found
    wanted: Wanted
    points: dict[tuple[Any, ...], list[SpotPoint]]

    def take(self, key: _Key, point: SpotPoint) -> None:
        """Note a price of (region, zone, type, currency), or count why not."""
        region, _, type_name, _ = key
        if not self.wanted.has_region(region):
            self.found.skipped["other region"] += 1
        elif not self.wanted.has_type(type_name):
            self.found.skipped["other type"] += 1
        else:
            self.points[key].append(point)


def read_spot_history(paths: Sequence[Path], wanted: Wanted) -> Found:
    """Return histories of spot prices as rows, each until the next change.

    Raises
    ------
    InputError
        If the file is neither, or a price cannot be used (names file, row, field and value).
    """
    history = _History(Found(), wanted, defaultdict(list))
    for path in paths:
        if next(iterate_members(path, 2), ((), None))[0][:1] == ("SpotPriceHistory",):
            # A whole answer of the AWS command line may hold a million prices: they are read one by one.
            _take_aws(path, iterate_records(path, "SpotPriceHistory"), history)
            continue
        document = read_document(path)
        for number, one in enumerate(document if isinstance(document, list) else [document], start=1):
            place = Place(str(path), number)
            answer = place.mapping("", one)
            if "SpotPriceHistory" in answer:
                _take_aws(path, place.records("SpotPriceHistory", answer["SpotPriceHistory"]), history)
            elif "SpotPrices" in answer:
                _take_alibaba(path, answer, history)
            else:
                raise InputError(
                    "is no history of spot prices: it has neither SpotPriceHistory nor SpotPrices",
                    file=str(path),
                )
    history.found.rows += spot_rows(history.points, _row)
    return history.found


def _take_aws(path: Path, records: Iterable[Mapping[str, Any]], history: _History) -> None:
    for number, record in enumerate(records, start=1):
        place = Place(str(path), number)
        if record.get("ProductDescription") not in _LINUX:
            history.found.skipped["other operating system"] += 1
            continue
        zone = place.text("AvailabilityZone", record.get("AvailabilityZone"))
        region = _AWS_REGION.match(zone)
        if region is None:
            raise InputError(
                "is no zone of AWS", file=str(path), row=number, field="AvailabilityZone", value=zone
            )
        price = place.price("SpotPrice", record.get("SpotPrice"))
        key = (
            region[0],
            zone,
            place.text("InstanceType", record.get("InstanceType")),
            "CNY" if region[0].startswith("cn-") else "USD",
        )
        moment = place.instant("Timestamp", record.get("Timestamp"))
        history.take(key, SpotPoint(moment, price, price, place))


def _take_alibaba(path: Path, answer: Mapping[str, Any], history: _History) -> None:
    whole = Place(str(path), 1)
    prices = whole.mapping("SpotPrices", answer["SpotPrices"])
    records = whole.records("SpotPriceType", prices.get("SpotPriceType"))
    for number, record in enumerate(records, start=1):
        place = Place(str(path), number)
        zone = place.text("ZoneId", record.get("ZoneId"))
        found = _ALIBABA_ZONE.match(zone)
        price = place.price("SpotPrice", record.get("SpotPrice"))
        origin = record.get("OriginPrice")
        key = (
            answer.get("RegionId") or (found["region"] if found else zone),
            zone,
            place.text("InstanceType", record.get("InstanceType")),
            place.text("Currency", answer.get("Currency")),
        )
        moment = place.instant("Timestamp", record.get("Timestamp"))
        listed = price if origin is None else place.price("OriginPrice", origin)
        history.take(key, SpotPoint(moment, price, listed, place))


def _row(key: tuple[Any, ...], point: SpotPoint) -> PriceRow:
    region, zone, type_name, currency = key
    return PriceRow(
        type_name,
        currency,
        point.list_price,
        point.moment,
        region=region,
        zone=zone,
        purchase_option=SPOT,
        hourly_effective_price=None if point.price == point.list_price else point.price,
        source_file=point.place.file,
        source_row=point.place.row,
    )
