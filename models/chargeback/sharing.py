"""Moving cost between payers as a policy says: exactly, in a fixed order, within its cluster's bill.

Shares of idle and overhead are lines of their own (``counterpart`` idle or overhead); what shared teams and
unowned workloads cost stays on their lines, is taken off by a ``shared_out`` line and charged by
``shared_in`` lines. For every day, cluster and currency all lines add up to what they did before.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.chargeback.lines import ChargeLine, LineKind
from models.chargeback.policy import Policy, Target
from models.chargeback.receivers import Tenants
from models.chargeback.shares import credit_gain, divide_bill_line, share_line
from models.chargeback.step_down import share_out


def apply_policy(policy: Policy, lines: Sequence[ChargeLine]) -> list[ChargeLine]:
    """Return lines by payer: idle, overhead and bill lines divided, then what unowned and shared teams cost.

    Parameters
    ----------
    policy : Policy
    lines : sequence of ChargeLine
        All lines of a month by cause, and of its bill; never only those of some teams.
    """
    if policy.moves_nothing:
        return list(lines)
    tenants = Tenants(lines, policy)
    found = [part for line in lines for part in _divided(line, policy, tenants)]
    if policy.oversell_gain.to is Target.PLATFORM:
        found += credit_gain(lines, policy.oversell_gain, tenants)
    return [*found, *share_out(policy, found, tenants)]


def _divided(line: ChargeLine, policy: Policy, tenants: Tenants) -> list[ChargeLine]:
    rule = {LineKind.IDLE: policy.idle, LineKind.OVERHEAD: policy.overhead}.get(line.kind)
    if rule is not None:
        return [line] if rule.to is Target.OWN_LINE else share_line(line, rule, tenants)
    rule = policy.bill.get(line.kind)
    if rule is None or rule.to is Target.OWN_LINE or line.team is not None:
        return [line]
    return divide_bill_line(line, rule, tenants)


def leftovers(policy: Policy, lines: Sequence[ChargeLine]) -> list[tuple[str, str, str, int]]:
    """Return what a policy wanted to move and nobody could take, which therefore stays where it was.

    Parameters
    ----------
    policy : Policy
    lines : sequence of ChargeLine
        After `apply_policy`.

    Returns
    -------
    list of (str, str, str, int)
        What (``idle gpu``, ``tax``, ``shared monitoring``, ``unowned``), cluster, currency, nano-units.
    """
    found: dict[tuple[str, str, str], int] = {}
    for line in lines:
        what = _stayed(policy, line)
        if what is not None:
            key = (what, line.cluster, line.currency)
            found[key] = found.get(key, 0) + line.effective
    return [(*key, found[key]) for key in sorted(found) if found[key]]


def _stayed(policy: Policy, line: ChargeLine) -> str | None:
    moved = {LineKind.IDLE: policy.idle, LineKind.OVERHEAD: policy.overhead, **policy.bill}
    if line.team is None:
        rule = moved.get(line.kind)
        if rule is not None:
            named = f"{line.kind} {line.resource}" if line.resource else line.kind.value
            return None if rule.to is Target.OWN_LINE else named
        return None if policy.unowned.to is Target.OWN_LINE else "unowned"
    shared = next((one.name for one in policy.shared if one.team == line.team), None)
    return None if shared is None else f"shared {shared}"
