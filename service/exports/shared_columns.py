"""Columns that several formats of the chargeback file share."""

from __future__ import annotations

from models.chargeback.lines import LineKind
from service.exports import line_values as of
from service.exports.columns import Column, Kind, Value
from service.exports.line_texts import sku
from service.exports.line_values import cost_of, of_line, text, units

_CURRENCY = "BillingCurrency"


def money(name: str, value: Value, meaning: str, since: str = "1.0") -> Column:
    """Return a column of money in the currency of its row."""
    return Column(name, value, meaning, Kind.MONEY, _CURRENCY, since=since)


PAYER = (
    Column("BillingAccountId", of_line(of.account_id), "Cost centre that pays, as `cost-centre:<name>`"),
    Column(
        "BillingAccountName",
        of_line(lambda line: text(line.cost_centre, "cost centre")),
        "Cost centre that pays",
        is_nullable=True,
    ),
    Column(_CURRENCY, of_line(lambda line: line.currency), "ISO 4217 code; never added across currencies"),
    Column("BillingPeriodStart", lambda _, context: context.start, "Start of the month", Kind.INSTANT, "UTC"),
    Column(
        "BillingPeriodEnd", lambda _, context: context.end, "End of the month, exclusive", Kind.INSTANT, "UTC"
    ),
)
SUB_ACCOUNT = (
    Column("SubAccountId", of_line(of.team_id), "Team that pays, as `team:<name>`; else the kind, `(idle)`"),
    Column("SubAccountName", of_line(of.team_name), "Team that pays; else the kind, `(idle)`"),
)
CHARGE_CLASS = Column(
    "ChargeClass",
    of_line(lambda line: "Correction" if line.correction else ""),
    "`Correction` on lines that correct a closed month",
    is_nullable=True,
)
DESCRIPTION = Column("ChargeDescription", of.words, "What is charged, in words")
PERIOD = (
    Column(
        "ChargePeriodStart",
        of.charge_start,
        "Start of the billing day, or of the month where a line has no day",
        Kind.INSTANT,
        "UTC",
    ),
    Column("ChargePeriodEnd", of.charge_end, "End of it, exclusive", Kind.INSTANT, "UTC"),
)
SKU_ID = Column("SkuId", of_line(sku), "What is sold: a resource, else the kind of charge")
PRICING_QUANTITY = Column(
    "PricingQuantity",
    of.quantity,
    "Billed quantity, max(request, usage); 1 for a charge that counts nothing, -1 where it is negative",
    Kind.QUANTITY,
    "PricingUnit",
    is_nullable=True,
)
PRICING_UNIT = Column("PricingUnit", of.unit, "Unit of PricingQuantity", is_nullable=True)
BILLED = money("BilledCost", units("effective"), "What the payer is charged: EffectiveCost")
EFFECTIVE = money(
    "EffectiveCost", units("effective"), "Cost at the price really paid, commitments spread over their use"
)
CONTRACTED = money("ContractedCost", units("contracted"), "Cost at the negotiated price, without commitments")
LISTED = money("ListCost", units("list_units"), "Cost at the published price")
OWN = (
    Column("x_LineKind", of_line(lambda line: line.kind.value), "Kind of line, see docs/chargeback.md"),
    Column("x_Cluster", of_line(lambda line: line.cluster), "Cluster, or `(all clusters)`"),
    Column(
        "x_OwnershipSource",
        of_line(lambda line: line.ownership_source or ""),
        "What named the owner; `mixed` where it was not the same everywhere",
        is_nullable=True,
    ),
)
CAUSES = (
    money("x_UsedCost", units("used"), "Part of the cost that was used"),
    money("x_UnusedRequestCost", units("unused_request"), "Part that was requested and not used"),
    money("x_UnmeasuredCost", units("unmeasured"), "Part that was requested, its use not measured"),
)
IDLE = money("x_IdleCost", cost_of(LineKind.IDLE), "Capacity that nobody requested or used")
OVERHEAD = money("x_OverheadCost", cost_of(LineKind.OVERHEAD), "Capacity that nodes keep for themselves")
STATE = (
    Column(
        "x_CorrectionId",
        of_line(lambda line: line.correction or ""),
        "Correction that a line belongs to",
        is_nullable=True,
    ),
    Column(
        "x_RestatesInvoiceId",
        of_line(lambda line: line.restates or ""),
        "InvoiceId that a correction restates",
        is_nullable=True,
    ),
    Column("x_PeriodState", lambda _, context: context.period_state, "`draft`, or `closed-r<revision>`"),
    Column("x_RunId", lambda _, context: f"run-{context.run_id}", "Hash of what the file was made from"),
)


def _place(name: str, label: str, field: str, meaning: str) -> Column:
    return Column(name, of_line(lambda line: text(getattr(line, field), label)), meaning, is_nullable=True)


PLACE = (
    _place("x_Namespace", "namespace", "namespace", "Namespace that caused the charge"),
    _place("x_WorkloadKind", "kind", "workload_kind", "Deployment, StatefulSet and so on"),
    _place("x_WorkloadName", "workload", "workload_name", "Workload that caused the charge"),
    _place("x_NodePool", "pool", "node_pool", "Node pool on which the charge arose"),
    Column(
        "x_PriceSource",
        of_line(lambda line: line.provenance or ""),
        "Where the price is from",
        is_nullable=True,
    ),
)
QUANTITIES = (
    Column(
        "x_RequestQuantity",
        of.request,
        "Requested quantity",
        Kind.QUANTITY,
        "PricingUnit",
        is_nullable=True,
    ),
    Column("x_UsageQuantity", of.usage, "Measured quantity", Kind.QUANTITY, "PricingUnit", is_nullable=True),
)
TRACE = (
    Column(
        "x_Counterpart",
        of_line(lambda line: text(line.counterpart, "team")),
        "Whose cost a shared line moves: a team, `idle` or `overhead`",
        is_nullable=True,
        since="1.1",
    ),
    Column(
        "x_Reference",
        of_line(lambda line: text(line.reference, "document")),
        "Document behind a line that no node caused: of a bill or a dispute",
        is_nullable=True,
        since="1.1",
    ),
)
REPORTED = (
    Column(
        "x_PolicyVersion",
        lambda _, context: context.policy_version or "",
        "Policy for idle, overhead and shared cost: version and hash",
        is_nullable=True,
        since="1.1",
    ),
    Column(
        "x_ReportingCurrency",
        of.reporting_currency,
        "Currency of the whole statement; empty without one",
        is_nullable=True,
        since="1.1",
    ),
    Column(
        "x_ExchangeRate",
        of.exchange_rate,
        "What one unit of BillingCurrency is worth; empty on a payer's row of several rates",
        Kind.PRICE,
        "x_ReportingCurrency",
        is_nullable=True,
        since="1.1",
    ),
    Column(
        "x_ExchangeRateDate", of.exchange_date, "Day of that rate", Kind.DAY, is_nullable=True, since="1.1"
    ),
    Column(
        "x_ReportingCost",
        of.reporting_cost,
        "EffectiveCost in that currency; adds up to whole coins",
        Kind.MONEY,
        "x_ReportingCurrency",
        is_nullable=True,
        since="1.1",
    ),
)
