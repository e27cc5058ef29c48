"""Correcting a closed month: what changed is charged by lines of the next open month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.chargeback.corrections import difference, lines_table
from models.chargeback.lines import ChargeLine, amount, totals
from models.vocabulary.errors import Conflict
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.leasing import HeldLease, holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth
from service.usecases.closed_months import (
    CLOSE_JOB,
    CORRECTIONS,
    EVERY_CLUSTER,
    FrozenMonth,
    closed_files,
    correction_folder,
    read_correction,
)
from service.usecases.period_checks import CloseFacts, close_problems
from service.usecases.period_close import CloseRefused, code_versions
from service.usecases.statement_lines import charged_lines, exact_lines
from warehouse.closed import encode
from warehouse.database.audit import AuditNote
from warehouse.database.periods import Correction, PeriodState, Totals
from warehouse.recording import OnStep, ignore_step


@dataclass(frozen=True)
class CorrectionOutcome:
    """What a correction did; ``posted`` is None when nothing had changed."""

    month: str
    posted: Correction | None
    line_count: int


def correct_period(
    runtime: Runtime,
    principal: Principal,
    month: str,
    reason: str | None = None,
    *,
    on_step: OnStep = ignore_step,
) -> CorrectionOutcome:
    """Charge what changed in a closed month in the next open one; the closed month stays as it is.

    What changed is what the month costs now, less its close and all earlier corrections. With nothing new,
    nothing is posted. A month into which late hours were let is closed to them again.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    month : str
    reason : str or None
    on_step : callable
        Called with a name after each step.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    Conflict
        If the month is not closed.
    CloseRefused
        If the month as it is now rests on assumed or unknown prices.
    """
    principal.require(Role.FINANCE)
    with holding(runtime, EVERY_CLUSTER, CLOSE_JOB) as held:
        facts = BillingMonth.read(runtime, month)
        if facts.frozen is None:
            raise Conflict(f"{month} is not closed: while it is open, what changes is simply part of it")
        allocate(runtime, window=facts.hours)
        on_step("allocated")
        sequence = len(runtime.warehouse.periods.corrections_of(month)) + 1
        lines = _changed(runtime, principal, facts, facts.frozen, sequence)
        on_step("compared")
        if not lines:
            _close_to_late_hours(runtime, principal, facts)
            return CorrectionOutcome(month, None, 0)
        posted = _post(runtime, principal, facts.frozen, lines, (sequence, reason), held, on_step)
        on_step("recorded")
        return CorrectionOutcome(month, posted, len(lines))


def _changed(
    runtime: Runtime, principal: Principal, month: BillingMonth, frozen: FrozenMonth, sequence: int
) -> list[ChargeLine]:
    recomputed, unpriced = exact_lines(runtime, replace(month, frozen=None), runtime.warehouse.pin())
    problems = close_problems(
        runtime, month, CloseFacts((), (), recomputed, unpriced), is_missing_accepted=True
    )
    unresolved = [problem for problem in problems if "no cluster has hours" not in problem]
    if unresolved:
        raise CloseRefused(month.period, unresolved)
    charged = charged_lines(frozen)
    for earlier in runtime.warehouse.periods.corrections_of(month.period):
        charged += read_correction(runtime, earlier)
    invoice = frozen.recorded.invoice_id
    return difference(recomputed, charged, restates=invoice, correction=f"{invoice}-c{sequence}")


def _post(
    runtime: Runtime,
    principal: Principal,
    frozen: FrozenMonth,
    lines: Sequence[ChargeLine],
    about: tuple[int, str | None],
    held: HeldLease,
    on_step: OnStep,
) -> Correction:
    warehouse, recorded = runtime.warehouse, frozen.recorded
    sequence, reason = about
    posted_in = warehouse.periods.next_open(recorded.period)
    now, folder = runtime.now(), correction_folder(recorded.period, sequence)
    sums = _totals(lines)
    described = {
        "correction_id": lines[0].correction,
        "restates": recorded.invoice_id,
        "period": recorded.period,
        "posted_in": posted_in,
        "totals": sums,
        "corrected_by": principal.id,
        "corrected_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "reason": reason,
        "versions": code_versions(runtime),
    }
    held.renew()
    tables = {CORRECTIONS: encode(lines_table(lines))}
    digest = closed_files(runtime).write(folder, tables, described, on_step)
    correction = Correction(
        period=recorded.period,
        sequence=sequence,
        revision=recorded.revision,
        posted_in=posted_in,
        totals=sums,
        manifest_hash=digest,
        folder=folder,
        principal=principal.id,
        reason=reason,
        recorded_at=now,
    )
    warehouse.periods.record_correction(correction, held.renew())
    return correction


def _totals(lines: Sequence[ChargeLine]) -> Totals:
    return [
        {"currency": currency, "cluster": cluster, "effective_cost": str(amount(total))}
        for (currency, cluster), total in totals(lines).items()
    ]


def _close_to_late_hours(runtime: Runtime, principal: Principal, month: BillingMonth) -> None:
    if month.state == PeriodState.CORRECTING:
        note = AuditNote(principal.id, "correct period", month.period, runtime.now(), {"line_count": 0})
        runtime.warehouse.periods.change_state(month.period, PeriodState.CLOSED, note)


def let_late_hours_in(runtime: Runtime, principal: Principal, window: HourWindow) -> tuple[str, ...]:
    """Let hours of a window into the closed months that it touches, until these are corrected.

    Returns
    -------
    tuple of str
        The months; `correct_period` must follow for each.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    """
    principal.require(Role.FINANCE)
    months = tuple(runtime.warehouse.periods.locked(window))
    for month in months:
        note = AuditNote(principal.id, "let late hours in", month, runtime.now(), {"window": str(window)})
        runtime.warehouse.periods.change_state(month, PeriodState.CORRECTING, note)
    return months
