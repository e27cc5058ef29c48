"""Where a bill line can end, and the groups of alike lines that are sorted together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Bucket(StrEnum):
    """Where a bill line ends: in exactly one of these."""

    CLUSTER = "cluster"
    OUT_OF_CLUSTER = "out_of_cluster"
    COMMITMENT_PURCHASE = "commitment_purchase"
    UNUSED_COMMITMENT = "unused_commitment"
    TAX = "tax"
    SUPPORT = "support"
    CREDIT = "credit"
    REFUND = "refund"
    OUT_OF_SCOPE = "out_of_scope"


CHARGE_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Refund", "Discount", "Adjustment")
"""The categories of FOCUS, and two that providers' own bills tell apart: refunds, and discounts that stand in
lines of their own."""


@dataclass(frozen=True)
class LineGroup:
    """Lines of one month that differ in time and amount only, added up exactly.

    Parameters
    ----------
    provider, account, region, service, service_category, resource_id, resource_name, resource_type
        As the bill names them; None where it does not.
    charge_category : str
        One of `CHARGE_CATEGORIES`.
    unit : str or None
        What the lines count (Hours, GB).
    tags : str
        JSON object with sorted keys; empty text without tags.
    billed_cost, effective_cost : Decimal
        Currency units; may be negative.
    contracted_cost : Decimal
        Contracted cost, else list cost, else effective cost.
    billed_hours : float or None
        Hours of a machine; None where the lines do not count hours.
    charged_until : datetime or None
        Newest end of a charge period.
    traffic : str or None
        ``out`` or ``in`` where the lines' words say that they charge traffic (`models.billing.traffic`).
    """

    provider: str | None
    account: str | None
    invoice: str | None
    region: str | None
    service: str | None
    service_category: str | None
    charge_category: str
    charge_class: str | None
    commitment_id: str | None
    commitment_status: str | None
    resource_id: str | None
    resource_name: str | None
    resource_type: str | None
    unit: str | None
    tags: str
    currency: str
    line_count: int
    billed_cost: Decimal
    effective_cost: Decimal
    contracted_cost: Decimal
    billed_hours: float | None = None
    charged_until: datetime | None = None
    traffic: str | None = None

    @property
    def tag_values(self) -> Mapping[str, str]:
        """Tags by key."""
        found: dict[str, str] = json.loads(self.tags) if self.tags else {}
        return found


@dataclass(frozen=True)
class SortedGroup:
    """A group of lines and where it ends.

    Parameters
    ----------
    cluster : str or None
        Of lines in the bucket cluster.
    asset_kind, asset : str or None
        The asset of the cluster that the lines bill. Where only a tag or rule names the cluster, ``asset`` is
        None and ``asset_kind`` control_plane, network, node (a machine that was not seen) or None.
    team, cost_centre : str or None
        Who pays lines out of the cluster.
    reason : str
        What decided: ``resource``, ``tag <key>``, ``rule <number>`` or the category.
    """

    group: LineGroup
    bucket: Bucket
    cluster: str | None = None
    asset_kind: str | None = None
    asset: str | None = None
    team: str | None = None
    cost_centre: str | None = None
    reason: str = ""

    @property
    def is_ruled(self) -> bool:
        """Whether somebody said by a rule where the lines end."""
        return self.reason.startswith("rule")
