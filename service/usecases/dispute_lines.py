"""What settled disputes add to a statement, and what a manifest says about those that are not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from models.chargeback.lines import ChargeLine, LineKind, units
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from warehouse.database.disputes import Dispute

PLATFORM = "platform"
"""Receiver of a credit that no team is charged for."""


def dispute_lines(taken: Collection[Dispute]) -> list[ChargeLine]:
    """Return the lines of settled disputes: each a credit of the team and the same charge of the receiver."""
    found = []
    for dispute in taken:
        if dispute.credit is None:
            continue
        credit = units(dispute.credit.amount)
        payers = (
            (-credit, dispute.team, dispute.cost_centre, dispute.receiver or PLATFORM),
            (credit, dispute.receiver, dispute.receiver_cost_centre, dispute.team),
        )
        found += [
            ChargeLine(
                kind=LineKind.DISPUTE,
                cluster=dispute.cluster,
                currency=dispute.credit.currency,
                effective=nano,
                list_units=nano,
                contracted=nano,
                team=team,
                cost_centre=cost_centre,
                counterpart=counterpart,
                reference=dispute.id,
                restates=dispute.restates,
            )
            for nano, team, cost_centre, counterpart in payers
        ]
    return found


def add_dispute_lines(
    runtime: Runtime, principal: Principal, month: BillingMonth, lines: Sequence[ChargeLine]
) -> list[ChargeLine]:
    """Add the settled disputes that an open month takes: a step of its statement."""
    del principal
    return [*lines, *dispute_lines(runtime.warehouse.disputes.posted_in(month.period))]


def dispute_rows(runtime: Runtime, month: str) -> list[dict[str, str | None]]:
    """Return, for a manifest, the disputes about a month that are not decided and those it settles."""
    disputes = runtime.warehouse.disputes
    listed = {
        one.id: one
        for one in (*disputes.about(month), *disputes.posted_in(month))
        if one.state.is_pending or one.posted_in == month
    }
    return [
        {
            "dispute_id": one.id,
            "state": one.state.value,
            "month": one.month,
            "team": one.team,
            "amount": str(one.amount.amount),
            "credit": None if one.credit is None else str(one.credit.amount),
            "currency": one.amount.currency,
            "deadline": f"{one.deadline_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        for _, one in sorted(listed.items())
    ]
