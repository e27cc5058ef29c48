"""Ways from a charge line to the typed values of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from models.chargeback.lines import ChargeLine, LineKind, amount
from models.vocabulary.windows import DAY, day_start
from service.exports.columns import Charge, ChargeContext, Value
from service.exports.csv_text import safe_text
from service.exports.line_texts import FILINGS, RESOURCES, description, sku

ISSUER = "Internal platform"
RATIO_UNITS = 10**12
_NANO = Decimal("1e-9")
_PICO = Decimal("1e-12")
_ONE = Decimal("1.000000000")
"""A charge that counts nothing is one unit of itself, so that quantity times price is its cost. One that
takes away is minus one unit: FOCUS wants no negative prices."""

_TOGETHER = "All charges of a payer, term by term"

LineValue = Callable[[ChargeLine], str | int | None]


def of_line(value: LineValue) -> Value:
    """Make a column's value of a function of the line alone."""
    return lambda charge, context: value(charge.line)


def constant(value: str) -> Value:
    """Return the same text on every row."""
    return lambda charge, context: value


def units(name: str) -> Value:
    """Return a level of cost in nano-units."""
    return lambda charge, context: getattr(charge.line, name)


def cost_of(*kinds: LineKind) -> Value:
    """Return the part of the effective cost that is of some kinds."""
    wanted = frozenset(kinds)
    return lambda charge, context: charge.cost_of(wanted)


@lru_cache(maxsize=1 << 16)
def text(value: str | None, label: str = "") -> str:
    """Return safe text that no reader takes for a number: a bare number gets the label before it."""
    written = safe_text(value)
    return f"{label or 'name'} {written}" if _is_number(written) else written


def _is_number(written: str) -> bool:
    try:
        float(written)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1 << 12)
def _midnight(day: date, zone_key: str) -> datetime:
    from zoneinfo import ZoneInfo

    return day_start(day, ZoneInfo(zone_key))


def charge_start(charge: Charge, context: ChargeContext) -> datetime:
    """Return when the charge begins: its billing day, or the month."""
    day = charge.line.day
    return context.start if day is None else _midnight(day, context.zone.key)


def charge_end(charge: Charge, context: ChargeContext) -> datetime:
    """Return when the charge ends; the instant itself is outside."""
    day = charge.line.day
    return context.end if day is None else _midnight(day + DAY, context.zone.key)


def words(charge: Charge, context: ChargeContext) -> str:
    """Return what is charged, in words."""
    return description(charge.line) if len(charge.terms or ()) <= 1 else _TOGETHER


def account_id(line: ChargeLine) -> str:
    """Return the cost centre that pays, as an id."""
    return safe_text(f"cost-centre:{line.cost_centre}") if line.cost_centre else "cost-centre:(none)"


def team_id(line: ChargeLine) -> str:
    """Return the team that pays, as an id; the kind in brackets where there is none."""
    return safe_text(f"team:{line.team}") if line.team else f"({line.kind})"


def team_name(line: ChargeLine) -> str:
    """Return the team that pays; the kind in brackets where there is none."""
    return text(line.team, "team") if line.team else f"({line.kind})"


@lru_cache(maxsize=1 << 10)
def _hours(seconds: float, resource: str) -> Decimal:
    return Decimal(repr(seconds / RESOURCES[resource].per_unit)).quantize(_NANO)


def hours(line: ChargeLine, seconds: float | None) -> Decimal | None:
    """Return resource-seconds in the unit the resource is sold in; None where there is none."""
    if seconds is None or line.resource not in RESOURCES:
        return None
    return _hours(seconds, line.resource)


def _sold(line: ChargeLine) -> tuple[Decimal | None, str]:
    """Return what is sold and in which unit; nothing for tax, credits and adjustments."""
    counted = hours(line, line.billed_seconds)
    if counted is not None and line.resource is not None:
        return counted, RESOURCES[line.resource].unit
    if FILINGS[line.kind].category not in ("Usage", "Purchase"):
        return None, ""
    if line.correction is not None:
        return None, "Units"
    return (-_ONE if line.effective < 0 else _ONE), "Units"


def quantity(charge: Charge, context: ChargeContext) -> Decimal | None:
    """Return the quantity that is priced."""
    return _sold(charge.line)[0]


def unit(charge: Charge, context: ChargeContext) -> str:
    """Return the unit of the quantity that is priced."""
    return _sold(charge.line)[1]


