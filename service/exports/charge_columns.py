"""Columns of the chargeback files: each name stands beside the way to its value.

Names, units and closed values are those of FOCUS 1.0 with the split-cost columns of 1.3; our own begin with
``x_``. Texts are made safe for spreadsheets where they are written, numbers always carry a point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.chargeback.lines import ChargeLine, LineKind, amount
from models.vocabulary.money import minor_digits
from models.vocabulary.windows import DAY, day_start
from service.exports.csv_text import safe_text

METHOD_ID = "millicore-by-cause-1"
"""Allocation by max(request, usage) with idle and overhead as lines of their own."""
ISSUER = "Internal platform"
SERVICE_NAME = "Kubernetes platform"

_GIB_SECONDS = float(1 << 30) * 3600
_RESOURCES = {
    "cpu": ("Core-Hours", 3600.0, "k8s-cpu-core-hour", "CPU"),
    "memory": ("GiB-Hours", _GIB_SECONDS, "k8s-memory-gib-hour", "Memory"),
    "gpu": ("GPU-Hours", 3600.0, "k8s-gpu-hour", "GPU"),
}
_NO_RESOURCE = ("Units", 1.0, "k8s-rounding", "Rounding")


@dataclass(frozen=True)
class ChargeContext:
    """What all lines of a file share.

    Parameters
    ----------
    period : str
        Month, ``2026-10``.
    start, end : datetime
        Its bounds in UTC.
    zone : ZoneInfo
        The billing zone.
    state : str
        ``open`` makes a draft.
    revision : int
        Which close of the month it is; 0 for a draft.
    run_id : str
        Hash of everything the file was made from.
    providers, regions : mapping of str to str
        By cluster.
    ratios : mapping of int to str
        Share of its origin charge by ``id(line)``; origins are a cluster's node bill of a day.
    """

    period: str
    start: datetime
    end: datetime
    zone: ZoneInfo
    state: str
    run_id: str
    providers: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)
    ratios: Mapping[int, str] = field(default_factory=dict)
    revision: int = 0

    @property
    def invoice_id(self) -> str:
        """Name of the invoice; an open period has a draft."""
        return f"{self.period}-r{self.revision}" if self.revision else f"{self.period}-DRAFT"

    @property
    def period_state(self) -> str:
        """``draft``, or which close of the month the file shows."""
        return f"closed-r{self.revision}" if self.revision else "draft"


Value = Callable[[ChargeLine, ChargeContext], str]


@dataclass(frozen=True)
class Column:
    """A column: its name and how a line's value is written."""

    name: str
    value: Value


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


