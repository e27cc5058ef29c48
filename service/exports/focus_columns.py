"""The FOCUS file: columns of FOCUS 1.0, the split-cost columns of 1.3, then our own."""

from __future__ import annotations

from service.exports import line_values as of
from service.exports.columns import Column, Kind
from service.exports.cost_terms import LINE_TERMS
from service.exports.csv_text import safe_text
from service.exports.line_texts import FILINGS, asset, service
from service.exports.line_values import constant, of_line, text
from service.exports.shared_columns import (
    BILLED,
    CAUSES,
    CHARGE_CLASS,
    CONTRACTED,
    DESCRIPTION,
    EFFECTIVE,
    IDLE,
    LISTED,
    OVERHEAD,
    OWN,
    PAYER,
    PERIOD,
    PLACE,
    PRICING_QUANTITY,
    PRICING_UNIT,
    QUANTITIES,
    REPORTED,
    SKU_ID,
    STATE,
    SUB_ACCOUNT,
    TRACE,
)

METHOD_ID = "millicore-by-cause-1"
"""Allocation by max(request, usage) with idle and overhead as lines of their own."""
SERVICE_NAME = "Kubernetes platform"
_COMMITMENT = "Always empty: commitments are spread over what uses them"
_ISSUER = "The platform that charges its teams"


def _empty(name: str) -> Column:
    return Column(name, constant(""), _COMMITMENT, is_nullable=True)


def _unit_price(name: str, level: str) -> Column:
    meaning = "Cost of one unit; its product with PricingQuantity is the cost. Empty on corrections"
    return Column(name, of.unit_price(level), meaning, Kind.PRICE, "BillingCurrency", is_nullable=True)


_FOCUS_1_0: tuple[Column, ...] = (
    BILLED,
    *PAYER,
    Column(
        "ChargeCategory",
        of_line(lambda line: FILINGS[line.kind].category),
        "Usage, Purchase, Tax, Credit or Adjustment",
    ),
    CHARGE_CLASS,
    DESCRIPTION,
    Column(
        "ChargeFrequency",
        of_line(lambda line: FILINGS[line.kind].frequency),
        "Usage-Based, Recurring or One-Time",
    ),
    *PERIOD,
    _empty("CommitmentDiscountCategory"),
    _empty("CommitmentDiscountId"),
    _empty("CommitmentDiscountName"),
    _empty("CommitmentDiscountStatus"),
    _empty("CommitmentDiscountType"),
    Column(
        "ConsumedQuantity",
        of.consumed,
        "PricingQuantity of usage",
        Kind.QUANTITY,
        "ConsumedUnit",
        is_nullable=True,
    ),
    Column("ConsumedUnit", of.consumed_unit, "Unit of ConsumedQuantity", is_nullable=True),
    CONTRACTED,
    _unit_price("ContractedUnitPrice", "contracted"),
    EFFECTIVE,
    Column("InvoiceId", lambda _, context: context.invoice_id, "Month and revision; `-DRAFT` while open"),
    Column("InvoiceIssuerName", constant(of.ISSUER), _ISSUER),
    LISTED,
    _unit_price("ListUnitPrice", "list_units"),
    Column("PricingCategory", of_line(of.pricing_category), "Standard, of usage and fees", is_nullable=True),
    PRICING_QUANTITY,
    PRICING_UNIT,
    Column("ProviderName", constant(of.ISSUER), _ISSUER),
    Column("PublisherName", constant(of.ISSUER), _ISSUER),
    Column("RegionId", of.region, "Region of the cluster", is_nullable=True),
    Column("RegionName", of.region, "Region of the cluster", is_nullable=True),
    Column(
        "ResourceId",
        of_line(lambda line: safe_text(asset(line)[0])),
        "What was charged: `k8s://<cluster>/<node pool, or nodes, volumes, ...>`, or `bill://<document>`",
    ),
    Column(
        "ResourceName",
        of_line(lambda line: text(line.node_pool or line.cluster, "pool")),
        "Node pool, else cluster",
    ),
    Column("ResourceType", of_line(lambda line: asset(line)[1]), "Type of what was charged"),
    Column("ServiceCategory", of_line(lambda line: service(line)[0]), "Closed list of FOCUS, by resource"),
    Column("ServiceName", constant(SERVICE_NAME), "Name of the service"),
    Column("ServiceSubcategory", of_line(lambda line: service(line)[1]), "Closed list of FOCUS, by resource"),
    SKU_ID,
    Column("SkuPriceId", of.sku_price_id, "SkuId and month"),
    *SUB_ACCOUNT,
    Column("Tags", of_line(of.tags), "Cluster and node pool", Kind.JSON),
)
_FOCUS_1_3 = (
    Column("ServiceProviderName", constant(of.ISSUER), _ISSUER),
    Column("HostProviderName", of.provider, "Who runs the machines of the cluster"),
    Column("AllocatedMethodId", constant(METHOD_ID), "Name of the allocation rule"),
    Column(
        "AllocatedMethodDetails",
        of.method_details,
        "AllocatedRatio: share of the origin charge; shares of an origin add up to 1",
        Kind.JSON,
        is_nullable=True,
    ),
    Column(
        "AllocatedResourceId",
        of_line(of.workload_id),
        "Workload that caused the charge; empty for what no workload caused",
        is_nullable=True,
    ),
    Column(
        "AllocatedResourceName",
        of_line(lambda line: text(line.workload_name, "workload")),
        "Name of that workload",
        is_nullable=True,
    ),
    Column("AllocatedTags", of_line(of.allocated_tags), "Team, cost centre, namespace, kind", Kind.JSON),
)

FOCUS_COLUMNS: tuple[Column, ...] = (
    *_FOCUS_1_0,
    *_FOCUS_1_3,
    *OWN,
    *PLACE,
    *CAUSES,
    IDLE,
    OVERHEAD,
    *QUANTITIES,
    *STATE,
    *LINE_TERMS,
    *TRACE,
    *REPORTED,
)
