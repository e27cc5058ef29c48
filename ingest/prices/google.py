"""Price lists of Google Cloud: SKUs of the Cloud Billing Catalog API as JSON.

Read are of each of ``skus``: description, category.usageType, serviceRegions, and of the newest of
pricingInfo effectiveTime and pricingExpression with usageUnit and tieredRates (unitPrice.units, nanos,
currencyCode).

Cores and memory are priced per family ("N2 Instance Core running in ...", "N2 Instance Ram running in ...");
a machine type costs cores x core price + GiB x memory price, and is split by these. Kept are on-demand, spot
and one term of committed use ("Commitment v1: N2 Cpu in ... for 1 Year", effective price beside the on-demand
list price), persistent disks by GiB, forwarding rules and the fee of GKE clusters. Machine types with GPUs or
local disks are not composed: their price is more than cores and memory.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from ingest.prices.google_machines import MACHINES, Machine
from ingest.prices.json_stream import iterate_records
from ingest.prices.published import HOURS_PER_MONTH, Found, Place, Wanted
from models.pricing.price_list import PriceRow
from models.pricing.purchase_options import ON_DEMAND, RESERVED, SPOT
from models.vocabulary.errors import InputError

_NANO = Decimal("1e-9")
_FAMILY = r"(?P<family>Compute optimized|[A-Z]\d[A-Z]?)"
_RUNNING = re.compile(
    rf"^(?P<spot>(?:Spot )?Preemptible )?{_FAMILY}(?: (?:AMD|Arm|Predefined))?(?: Instance)? "
    r"(?P<part>Core|Ram) running in "
)
_COMMITTED = re.compile(
    rf"^Commitment(?: v\d)?: (?:{_FAMILY}(?: (?:AMD|Arm))? )?(?P<part>Cpu|Core|Ram) in .+ "
    r"for (?P<years>\d) Years?$"
)
_ASSETS = (
    (re.compile(r"^Storage PD Capacity(?: in .+)?$"), "volume", "pd-standard"),
    (re.compile(r"^SSD backed PD Capacity(?: in .+)?$"), "volume", "pd-ssd"),
    (re.compile(r"^Balanced PD Capacity(?: in .+)?$"), "volume", "pd-balanced"),
    (re.compile(r"^Network Load Balancing: Forwarding Rule Minimum"), "load_balancer", "forwarding_rule"),
    (re.compile(r"^Regional Kubernetes Clusters$"), "control_plane", "gke"),
)
_UNITS = {"h": Decimal(1), "GiBy.h": Decimal(1), "GBy.h": Decimal(1), "GiBy.mo": HOURS_PER_MONTH}
_WITHOUT_REGION = "global"


class _Part(NamedTuple):
    """A component of machine types: cores or memory of a family, bought in one way."""

    family: str
    region: str
    option: str
    resource: str


@dataclass(frozen=True)
class _Price:
    hourly: Decimal
    currency: str
    starts_at: datetime
    unit: str
    place: Place


def read_google(
    paths: Sequence[Path], wanted: Wanted, machines: Mapping[str, Machine] | None = None
) -> Found:
    """Return the prices of lists of SKUs.

    Parameters
    ----------
    paths : sequence of Path
    wanted : Wanted
    machines : mapping of str to Machine, optional
        Machine types beside those that are built in.

    Raises
    ------
    InputError
        If a file is of another format, or a price cannot be used (names file, row, field and value).
    """
    found = Found()
    parts: dict[_Part, _Price] = {}
    for path in paths:
        for number, sku in enumerate(iterate_records(path, "skus"), start=1):
            place = Place(str(path), number)
            what = _classify(sku, wanted, place)
            if isinstance(what, str):
                found.skipped[what] += 1
                continue
            price = _price(sku, wanted, place)
            if price is None:
                found.skipped["price of 0"] += 1
                continue
            for region in _regions(sku, wanted, found):
                if len(what) == 3:
                    part = _Part(what[0], region, what[1], what[2])
                    found.skipped["another SKU of the same component"] += part in parts
                    parts.setdefault(part, price)
                else:
                    found.rows.append(_asset_row(what, region, price))
    found.skipped = +found.skipped
    found.rows += _machine_rows(parts, {**MACHINES, **(machines or {})}, wanted)
    return found


def _classify(
    sku: Mapping[str, Any], wanted: Wanted, place: Place
) -> tuple[str, str, str] | tuple[str, str] | str:
    """Return family, option and resource of a component, kind and type of an asset, or why it is neither."""
    description = str(sku.get("description", ""))
    usage = place.mapping("category", sku.get("category")).get("usageType")
    if found := _RUNNING.match(description):
        option = SPOT if found["spot"] or usage == "Preemptible" else ON_DEMAND
        return _family(found), option, "cpu" if found["part"] == "Core" else "memory"
    if found := _COMMITTED.match(description):
        if int(found["years"]) != wanted.term_years:
            return "other term"
        return _family(found), RESERVED, "memory" if found["part"] == "Ram" else "cpu"
    for pattern, kind, name in _ASSETS:
        if usage == "OnDemand" and pattern.match(description):
            return kind, name
    return "other product"


def _family(found: re.Match[str]) -> str:
    name = found["family"]
    return "c2" if name == "Compute optimized" else "n1" if name is None else name.lower()


def _price(sku: Mapping[str, Any], wanted: Wanted, place: Place) -> _Price | None:
    """Return the first price above 0 of a SKU's newest pricing, None where all of it is free."""
    infos = place.records("pricingInfo", sku.get("pricingInfo"))
    if not infos:
        raise InputError("is missing", file=place.file, row=place.row, field="pricingInfo")
    newest = infos[-1]
    expression = place.mapping("pricingExpression", newest.get("pricingExpression"))
    unit = place.text("usageUnit", expression.get("usageUnit"))
    if unit not in _UNITS:
        raise InputError("is no unit by hour", file=place.file, row=place.row, field="usageUnit", value=unit)
    for rate in place.records("tieredRates", expression.get("tieredRates")):
        price = place.mapping("unitPrice", rate.get("unitPrice"))
        amount = place.price("unitPrice.units", price.get("units") or 0)
        amount += place.price("unitPrice.nanos", price.get("nanos") or 0) * _NANO
        if amount > 0:
            currency = place.text("unitPrice.currencyCode", price.get("currencyCode"))
            start = wanted.valid_from or place.instant("effectiveTime", newest.get("effectiveTime"))
            return _Price(amount / _UNITS[unit], currency, start, unit, place)
    return None


