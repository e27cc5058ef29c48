"""The terms of a cost by payer: own cost, what is shared in and out, and what the provider's bill adds."""

from __future__ import annotations

from dataclasses import replace

from models.chargeback.lines import BILL_KINDS, LineKind
from service.exports.columns import Column
from service.exports.line_values import cost_of
from service.exports.shared_columns import IDLE, OVERHEAD, money

_SINCE = "1.1"


def _term(name: str, meaning: str, *kinds: LineKind) -> Column:
    return money(name, cost_of(*kinds), meaning, _SINCE)


_DIRECT = _term("x_DirectCost", "Cost of workloads, owned or not", LineKind.TEAM, LineKind.UNOWNED)
_SHARED = (
    _term("x_IdleShareCost", "Idle capacity taken over, or given off", LineKind.IDLE_SHARE),
    _term("x_OverheadShareCost", "Overhead taken over, or given off", LineKind.OVERHEAD_SHARE),
    _term("x_SharedInCost", "Cost of shared teams taken over", LineKind.SHARED_IN),
    _term("x_SharedOutCost", "Cost passed on to other teams, negative", LineKind.SHARED_OUT),
    _term("x_OversellGain", "Gain of overselling, taken or given", LineKind.OVERSELL_GAIN),
)
LINE_TERMS = (
    _DIRECT,
    *_SHARED,
    _term("x_BillChargeCost", "Charges that come from the provider's bill", *BILL_KINDS),
    _term("x_AdjustmentCost", "Settled disputes and rounding", LineKind.DISPUTE, LineKind.ROUNDING),
)
"""With x_IdleCost and x_OverheadCost they add up to EffectiveCost, line by line."""
PAYER_TERMS = (
    _DIRECT,
    replace(IDLE, since=_SINCE),
    replace(OVERHEAD, since=_SINCE),
    *_SHARED,
    _term("x_TrueUpCost", "Share of the difference to the provider's bill", LineKind.TRUE_UP),
    _term("x_OutOfClusterCost", "Services outside the clusters", LineKind.OUT_OF_CLUSTER),
    _term("x_UnusedCommitmentCost", "Commitments paid and not used", LineKind.UNUSED_COMMITMENT),
    _term("x_TaxCost", "Tax", LineKind.TAX),
    _term("x_SupportCost", "Support fees", LineKind.SUPPORT),
    _term("x_CreditCost", "Credits and refunds", LineKind.CREDIT, LineKind.REFUND),
    _term("x_DisputeCost", "Settled disputes", LineKind.DISPUTE),
    _term("x_RoundingCost", "Rounding to whole coins", LineKind.ROUNDING),
)
"""They add up to EffectiveCost, payer by payer."""
