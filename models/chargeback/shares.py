"""Dividing idle and overhead, the oversell gain and bill lines among payers, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from models.chargeback.amounts import Amounts
from models.chargeback.lines import ChargeLine, LineKind
from models.chargeback.policy import Rule, Scope, Target
from models.chargeback.receivers import Payer, Tenants, share_weights

_NODE_RESOURCES = frozenset({"cpu", "memory", "gpu"})
_SHARE_KINDS = {LineKind.IDLE: LineKind.IDLE_SHARE, LineKind.OVERHEAD: LineKind.OVERHEAD_SHARE}
_NO_CAUSE: dict[str, Any] = {
    "used": 0,
    "unused_request": 0,
    "unmeasured": 0,
    "billed_seconds": None,
    "request_seconds": None,
    "usage_seconds": None,
    "workload_kind": None,
    "workload_name": None,
    "idle_share_weight": 0,
    "overhead_share_weight": 0,
    "oversell_share_weight": 0,
}


def share_line(line: ChargeLine, rule: Rule, tenants: Tenants) -> list[ChargeLine]:
    """Divide an idle or overhead line; what nobody can be charged for stays a line of its own.

    Shared on the node, only what stood beside tenants is divided. What another asset leaves (an unmounted
    volume, a control plane) is divided among the tenants of its namespace, else of its cluster.

    Parameters
    ----------
    line : ChargeLine
    rule : Rule
    tenants : Tenants
    """
    shared, rest = _divisible(line, rule)
    receivers = _receivers(line, rule, tenants)
    if not receivers or shared.is_nothing:
        return [line]
    found = [] if rest.is_nothing else [_part(line, rest)]
    payers = sorted(receivers, key=Payer.order)
    for payer, amounts in zip(payers, shared.split([receivers[payer] for payer in payers]), strict=True):
        if not amounts.is_nothing:
            found.append(_share(line, payer, amounts))
    return found


def _share(line: ChargeLine, payer: Payer, amounts: Amounts) -> ChargeLine:
    """Return what one payer takes of a line, field by field: there are as many as tenants and days."""
    return ChargeLine(
        kind=_SHARE_KINDS[line.kind],
        cluster=line.cluster,
        currency=line.currency,
        effective=amounts.effective,
        list_units=amounts.list_units,
        contracted=amounts.contracted,
        assumed=amounts.assumed,
        day=line.day,
        team=payer.team,
        cost_centre=payer.cost_centre,
        ownership_source=payer.ownership_source,
        namespace=payer.namespace,
        workload_kind=line.workload_kind,
        workload_name=line.workload_name,
        node_pool=line.node_pool,
        resource=line.resource,
        provenance=line.provenance,
        billed_seconds=_seconds(line, amounts),
        counterpart=line.kind.value,
    )


def _divisible(line: ChargeLine, rule: Rule) -> tuple[Amounts, Amounts]:
    whole = Amounts.of(line)
    if rule.to is Target.PLATFORM or rule.scope is not Scope.NODE or not _is_of_node(line):
        return whole, Amounts()
    weight = line.idle_share_weight if line.kind is LineKind.IDLE else line.overhead_share_weight
    beside = min(max(weight, 0), line.effective)
    if beside == line.effective:
        return whole, Amounts()
    if beside == 0:
        return Amounts(), whole
    shared, rest = whole.split([beside, line.effective - beside])
    return shared, rest


def _is_of_node(line: ChargeLine) -> bool:
    return line.resource in _NODE_RESOURCES


def _receivers(line: ChargeLine, rule: Rule, tenants: Tenants) -> Mapping[Payer, int]:
    if rule.to is Target.PLATFORM:
        return {tenants.payer_of(rule.team or "", rule.cost_centre): 1}
    if _is_of_node(line):
        found = tenants.of_node_line(line, rule.scope)
    elif rule.scope is Scope.ALL:
        found = tenants.everywhere(line)
    else:
        found = tenants.of_namespace(line) or tenants.of_cluster(line)
    return share_weights(found, rule.key, rule.ratios, tenants)


def _part(line: ChargeLine, amounts: Amounts) -> ChargeLine:
    """Return a part of an idle or overhead line, with its part of the seconds."""
    return replace(line, **amounts.values(), billed_seconds=_seconds(line, amounts))


def _seconds(line: ChargeLine, amounts: Amounts) -> float | None:
    if line.billed_seconds is None or not line.effective:
        return line.billed_seconds
    return line.billed_seconds * (amounts.effective / line.effective)


def credit_gain(lines: Sequence[ChargeLine], rule: Rule, tenants: Tenants) -> list[ChargeLine]:
    """Charge tenants the list unit cost of oversold nodes and credit the difference to a team.

    Parameters
    ----------
    lines : sequence of ChargeLine
        By cause; each knows by ``oversell_share_weight`` what its cost fell by.
    rule : Rule
        Names the team that earns the gain.
    tenants : Tenants

    Returns
    -------
    list of ChargeLine
        A charge per payer and a credit per pool, day and resource; they add up to nothing.
    """
    gains: dict[ChargeLine, dict[Payer, int]] = {}
    for line in lines:
        if line.oversell_share_weight:
            place = replace(line, **_NO_CAUSE, **Amounts().values(), **Payer().fields(), provenance=None)
            place = replace(place, kind=LineKind.OVERSELL_GAIN)
            by_payer = gains.setdefault(place, {})
            payer = Payer.of(line)
            by_payer[payer] = by_payer.get(payer, 0) + line.oversell_share_weight
    earner = tenants.payer_of(rule.team or "", rule.cost_centre)
    found = []
    for place, by_payer in gains.items():
        found += [
            replace(place, effective=by_payer[payer], counterpart=earner.team, **payer.fields())
            for payer in sorted(by_payer, key=Payer.order)
        ]
        found.append(replace(place, effective=-sum(by_payer.values()), **earner.fields()))
    return found


def divide_bill_line(line: ChargeLine, rule: Rule, tenants: Tenants) -> list[ChargeLine]:
    """Give a bill line that names no team to the teams of its cluster, by direct cost, or to one team.

    A line of no cluster with tenants goes to the teams of all clusters in its currency.
    """
    if rule.to is Target.PLATFORM:
        return [replace(line, **tenants.payer_of(rule.team or "", rule.cost_centre).fields())]
    receivers = tenants.teams_beside(line, is_everywhere=False) or tenants.teams_beside(
        line, is_everywhere=True
    )
    if not receivers:
        return [line]
    payers = sorted(receivers, key=Payer.order)
    parts = Amounts.of(line).split([receivers[payer] for payer in payers])
    return [
        replace(line, **amounts.values(), **payer.fields())
        for payer, amounts in zip(payers, parts, strict=True)
        if not amounts.is_nothing
    ]