def instant(moment: datetime) -> str:
    """Return an instant as FOCUS wants it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def decimal(value: Decimal) -> str:
    """Return a decimal with a point, never in exponent form."""
    written = format(value, "f")
    return written if "." in written else f"{written}.0"


def money(units: int) -> str:
    """Return nano-units with nine decimals."""
    return decimal(amount(units))


def coins(units: int, currency: str) -> str:
    """Return nano-units, already rounded, with the decimals of the currency."""
    return format(amount(units).quantize(Decimal(1).scaleb(-minor_digits(currency))), "f")


def _charge_start(line: ChargeLine, context: ChargeContext) -> str:
    return instant(context.start if line.day is None else day_start(line.day, context.zone))


def _charge_end(line: ChargeLine, context: ChargeContext) -> str:
    return instant(context.end if line.day is None else day_start(line.day + DAY, context.zone))


def _account_id(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return safe_text(f"cost-centre:{line.cost_centre}") if line.cost_centre else "cost-centre:(none)"


def _team_id(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return safe_text(f"team:{line.team}") if line.team else f"({line.kind})"


def _team_name(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return text(line.team, "team") if line.team else f"({line.kind})"


_DESCRIPTIONS = {
    LineKind.TEAM: "Kubernetes workloads: used and requested",
    LineKind.UNOWNED: "Kubernetes workloads: share that ownership rules leave to nobody",
    LineKind.IDLE: "Capacity that nobody requested or used",
    LineKind.OVERHEAD: "Capacity that nodes keep for themselves",
    LineKind.ROUNDING: "Rounding to whole coins",
}


def _description(line: ChargeLine, context: ChargeContext) -> str:
    del context
    unit = _RESOURCES[line.resource][3] if line.resource in _RESOURCES else ""
    correction = f"Correction of {line.restates}: " if line.correction else ""
    return f"{correction}{_DESCRIPTIONS[line.kind]}{f' ({unit})' if unit else ''}"


def _resource(line: ChargeLine) -> tuple[str, float, str, str]:
    return _RESOURCES.get(line.resource or "", _NO_RESOURCE)


def _hours(line: ChargeLine, seconds: float | None) -> Decimal | None:
    if seconds is None or line.resource is None:
        return None
    return Decimal(repr(seconds / _resource(line)[1])).quantize(Decimal("1e-9"))


def _quantity(line: ChargeLine, context: ChargeContext) -> str:
    del context
    hours = _hours(line, line.billed_seconds)
    return "" if hours is None else decimal(hours)


def _unit_price(level: str) -> Value:
    def value(line: ChargeLine, context: ChargeContext) -> str:
        del context
        hours = _hours(line, line.billed_seconds)
        if not hours or line.correction is not None:  # a difference of two prices has no price
            return ""
        return decimal((amount(getattr(line, level)) / hours).quantize(Decimal("1e-12")))

    return value


def _usage(line: ChargeLine, context: ChargeContext) -> str:
    del context
    hours = _hours(line, line.usage_seconds)
    return "" if hours is None else decimal(hours)


def _request(line: ChargeLine, context: ChargeContext) -> str:
    del context
    hours = _hours(line, line.request_seconds)
    return "" if hours is None else decimal(hours)


def _workload_id(line: ChargeLine, context: ChargeContext) -> str:
    del context
    if line.workload_name is None:
        return ""
    parts = (line.cluster, line.namespace or "", line.workload_kind or "", line.workload_name)
    return safe_text("k8s://" + "/".join(parts))


def _tags(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return _json({"cluster": line.cluster, "node_pool": line.node_pool})


def _allocated_tags(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return _json(
        {"team": line.team, "cost_centre": line.cost_centre, "namespace": line.namespace, "kind": line.kind}
    )


def _method_details(line: ChargeLine, context: ChargeContext) -> str:
    if line.kind is LineKind.ROUNDING or line.correction is not None:
        return ""  # a correction is no part of an origin charge of this period
    hours = _hours(line, line.billed_seconds)
    element: dict[str, object] = {"AllocatedRatio": float(context.ratios.get(id(line), "0"))}
    if hours is not None:
        element |= {"UsageUnit": _resource(line)[3], "UsageQuantity": float(hours)}
    return json.dumps({"Elements": [element]}, separators=(",", ":"))


def _json(values: Mapping[str, str | None]) -> str:
    known = {name: safe_text(str(value)) for name, value in values.items() if value is not None}
    return json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _constant(value: str) -> Value:
    return lambda line, context: value


def _units(name: str) -> Value:
    return lambda line, context: money(getattr(line, name))


def _coins(name: str) -> Value:
    return lambda line, context: coins(getattr(line, name), line.currency)


def _idle(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return money(line.effective if line.kind is LineKind.IDLE else 0)


def _overhead(line: ChargeLine, context: ChargeContext) -> str:
    del context
    return money(line.effective if line.kind is LineKind.OVERHEAD else 0)


_PAYER = (
    Column("BillingAccountId", _account_id),
    Column("BillingAccountName", lambda line, _: text(line.cost_centre, "cost centre")),
    Column("BillingCurrency", lambda line, _: line.currency),
    Column("BillingPeriodStart", lambda _, context: instant(context.start)),
    Column("BillingPeriodEnd", lambda _, context: instant(context.end)),
)
_CHARGE_CLASS = Column("ChargeClass", lambda line, _: "Correction" if line.correction else "")
_SUB_ACCOUNT = (Column("SubAccountId", _team_id), Column("SubAccountName", _team_name))
_OWN = (
    Column("x_LineKind", lambda line, _: line.kind.value),
    Column("x_Cluster", lambda line, _: line.cluster),
    Column("x_OwnershipSource", lambda line, _: line.ownership_source or ""),
)
_STATE = (
    Column("x_CorrectionId", lambda line, _: line.correction or ""),
    Column("x_RestatesInvoiceId", lambda line, _: line.restates or ""),
    Column("x_PeriodState", lambda _, context: context.period_state),
    Column("x_RunId", lambda _, context: f"run-{context.run_id}"),
)

SUMMARY_COLUMNS: tuple[Column, ...] = (
    *_PAYER,
    *_SUB_ACCOUNT,
    _CHARGE_CLASS,
    Column("ChargeDescription", _description),
    Column("BilledCost", _coins("effective")),
    Column("EffectiveCost", _coins("effective")),
    Column("ContractedCost", _coins("contracted")),
    Column("ListCost", _coins("list_units")),
    *_OWN,
    Column("x_UsedCost", _coins("used")),
    Column("x_UnusedRequestCost", _coins("unused_request")),
    Column("x_UnmeasuredCost", _coins("unmeasured")),
    Column("x_AssumedCost", _coins("assumed")),
    *_STATE,
)

_PLACE = (
    Column("x_Namespace", lambda line, _: text(line.namespace, "namespace")),
    Column("x_WorkloadKind", lambda line, _: text(line.workload_kind, "kind")),
    Column("x_WorkloadName", lambda line, _: text(line.workload_name, "workload")),
    Column("x_NodePool", lambda line, _: text(line.node_pool, "pool")),
    Column("x_PriceSource", lambda line, _: line.provenance or ""),
)
_CAUSES = (
    Column("x_UsedCost", _units("used")),
    Column("x_UnusedRequestCost", _units("unused_request")),
    Column("x_UnmeasuredCost", _units("unmeasured")),
    Column("x_IdleCost", _idle),
    Column("x_OverheadCost", _overhead),
    Column("x_RequestQuantity", _request),
    Column("x_UsageQuantity", _usage),
)

DETAIL_COLUMNS: tuple[Column, ...] = (
    *_PAYER,
    *_SUB_ACCOUNT,
    Column("ChargePeriodStart", _charge_start),
    Column("ChargePeriodEnd", _charge_end),
    _CHARGE_CLASS,
    Column("ChargeDescription", _description),
    Column("SkuId", lambda line, _: _resource(line)[2]),
    Column("PricingQuantity", _quantity),
    Column("PricingUnit", lambda line, _: _resource(line)[0]),
    Column("BilledCost", _units("effective")),
    Column("EffectiveCost", _units("effective")),
    Column("ContractedCost", _units("contracted")),
    Column("ListCost", _units("list_units")),
    *_OWN,
    *_PLACE,
    *_CAUSES,
    *_STATE,
)

FOCUS_COLUMNS: tuple[Column, ...] = (
    Column("BilledCost", _units("effective")),
    *_PAYER,
    Column("ChargeCategory", lambda line, _: "Adjustment" if line.kind is LineKind.ROUNDING else "Usage"),
    _CHARGE_CLASS,
    Column("ChargeDescription", _description),
    Column(
        "ChargeFrequency", lambda line, _: "One-Time" if line.kind is LineKind.ROUNDING else "Usage-Based"
    ),
    Column("ChargePeriodStart", _charge_start),
    Column("ChargePeriodEnd", _charge_end),
    Column("CommitmentDiscountCategory", _constant("")),
    Column("CommitmentDiscountId", _constant("")),
    Column("CommitmentDiscountName", _constant("")),
    Column("CommitmentDiscountStatus", _constant("")),
    Column("CommitmentDiscountType", _constant("")),
    Column("ConsumedQuantity", _quantity),
    Column("ConsumedUnit", lambda line, _: _resource(line)[0]),
    Column("ContractedCost", _units("contracted")),
    Column("ContractedUnitPrice", _unit_price("contracted")),
    Column("EffectiveCost", _units("effective")),
    Column("InvoiceId", lambda _, context: context.invoice_id),
    Column("InvoiceIssuerName", _constant(ISSUER)),
    Column("ListCost", _units("list_units")),
    Column("ListUnitPrice", _unit_price("list_units")),
    Column("PricingCategory", _constant("Standard")),
    Column("PricingQuantity", _quantity),
    Column("PricingUnit", lambda line, _: _resource(line)[0]),
    Column("ProviderName", _constant(ISSUER)),
    Column("PublisherName", _constant(ISSUER)),
    Column("RegionId", lambda line, context: text(context.regions.get(line.cluster), "region")),
    Column("RegionName", lambda line, context: text(context.regions.get(line.cluster), "region")),
    Column("ResourceId", lambda line, _: safe_text(f"k8s://{line.cluster}/{line.node_pool or 'nodes'}")),
    Column("ResourceName", lambda line, _: text(line.node_pool or line.cluster, "pool")),
    Column("ResourceType", _constant("Kubernetes Node Pool")),
    Column("ServiceCategory", _constant("Compute")),
    Column("ServiceName", _constant(SERVICE_NAME)),
    Column("ServiceSubcategory", _constant("Containers")),
    Column("SkuId", lambda line, _: _resource(line)[2]),
    Column("SkuPriceId", lambda line, context: f"{_resource(line)[2]}-{context.period}"),
    *_SUB_ACCOUNT,
    Column("Tags", _tags),
    Column("ServiceProviderName", _constant(ISSUER)),
    Column("HostProviderName", lambda line, context: text(context.providers.get(line.cluster) or ISSUER)),
    Column("AllocatedMethodId", _constant(METHOD_ID)),
    Column("AllocatedMethodDetails", _method_details),
    Column("AllocatedResourceId", _workload_id),
    Column("AllocatedResourceName", lambda line, _: text(line.workload_name, "workload")),
    Column("AllocatedTags", _allocated_tags),
    *_OWN,
    *_PLACE,
    *_CAUSES,
    *_STATE,
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "summary": SUMMARY_COLUMNS,
    "detail": DETAIL_COLUMNS,
    "focus": FOCUS_COLUMNS,
}
