"""Policies of idle, shared and platform cost: what a version says, and what it may not say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.chargeback.lines import BILL_KINDS, LineKind


class Target(StrEnum):
    """Where a cost goes: it stays a line of its own, is shared by tenants, or one team pays it."""

    OWN_LINE = "own_line"
    SHARE = "share"
    PLATFORM = "platform"


class Scope(StrEnum):
    """Whose tenants share: those beside it on the node, in the pool, the cluster, or in all clusters."""

    NODE = "node"
    POOL = "pool"
    CLUSTER = "cluster"
    ALL = "all"


class Key(StrEnum):
    """By what is shared: in proportion to a measure, evenly per team, or by fixed ratios."""

    PROPORTIONAL = "proportional"
    EVEN = "even"
    FIXED = "fixed"


class Measure(StrEnum):
    """What shared teams are spread in proportion to.

    ``direct_cost`` is what the receivers' own workloads cost, ``loaded_cost`` that and all that was shared to
    them before; the others are the direct cost of one resource.
    """

    DIRECT = "direct_cost"
    LOADED = "loaded_cost"
    CPU = "cpu_cost"
    MEMORY = "memory_cost"
    GPU = "gpu_cost"
    STORAGE = "storage_cost"
    NETWORK = "network_cost"


@dataclass(frozen=True)
class Rule:
    """Where one kind of cost goes.

    Parameters
    ----------
    to : Target
    scope : Scope
        Of a share; bill lines and unowned cost are shared within their cluster.
    key : Key
    ratios : tuple of (str, Decimal)
        Of the key ``fixed``: teams and what each pays, adding up to 1.
    team, cost_centre : str or None
        Who pays when the target is ``platform``. Without a cost centre the team's own largest is taken.
    """

    to: Target = Target.OWN_LINE
    scope: Scope = Scope.NODE
    key: Key = Key.PROPORTIONAL
    ratios: tuple[tuple[str, Decimal], ...] = ()
    team: str | None = None
    cost_centre: str | None = None


@dataclass(frozen=True)
class SharedService:
    """A team or some namespaces whose whole cost other teams pay.

    Parameters
    ----------
    name : str
        Stands as ``counterpart`` on the receivers' lines.
    team : str or None
        All that this team pays is passed on.
    namespaces : tuple of str
        Names or globs; instead of a team.
    key : Key
    measure : Measure
        Of the key ``proportional``.
    ratios : tuple of (str, Decimal)
    receivers : tuple of str
        Teams; empty is every team but the shared ones declared before.
    scope : Scope
        ``cluster`` or ``all``: whose teams receive what arose in a cluster.
    """

    name: str
    team: str | None = None
    namespaces: tuple[str, ...] = ()
    key: Key = Key.PROPORTIONAL
    measure: Measure = Measure.DIRECT
    ratios: tuple[tuple[str, Decimal], ...] = ()
    receivers: tuple[str, ...] = ()
    scope: Scope = Scope.CLUSTER


@dataclass(frozen=True)
class Policy:
    """One version of all policies. The default moves nothing: every cause is a line of its own.

    Parameters
    ----------
    idle, overhead : Rule
        Capacity that nobody asked for or used; what nodes keep for themselves.
    unowned : Rule
        Workloads that no ownership rule gives to anybody.
    shared : tuple of SharedService
        In the order in which they are shared out: each may pay for those before it, none for those after.
    bill : mapping of LineKind to Rule
        By kind of bill line; kinds left out stay lines of their own.
    oversell_gain : Rule
        ``own_line`` leaves it with the tenants, whose unit cost falls by it; ``platform`` charges tenants the
        list unit cost and credits the difference to the team.
    """

    idle: Rule = Rule()
    overhead: Rule = Rule()
    unowned: Rule = Rule()
    shared: tuple[SharedService, ...] = ()
    bill: Mapping[LineKind, Rule] = field(default_factory=dict)
    oversell_gain: Rule = Rule()

    @property
    def moves_nothing(self) -> bool:
        """Whether every line stays as it is."""
        rules = (self.idle, self.overhead, self.unowned, self.oversell_gain, *self.bill.values())
        return not self.shared and all(rule.to is Target.OWN_LINE for rule in rules)


def policy_document(policy: Policy) -> dict[str, Any]:
    """Return a policy as plain values, every rule written out: equal policies give equal documents."""
    return {
        "idle": _rule_document(policy.idle),
        "overhead": _rule_document(policy.overhead),
        "unowned": _rule_document(policy.unowned),
        "shared": [_service_document(service) for service in policy.shared],
        "bill": {kind.value: _rule_document(policy.bill[kind]) for kind in BILL_KINDS if kind in policy.bill},
        "oversell_gain": _rule_document(policy.oversell_gain),
    }


def _rule_document(rule: Rule) -> dict[str, Any]:
    found: dict[str, Any] = {"to": rule.to.value}
    if rule.to is Target.SHARE:
        found |= {"scope": rule.scope.value, "key": rule.key.value}
        if rule.ratios:
            found["ratios"] = _ratios_document(rule.ratios)
    if rule.to is Target.PLATFORM:
        found["team"] = rule.team
        if rule.cost_centre is not None:
            found["cost_centre"] = rule.cost_centre
    return found


def _service_document(service: SharedService) -> dict[str, Any]:
    found: dict[str, Any] = {"name": service.name}
    if service.team is not None:
        found["team"] = service.team
    else:
        found["namespaces"] = list(service.namespaces)
    found["key"] = service.key.value
    if service.key is Key.PROPORTIONAL:
        found["measure"] = service.measure.value
    if service.ratios:
        found["ratios"] = _ratios_document(service.ratios)
    return found | {"receivers": list(service.receivers) or "all", "scope": service.scope.value}


def _ratios_document(ratios: tuple[tuple[str, Decimal], ...]) -> dict[str, str]:
    return {team: f"{ratio.normalize():f}" for team, ratio in sorted(ratios)}


def policy_hash(policy: Policy) -> str:
    """Return a hash of what a policy says; it stands on statements and in manifests."""
    content = json.dumps(policy_document(policy), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
