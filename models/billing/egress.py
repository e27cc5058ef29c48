"""Traffic on a provider's bill, shared among those who sent bytes where nothing tells it by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from models.allocation.apportion import apportion
from models.allocation.network import share_by_bytes
from models.billing.buckets import SortedGroup
from models.billing.charges import round_to_nano
from models.billing.traffic import NETWORK, is_egress
from models.chargeback.lines import ChargeLine, LineKind

SHARED_BY_BYTES = "shared by bytes"
"""Marks, in the reference of a line, an amount that no counter by class of traffic confirms."""


@dataclass(frozen=True)
class Payer:
    """Who paid for a workload in the month, and for how much of it: container-hours in millionths."""

    team: str | None
    cost_centre: str | None
    ownership_source: str | None
    weight: int


@dataclass(frozen=True)
class Sender:
    """What one workload sent in the month; without a namespace: the nodes and what shares their network.

    Parameters
    ----------
    namespace, workload_kind, workload_name : str or None
    byte_count : float
    payers : tuple of Payer
        In the order of their names; empty where nobody was charged for the workload: its part is unowned.
    """

    namespace: str | None
    workload_kind: str | None
    workload_name: str | None
    byte_count: float
    payers: tuple[Payer, ...] = ()


def egress_charges(groups: Iterable[SortedGroup]) -> dict[tuple[str, str], dict[str, int]]:
    """Return what a bill charges clusters for outgoing traffic.

    Returns
    -------
    dict
        Per (currency, cluster): nano-units per invoice and service. They add up to the rounded sum.
    """
    sums: dict[tuple[str, str], dict[str, Decimal]] = {}
    for one in groups:
        if is_egress(one):
            own = sums.setdefault((one.group.currency, one.cluster or ""), {})
            document = one.group.invoice or one.group.provider or "bill"
            name = f"{document} {one.group.service or ''}".strip()
            own[name] = own.get(name, Decimal(0)) + one.group.effective_cost
    return {
        key: dict(zip(sorted(own), round_to_nano([own[name] for name in sorted(own)]), strict=True))
        for key, own in sorted(sums.items())
    }


def egress_lines(
    key: tuple[str, str], charges: Mapping[str, int], senders: Sequence[Sender]
) -> list[ChargeLine]:
    """Share a cluster's egress by bytes sent, then each workload's part among those who paid for it.

    Parameters
    ----------
    key : (str, str)
        Currency and cluster.
    charges : mapping of str to int
        Nano-units per document.
    senders : sequence of Sender

    Returns
    -------
    list of ChargeLine
        True-ups of the resource network that add up to the charges exactly; empty where nobody is known to
        have sent anything: the charges then stay in the true-up of the cluster.
    """
    counts = np.array([sender.byte_count for sender in senders], dtype=np.float64)
    found: list[ChargeLine] = []
    for document, cost in charges.items():
        shares = share_by_bytes(cost, counts)
        if shares.rest:
            continue
        for sender, part in zip(senders, shares.parts.tolist(), strict=True):
            found += _sender_lines(_line(key, document, sender), sender, part)
    return found


def _line(key: tuple[str, str], document: str, sender: Sender) -> ChargeLine:
    currency, cluster = key
    return ChargeLine(
        LineKind.TRUE_UP,
        cluster,
        currency,
        effective=0,
        list_units=0,
        contracted=0,
        namespace=sender.namespace,
        workload_kind=sender.workload_kind,
        workload_name=sender.workload_name,
        resource=NETWORK,
        provenance="bill",
        reference=f"{document}, {SHARED_BY_BYTES}",
    )


def _sender_lines(line: ChargeLine, sender: Sender, part: int) -> list[ChargeLine]:
    payers = [payer for payer in sender.payers if payer.weight > 0]
    if not payers:
        return [replace(line, effective=part)] if part else []
    parts = apportion(part, [payer.weight for payer in payers])
    return [
        replace(
            line,
            effective=own,
            team=payer.team,
            cost_centre=payer.cost_centre,
            ownership_source=payer.ownership_source,
        )
        for payer, own in zip(payers, parts, strict=True)
        if own
    ]