def _regions(sku: Mapping[str, Any], wanted: Wanted, found: Found) -> Iterator[str]:
    for region in sku.get("serviceRegions") or ():
        if region == _WITHOUT_REGION or wanted.has_region(region):
            yield region
        else:
            found.skipped["other region"] += 1


def _asset_row(what: tuple[str, str], region: str, price: _Price) -> PriceRow:
    kind, name = what
    return PriceRow(
        name,
        price.currency,
        price.hourly,
        price.starts_at,
        asset_kind=kind,
        region=None if region == _WITHOUT_REGION else region,
        unit="gib_hour" if price.unit.startswith("G") else "hour",
        source_file=price.place.file,
        source_row=price.place.row,
    )


def _machine_rows(
    parts: Mapping[_Part, _Price], machines: Mapping[str, Machine], wanted: Wanted
) -> list[PriceRow]:
    by_family = defaultdict(list)
    for name in sorted(machines):
        if wanted.has_type(name):
            by_family[name.partition("-")[0]].append(name)
    rows: list[PriceRow] = []
    for part in sorted(parts):
        prices = _pair(parts, part)
        listed = _pair(parts, part._replace(option=ON_DEMAND))
        if part.resource != "cpu" or prices is None or (part.option == RESERVED and listed is None):
            continue
        base = listed if part.option == RESERVED else None
        rows += [_machine_row(name, machines[name], part, prices, base) for name in by_family[part.family]]
    return rows


def _pair(parts: Mapping[_Part, _Price], part: _Part) -> tuple[_Price, _Price] | None:
    """Return the prices of cores and memory of a family, None where one of them is missing."""
    cpu, memory = (parts.get(part._replace(resource=name)) for name in ("cpu", "memory"))
    return None if cpu is None or memory is None else (cpu, memory)


def _machine_row(
    name: str,
    machine: Machine,
    part: _Part,
    prices: tuple[_Price, _Price],
    listed: tuple[_Price, _Price] | None,
) -> PriceRow:
    """Compose the price of a machine type; ``listed`` are the on-demand prices beside an agreed one."""
    cpu, memory = prices
    price = _composed(machine, cpu, memory)
    return PriceRow(
        name,
        cpu.currency,
        price if listed is None else _composed(machine, *listed),
        max(cpu.starts_at, memory.starts_at),
        region=part.region,
        purchase_option=part.option,
        hourly_effective_price=None if listed is None else price,
        cpu_core_hourly_price=cpu.hourly,
        memory_gib_hourly_price=memory.hourly,
        source_file=cpu.place.file,
        source_row=cpu.place.row,
    )


def _composed(machine: Machine, cpu: _Price, memory: _Price) -> Decimal:
    return machine.vcpu_count * cpu.hourly + machine.memory_gib * memory.hourly
