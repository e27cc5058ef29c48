"""Disputes: a team contests a charge, finance answers and decides, a credit joins the next open month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from models.chargeback.lines import ChargeLine, amount
from models.vocabulary.errors import Forbidden, InputError, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import Money
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.closed_months import CLOSE_JOB, EVERY_CLUSTER
from service.usecases.dispute_limits import refuse_more_than_charged
from service.usecases.dispute_lines import PLATFORM
from service.usecases.statement_lines import EVERYBODY, month_lines
from warehouse.database.disputes import Dispute, DisputeEvent, DisputeState, Settlement
from warehouse.evidence import EvidenceFiles

PENDING = (DisputeState.OPEN, DisputeState.ANSWERED)
SELECTABLE = ("cluster", "kind", "namespace", "workload_name", "resource", "day")
_LARGEST_EVIDENCE = 20 << 20


@dataclass(frozen=True)
class Claim:
    """What somebody contests.

    Parameters
    ----------
    month, team : str
    reason : str
    amount : Decimal or None
        None contests all that the selected lines cost.
    lines : mapping of str to str
        Field and value of charge lines (`SELECTABLE`); empty selects all of the team.
    currency : str or None
        None is the only currency of the team's lines.
    owner : str or None
        Who in finance answers for it.
    """

    month: str
    team: str
    reason: str
    amount: Decimal | None = None
    lines: Mapping[str, str] | None = None
    currency: str | None = None
    owner: str | None = None


def open_dispute(
    runtime: Runtime, principal: Principal, claim: Claim, evidence: str | Path | None = None
) -> Dispute:
    """Record that a team contests a charge; the month stays as it is.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, admin, or an owner of the team.
    claim : Claim
    evidence : str, Path or None
        Text, or a file whose bytes are kept under their sha256.

    Raises
    ------
    Forbidden
        If an owner contests another team's charge.
    NotFound
        If the team has no such charge in the month.
    InputError
        If the amount is not above 0, is more than the charge, or the evidence cannot be read.
    UsageError
        If the team is charged in several currencies and none is named.
    """
    _require_owner_of(principal, claim.team)
    if not claim.reason.strip():
        raise UsageError("a dispute needs a reason: add --reason")
    facts = BillingMonth.read(runtime, claim.month)
    chosen = _contested(runtime, facts, claim)
    total = _rounded(sum(line.effective for line in chosen), chosen[0].currency)
    contested = _checked_amount(claim.amount, total)
    now = runtime.now()
    dispute = Dispute(
        id="",
        month=claim.month,
        restates=f"{claim.month}-r{facts.revision}" if facts.revision else None,
        team=claim.team,
        cost_centre=_largest(chosen).cost_centre,
        cluster=_largest_cluster(chosen),
        amount=contested,
        subject=_subject(claim, total),
        reason=claim.reason.strip(),
        opened_by=principal.id,
        opened_at=now,
        deadline_at=now + timedelta(days=runtime.settings.dispute_deadline_days),
        owner=claim.owner,
    )
    event = _event(runtime, principal, "open", claim.reason.strip(), evidence)
    return runtime.warehouse.disputes.open(dispute, event)


def _contested(runtime: Runtime, month: BillingMonth, claim: Claim) -> list[ChargeLine]:
    """Return the lines of the team that the claim selects, all of one currency."""
    wanted = dict(claim.lines or {})
    unknown = sorted(set(wanted) - set(SELECTABLE))
    if unknown:
        raise UsageError(f"lines are not chosen by {unknown[0]}: use {', '.join(SELECTABLE)}")
    lines, _ = month_lines(runtime, EVERYBODY, month, "detail")
    chosen = [
        line
        for line in lines
        if line.team == claim.team
        and line.currency == (claim.currency or line.currency)
        and all(_shown(line, name) == value for name, value in wanted.items())
    ]
    if not chosen:
        raise NotFound(f"{claim.team} has no such charge in {month.period}")
    currencies = sorted({line.currency for line in chosen})
    if len(currencies) > 1:
        raise UsageError(f"{claim.team} is charged in {', '.join(currencies)}: choose one with --currency")
    return chosen


def _shown(line: ChargeLine, name: str) -> str:
    value = getattr(line, name)
    return "" if value is None else str(value)


def _rounded(nano: int, currency: str) -> Money:
    return Money(amount(nano), currency).rounded()


def _checked_amount(wanted: Decimal | None, total: Money) -> Money:
    if wanted is None:
        contested = total
    else:
        contested = Money(wanted, total.currency)
        if contested.rounded().amount != wanted:
            raise InputError(f"is finer than a coin of {total.currency}", field="amount", value=str(wanted))
    if contested.amount <= 0:
        raise InputError("is not above 0", field="amount", value=str(contested))
    if total < contested:
        raise InputError(f"is more than the charge of {total}", field="amount", value=str(contested))
    return contested


def _largest(lines: Sequence[ChargeLine]) -> ChargeLine:
    return max(lines, key=lambda line: (line.cost_centre is not None, line.effective))


def _largest_cluster(lines: Sequence[ChargeLine]) -> str:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.cluster] = sums.get(line.cluster, 0) + line.effective
    return max(sorted(sums), key=lambda cluster: sums[cluster])


def _subject(claim: Claim, total: Money) -> str:
    chosen = ", ".join(f"{name} {value}" for name, value in sorted((claim.lines or {}).items()))
    return f"{chosen or 'all charges'} of {claim.team} in {claim.month}: {total}"


def answer_dispute(
    runtime: Runtime,
    principal: Principal,
    dispute_id: str,
    note: str,
    *,
    evidence: str | Path | None = None,
    owner: str | None = None,
) -> Dispute:
    """Answer an open dispute for finance; who answers owns it unless somebody else is named.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    Conflict
        If it is decided.
    """
    principal.require(Role.FINANCE)
    known = runtime.warehouse.disputes.get(dispute_id, principal)
    event = _event(runtime, principal, "answered", note, evidence)
    who = owner or known.owner or principal.id
    return runtime.warehouse.disputes.move(dispute_id, event, expected=PENDING, owner=who)


def comment_on_dispute(
    runtime: Runtime,
    principal: Principal,
    dispute_id: str,
    note: str,
    *,
    evidence: str | Path | None = None,
) -> Dispute:
    """Add words or evidence to a dispute that is not decided; finance and owners of the team may.

    Raises
    ------
    Forbidden
        If the principal is neither.
    Conflict
        If it is decided.
    """
    known = runtime.warehouse.disputes.get(dispute_id, principal)
    _require_owner_of(principal, known.team)
    event = _event(runtime, principal, "comment", note, evidence)
    return runtime.warehouse.disputes.move(dispute_id, event, expected=PENDING)


def reject_dispute(runtime: Runtime, principal: Principal, dispute_id: str, reason: str) -> Dispute:
    """Decide that a charge stands.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    UsageError
        If no reason is given.
    Conflict
        If it is decided already.
    """
    principal.require(Role.FINANCE)
    if not reason.strip():
        raise UsageError("a dispute is rejected only with a reason: add --reason")
    event = _event(runtime, principal, "rejected", reason, None)
    return runtime.warehouse.disputes.move(dispute_id, event, expected=PENDING)


def withdraw_dispute(runtime: Runtime, principal: Principal, dispute_id: str, reason: str = "") -> Dispute:
    """Take a dispute back; finance and owners of the team may.

    Raises
    ------
    Forbidden
        If the principal is neither.
    Conflict
        If it is decided already.
    """
    known = runtime.warehouse.disputes.get(dispute_id, principal)
    _require_owner_of(principal, known.team)
    event = _event(runtime, principal, "withdrawn", reason, None)
    return runtime.warehouse.disputes.move(dispute_id, event, expected=PENDING)


def settle_dispute(
    runtime: Runtime,
    principal: Principal,
    dispute_id: str,
    credit: Decimal,
    receiver: str,
    note: str = "",
) -> Dispute:
    """Credit a team by two lines of the next open month, which add up to nothing.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    dispute_id : str
    credit : Decimal
        Above 0 and at most what is contested.
    receiver : str
        The team that is charged instead, or ``platform``: then nobody is, unless a team has that name.
    note : str

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        If the credit is not above 0, finer than a coin, more than is contested, or, with earlier credits,
        more than the team was charged in that month.
    UsageError
        If the team itself should receive it.
    Conflict
        If it is decided already.
    """
    principal.require(Role.FINANCE)
    disputes = runtime.warehouse.disputes
    with holding(runtime, EVERY_CLUSTER, CLOSE_JOB) as held:
        known = disputes.get(dispute_id, principal)
        _check_credit(known, credit)
        refuse_more_than_charged(runtime, known, credit)
        if receiver == known.team:
            raise UsageError(f"{receiver} cannot be charged its own credit: name another team or {PLATFORM}")
        team, cost_centre = _receiver(runtime, known, receiver)
        settlement = Settlement(credit, team, cost_centre, _open_month(runtime, known.month))
        event = _event(runtime, principal, "settled", note, None)
        return disputes.settle(dispute_id, settlement, event, expected=PENDING, lease=held.renew())


def _check_credit(dispute: Dispute, credit: Decimal) -> None:
    offered = Money(credit, dispute.amount.currency)
    if offered.rounded().amount != credit:
        raise InputError(f"is finer than a coin of {offered.currency}", field="credit", value=str(credit))
    if credit <= 0:
        raise InputError("is not above 0", field="credit", value=str(credit))
    if dispute.amount < offered:
        raise InputError(f"is more than the contested {dispute.amount}", field="credit", value=str(offered))


def _receiver(runtime: Runtime, dispute: Dispute, receiver: str) -> tuple[str | None, str | None]:
    """Return the receiving team, with the cost centre that bears most of its cost in the contested month."""
    lines, _ = month_lines(runtime, EVERYBODY, BillingMonth.read(runtime, dispute.month), "summary")
    own = [line for line in lines if line.team == receiver]
    if own:
        return receiver, _largest(own).cost_centre
    if receiver == PLATFORM:
        return None, None
    raise NotFound(f"no team {receiver} is charged in {dispute.month}: name another or {PLATFORM}")


def _open_month(runtime: Runtime, month: str) -> str:
    recorded = runtime.warehouse.periods.get(month)
    if recorded is None or not recorded.is_frozen:
        return month
    return runtime.warehouse.periods.next_open(month)


def disputes(runtime: Runtime, principal: Principal, state: DisputeState | None = None) -> list[Dispute]:
    """Return the disputes that a principal may see, oldest first; those of one state if it is given."""
    return runtime.warehouse.disputes.list(principal, None if state is None else [state])


def parse_state(text: str) -> DisputeState:
    """Return the state that a word names.

    Raises
    ------
    UsageError
        If it names none.
    """
    try:
        return DisputeState(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a state: write {', '.join(DisputeState)}") from None


def dispute_history(
    runtime: Runtime, principal: Principal, dispute_id: str
) -> tuple[Dispute, tuple[DisputeEvent, ...]]:
    """Return a dispute with all that was said and done about it.

    Raises
    ------
    NotFound
        If there is none of that id, or the principal may not see it.
    """
    found = runtime.warehouse.disputes.get(dispute_id, principal)
    return found, runtime.warehouse.disputes.events(dispute_id)


def _require_owner_of(principal: Principal, team: str) -> None:
    if principal.roles & {Role.FINANCE, Role.ADMIN}:
        return
    if Role.OWNER not in principal.roles or team not in principal.teams:
        raise Forbidden(f"{principal.id} may not speak for team {team}")


def _event(
    runtime: Runtime, principal: Principal, action: str, note: str, evidence: str | Path | None
) -> DisputeEvent:
    text, name, digest = note.strip(), None, None
    if isinstance(evidence, Path):
        digest = EvidenceFiles(runtime.warehouse.lake.root).keep(_read_evidence(evidence))
        name = evidence.name
    elif evidence:
        text = f"{text}\n{evidence}".strip()
    return DisputeEvent(action, principal.id, runtime.now(), text, name, digest)


def _read_evidence(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_EVIDENCE:
            raise InputError("is larger than 20 MiB", field="evidence", value=str(path))
        return path.read_bytes()
    except OSError as problem:
        raise InputError(
            f"cannot be read: {problem.strerror or problem}", field="evidence", value=str(path)
        ) from problem