def consumed(charge: Charge, context: ChargeContext) -> Decimal | None:
    """Return the quantity that was consumed: of usage only."""
    return _sold(charge.line)[0] if FILINGS[charge.line.kind].category == "Usage" else None


def consumed_unit(charge: Charge, context: ChargeContext) -> str:
    """Return the unit of the quantity that was consumed."""
    return _sold(charge.line)[1] if FILINGS[charge.line.kind].category == "Usage" else ""


def unit_price(level: str) -> Value:
    """Return what a unit costs at a price level; a difference of two prices has none."""

    def value(charge: Charge, context: ChargeContext) -> Decimal | None:
        line = charge.line
        sold = _sold(line)[0]
        if not sold or line.correction is not None:
            return None
        return (amount(getattr(line, level)) / sold).quantize(_PICO)

    return value


def pricing_category(line: ChargeLine) -> str:
    """Return FOCUS's pricing category, of usage and purchases only."""
    return "Standard" if FILINGS[line.kind].category in ("Usage", "Purchase") else ""


def request(charge: Charge, context: ChargeContext) -> Decimal | None:
    """Return the requested quantity."""
    return hours(charge.line, charge.line.request_seconds)


def usage(charge: Charge, context: ChargeContext) -> Decimal | None:
    """Return the measured quantity."""
    return hours(charge.line, charge.line.usage_seconds)


@lru_cache(maxsize=1 << 16)
def _workload_id(cluster: str, namespace: str, kind: str, name: str) -> str:
    return safe_text("k8s://" + "/".join((cluster, namespace, kind, name)))


def workload_id(line: ChargeLine) -> str:
    """Return the workload that caused the charge; nothing for what no workload caused."""
    if line.workload_name is None:
        return ""
    return _workload_id(line.cluster, line.namespace or "", line.workload_kind or "", line.workload_name)


@lru_cache(maxsize=1 << 16)
def _json(*pairs: tuple[str, str | None]) -> str:
    known = {name: safe_text(str(value)) for name, value in pairs if value is not None}
    return json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def tags(line: ChargeLine) -> str:
    """Return the tags of the origin: cluster and node pool."""
    return _json(("cluster", line.cluster), ("node_pool", line.node_pool))


def allocated_tags(line: ChargeLine) -> str:
    """Return the tags of the allocated part; none repeats a tag of the origin."""
    return _json(
        ("team", line.team),
        ("cost_centre", line.cost_centre),
        ("namespace", line.namespace),
        ("kind", line.kind.value),
    )


def method_details(charge: Charge, context: ChargeContext) -> str:
    """Return the share of the origin charge; nothing for a line without one."""
    if charge.ratio is None:
        return ""
    line = charge.line
    parts = [f'"AllocatedRatio":{charge.ratio / RATIO_UNITS!r}']
    counted = hours(line, line.billed_seconds)
    if counted is not None and line.resource is not None:
        label = RESOURCES[line.resource].label
        parts += [f'"UsageUnit":"{label}"', f'"UsageQuantity":{float(counted)!r}']
    return f'{{"Elements":[{{{",".join(parts)}}}]}}'


def reporting_currency(charge: Charge, context: ChargeContext) -> str:
    """Return the currency of the statement; nothing where the line is not converted."""
    return "" if charge.converted is None else charge.converted.currency


def exchange_rate(charge: Charge, context: ChargeContext) -> Decimal | None:
    """Return the rate from the billing to the reporting currency, where one rate holds for the line."""
    found = None if charge.converted is None else charge.converted.rate
    return None if found is None else found.quantize(_PICO)


def exchange_date(charge: Charge, context: ChargeContext) -> date | None:
    """Return the day that the rate was quoted for."""
    return None if charge.converted is None else charge.converted.rate_day


def reporting_cost(charge: Charge, context: ChargeContext) -> int | None:
    """Return the effective cost in the reporting currency, in nano-units."""
    return None if charge.converted is None else charge.converted.units


def provider(charge: Charge, context: ChargeContext) -> str:
    """Return who runs the cluster's machines."""
    return text(_of_cluster(context.providers, charge) or ISSUER)


def region(charge: Charge, context: ChargeContext) -> str:
    """Return where the cluster runs."""
    return text(_of_cluster(context.regions, charge), "region")


def _of_cluster(known: Mapping[str, str], charge: Charge) -> str | None:
    return known.get(charge.line.cluster)


def sku_price_id(charge: Charge, context: ChargeContext) -> str:
    """Return the price: what is sold, in which month."""
    return f"{sku(charge.line)}-{context.period}"
