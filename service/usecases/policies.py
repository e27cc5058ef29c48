"""Policies of idle, shared and platform cost: which one a month follows, and storing a new version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from models.chargeback.lines import ChargeLine
from models.chargeback.policy import Policy, policy_document, policy_hash
from models.chargeback.policy_reading import read_policy
from models.chargeback.sharing import apply_policy
from models.vocabulary.errors import Conflict, InputError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import month_bounds
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.closed_months import CLOSE_JOB, EVERY_CLUSTER
from warehouse.database.audit import AuditNote
from warehouse.database.policies import StoredPolicy

DEFAULT_HASH = policy_hash(Policy())


@dataclass(frozen=True)
class MonthPolicy:
    """The policy that a month follows.

    Parameters
    ----------
    version : int
        0 is the default, which moves nothing.
    effective_from : str or None
    policy_hash : str
    policy : Policy
    principal : str or None
        Who stored it.
    """

    version: int
    effective_from: str | None
    policy_hash: str
    policy: Policy
    principal: str | None = None

    @property
    def label(self) -> str:
        """Version and hash in short, as statements print it."""
        if self.version == 0:
            return "default policy: every cause is a line of its own"
        return f"policy {self.version} from {self.effective_from} ({self.policy_hash[:12]})"

    def described(self) -> dict[str, Any]:
        """Return version, hash and what it says, for a manifest."""
        return {
            "version": self.version,
            "effective_from": self.effective_from,
            "policy_hash": self.policy_hash,
            "principal": self.principal,
            "document": policy_document(self.policy),
        }


def policy_in_force(runtime: Runtime, month: str) -> MonthPolicy:
    """Return the stored version that a month follows now; the default before the first one."""
    stored = runtime.warehouse.policies.in_force(month)
    if stored is None:
        return MonthPolicy(0, None, DEFAULT_HASH, Policy())
    policy = read_policy(stored.document)
    return MonthPolicy(stored.version, stored.effective_from, stored.policy_hash, policy, stored.principal)


def month_policy(runtime: Runtime, month: BillingMonth) -> MonthPolicy:
    """Return the policy of a month; of a closed one, that which its manifest names."""
    if month.frozen is None:
        return policy_in_force(runtime, month.period)
    described: Mapping[str, Any] | None = month.frozen.manifest.get("policy")
    if described is None:
        return MonthPolicy(0, None, DEFAULT_HASH, Policy())
    return MonthPolicy(
        described["version"],
        described["effective_from"],
        described["policy_hash"],
        read_policy(described["document"]),
        described["principal"],
    )


def apply_policies(
    runtime: Runtime, principal: Principal, month: BillingMonth, lines: Sequence[ChargeLine]
) -> list[ChargeLine]:
    """Move cost between payers as the stored policy of the month says: a step of the statement."""
    return apply_policy(policy_in_force(runtime, month.period).policy, lines)


def list_policies(runtime: Runtime, principal: Principal) -> list[StoredPolicy]:
    """Return all versions, oldest first.

    Raises
    ------
    Forbidden
        If the principal holds no role that may read costs.
    """
    principal.visible_teams()
    return runtime.warehouse.policies.list()


def set_policy(
    runtime: Runtime,
    principal: Principal,
    content: str,
    *,
    effective_from: str,
    note: str | None = None,
    is_restated: bool = False,
) -> StoredPolicy:
    """Store the next version of the policy, with its author, in the audit log too.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    content : str
        The document as YAML or JSON.
    effective_from : str
        First month that follows it, ``2026-11``.
    note : str or None
    is_restated : bool
        Let it hold for closed months too; `correct_period` then charges the difference.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        If the document is wrong, or the month is none.
    Conflict
        If a month that it would hold for is closed and ``is_restated`` is false.
    """
    principal.require(Role.FINANCE)
    month_bounds(effective_from, runtime.settings.zone)
    policy = read_policy(parse_policy(content))
    with holding(runtime, EVERY_CLUSTER, CLOSE_JOB):
        closed = [
            month
            for month in runtime.warehouse.periods.months()
            if month >= effective_from and BillingMonth.read(runtime, month).frozen is not None
        ]
        if closed and not is_restated:
            raise Conflict(
                f"{', '.join(closed)} is closed and follows the policy of its close: let the new one begin "
                "later, or add --restate and then run `millicore chargeback correct` for it"
            )
        document, digest = policy_document(policy), policy_hash(policy)
        detail = {"policy_hash": digest, "effective_from": effective_from, "reason": note}
        about = AuditNote(principal.id, "set sharing policy", effective_from, runtime.now(), detail)
        return runtime.warehouse.policies.add(effective_from, document, digest, about)


def parse_policy(content: str) -> object:
    """Return the plain values of a YAML document.

    Raises
    ------
    InputError
        If it is not YAML.
    """
    try:
        return yaml.safe_load(content)
    except yaml.MarkedYAMLError as problem:
        raise _not_yaml(content, problem) from problem
    except yaml.YAMLError as problem:
        raise InputError(f"is not YAML: {problem}", field="policy") from problem


def _not_yaml(content: str, problem: yaml.MarkedYAMLError) -> InputError:
    """Name the line that cannot be read, counted from 1, with its text as the value."""
    lines = content.splitlines()
    if problem.problem_mark is None or not lines:
        return InputError(f"is not YAML: {problem.problem}", field="policy")
    at = min(problem.problem_mark.line, len(lines) - 1)
    return InputError(
        f"is not YAML in line {at + 1}: {problem.problem}", field="policy", value=lines[at][:120]
    )
