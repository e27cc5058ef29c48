"""What turns a month's lines by cause into what each payer owes: one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.chargeback.lines import ChargeLine
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.bill_charges import add_bill_lines
from service.usecases.billing_months import BillingMonth
from service.usecases.dispute_lines import add_dispute_lines
from service.usecases.policies import apply_policies

Step = Callable[[Runtime, Principal, BillingMonth, Sequence[ChargeLine]], list[ChargeLine]]
"""Takes and returns the exact lines of an open month, of all teams whoever asks.

The principal sees everything: what one team pays must not depend on who looks, so rows are filtered after the
last step. Lines come by workload for a detail file and without workloads for a summary; a step whose result
depends on anything finer than day, namespace, team, pool and resource would give the two different totals.
"""

STEPS: tuple[Step, ...] = (add_bill_lines, apply_policies, add_dispute_lines)
"""In this order: lines of the provider's bill, policies of sharing, disputes. Cents are closed afterwards."""

CAUSE_STEPS = tuple(step for step in STEPS if step is not apply_policies)
"""The steps without sharing: what each cause cost, before anybody pays for somebody else."""


def run_steps(
    runtime: Runtime,
    principal: Principal,
    month: BillingMonth,
    lines: Sequence[ChargeLine],
    steps: Sequence[Step] = STEPS,
) -> list[ChargeLine]:
    """Return the lines of an open month after every step."""
    found = list(lines)
    for step in steps:
        found = step(runtime, principal, month, found)
    return found
