"""Closing a month: checks green, facts copied once for good, then one transaction. And reopening one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, LineKind, amount, totals
from models.vocabulary.errors import Conflict, UsageError
from models.vocabulary.identity import Principal, Role
from service.exports.focus_columns import METHOD_ID
from service.jobs.allocation import CODE_VERSION
from service.leasing import HeldLease, holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.billing_months import BillingMonth, month_coverage
from service.usecases.chargeback_check import conservation_rows, verify
from service.usecases.close_tables import book_tables, described_books, frozen_tables
from service.usecases.closed_months import (
    CLOSE_JOB,
    EVERY_CLUSTER,
    close_folder,
    closed_files,
    posted_lines,
)
from service.usecases.cost_days import COST_CODE_VERSION
from service.usecases.dispute_lines import dispute_rows
from service.usecases.exchange import month_rates, rate_problems
from service.usecases.journal_mappings import journal_problems
from service.usecases.period_checks import CloseFacts, accepted_hours, close_problems, cluster_hours
from service.usecases.policies import policy_in_force
from service.usecases.reconciliation import reconciliation_problems
from service.usecases.statement_lines import month_lines
from warehouse.closed import EncodedTable, input_hash
from warehouse.database.audit import AuditNote
from warehouse.database.periods import BillingPeriod, Correction, PeriodState, Preparation, Totals
from warehouse.pins import Pin
from warehouse.recording import OnStep, ignore_step


class CloseRefused(Conflict):
    """A month cannot be closed yet.

    Parameters
    ----------
    month : str
    problems : sequence of str
        All that must be fixed.
    """

    def __init__(self, month: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        listed = "".join(f"\n- {problem}" for problem in problems)
        super().__init__(f"{month} cannot be closed yet; fix these first:{listed}")


@dataclass(frozen=True)
class CloseOptions:
    """How a month is closed.

    Parameters
    ----------
    note : str or None
        Kept with the close.
    is_missing_accepted : bool
        Close although hours are missing or thin; they are listed in the manifest. Needs a note.
    """

    note: str | None = None
    is_missing_accepted: bool = False


@dataclass(frozen=True)
class CloseOutcome:
    """A close, or the request for one that a second person must approve (``closed`` None)."""

    month: str
    closed: BillingPeriod | None
    prepared_by: str


def check_close(
    runtime: Runtime, principal: Principal, month: str, *, is_missing_accepted: bool = False
) -> tuple[str, ...]:
    """Return what stands against closing an open month now; empty when nothing does.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    """
    principal.require(Role.FINANCE)
    facts = BillingMonth.read(runtime, month)
    found = _close_facts(runtime, principal, facts, runtime.warehouse.pin())
    return _problems(runtime, facts, found, is_missing_accepted=is_missing_accepted)


def close_period(
    runtime: Runtime,
    principal: Principal,
    month: str,
    options: CloseOptions | None = None,
    *,
    on_step: OnStep = ignore_step,
) -> CloseOutcome:
    """Close a month for good: nothing that happens later changes what it shows.

    What changed since the last allocation is allocated first. A kill at any point leaves the month open, and
    running this again closes it, or closed.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin. Once people can be told apart, a second one approves what the first prepared.
    month : str
    options : CloseOptions, optional
    on_step : callable
        Called with a name after each step.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    CloseRefused
        Listing everything that must be fixed.
    Conflict
        If the month is closed already.
    UsageError
        If a gap is accepted without a note.
    """
    principal.require(Role.FINANCE)
    chosen = options or CloseOptions()
    if chosen.is_missing_accepted and not chosen.note:
        raise UsageError("a gap is accepted only with a reason: add --note")
    with holding(runtime, EVERY_CLUSTER, CLOSE_JOB) as held:
        facts = BillingMonth.read(runtime, month)
        if facts.frozen is not None:
            closed = facts.frozen.recorded
            raise Conflict(f"{month} is closed already, as revision {closed.revision} by {closed.principal}")
        allocate(runtime, window=facts.hours)
        on_step("allocated")
        return _Close(runtime, principal, facts, chosen, held, on_step).run()


@dataclass(frozen=True)
class _Close:
    """One attempt to close a month, under the lease of closing."""

    runtime: Runtime
    principal: Principal
    month: BillingMonth
    options: CloseOptions
    held: HeldLease
    on_step: Callable[[str], None]

    def run(self) -> CloseOutcome:
        pin = self.runtime.warehouse.pin()
        facts = _close_facts(self.runtime, self.principal, self.month, pin)
        books = book_tables(self.runtime, self.month, facts)
        accepted = self.options.is_missing_accepted
        problems = _problems(self.runtime, self.month, facts, is_missing_accepted=accepted)
        if problems:
            raise CloseRefused(self.month.period, problems)
        if book_tables(self.runtime, self.month, facts) != books:
            raise Conflict(f"rates or journal mapping of {self.month.period} changed meanwhile: close again")
        self.on_step("checked")
        taken = self.runtime.warehouse.periods.corrections_in(self.month.period)
        tables = {**frozen_tables(self.runtime, self.month, pin, exact_of(facts)), **books}
        prepared_by = self._approve(input_hash(tables))
        if prepared_by is None:
            return CloseOutcome(self.month.period, None, self.principal.id)
        return CloseOutcome(self.month.period, self._record(facts, tables, taken, prepared_by), prepared_by)

    def _approve(self, digest: str) -> str | None:
        """Return who prepared this close; None when a second person must still approve it."""
        if not has_identities(self.runtime):
            return self.principal.id
        periods, month = self.runtime.warehouse.periods, self.month.period
        known = periods.prepared(month)
        if known is not None and known.input_hash == digest and known.principal != self.principal.id:
            return known.principal
        now = self.runtime.now()
        periods.prepare(
            Preparation(month, digest, self.principal.id, now),
            AuditNote(self.principal.id, "prepare close", month, now, {"input_hash": digest}),
        )
        return None

    def _record(
        self,
        facts: CloseFacts,
        tables: Mapping[str, EncodedTable],
        taken: Sequence[Correction],
        prepared_by: str,
    ) -> BillingPeriod:
        warehouse, month = self.runtime.warehouse, self.month.period
        last = warehouse.periods.get(month)
        revision = 1 if last is None else last.revision + 1
        now, folder = self.runtime.now(), close_folder(month, revision)
        described = {
            **_facts(self.runtime, self.month, facts),
            "revision": revision,
            "invoice_id": f"{month}-r{revision}",
            "input_hash": input_hash(tables),
            "corrections": [_described(one) for one in taken],
            "prepared_by": prepared_by,
            "approved_by": self.principal.id,
            "is_single_person": prepared_by == self.principal.id,
            "closed_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "note": self.options.note,
        }
        self.held.renew()
        digest = closed_files(self.runtime).write(folder, tables, described, self.on_step)
        period = BillingPeriod(
            period=month,
            revision=revision,
            state=PeriodState.CLOSED,
            totals=described["totals"],
            input_hash=described["input_hash"],
            manifest_hash=digest,
            folder=folder,
            prepared_by=prepared_by,
            principal=self.principal.id,
            reason=self.options.note,
            recorded_at=now,
        )
        corrections = [one.key for one in taken]
        warehouse.periods.record_close(
            period, zone=self.month.zone.key, corrections=corrections, lease=self.held.renew()
        )
        self.on_step("recorded")
        return period


def _close_facts(runtime: Runtime, principal: Principal, month: BillingMonth, pin: Pin) -> CloseFacts:
    lines, unpriced = month_lines(runtime, principal, month, "detail", pin)
    own = [line for line in lines if line.correction is None]
    checks = verify(runtime, principal, month.period, pin=pin)
    return CloseFacts(cluster_hours(runtime, month), checks, own, unpriced)


def _problems(
    runtime: Runtime, month: BillingMonth, facts: CloseFacts, *, is_missing_accepted: bool
) -> tuple[str, ...]:
    """Return what stands against closing: of the data, of bills, of the rates and of the journal."""
    lines = [*facts.lines, *posted_lines(runtime, month.period)]
    return (
        *close_problems(runtime, month, facts, is_missing_accepted=is_missing_accepted),
        *reconciliation_problems(runtime, month),
        *rate_problems(month_rates(runtime, month), lines),
        *journal_problems(runtime, month, lines),
    )


def _facts(runtime: Runtime, month: BillingMonth, facts: CloseFacts) -> dict[str, Any]:
    clusters = runtime.warehouse.clusters.list()
    return {
        "period": month.period,
        "period_start": f"{month.start:%Y-%m-%dT%H:%M:%SZ}",
        "period_end": f"{month.end:%Y-%m-%dT%H:%M:%SZ}",
        "billing_zone": month.zone.key,
        "allocation_method": METHOD_ID,
        "totals": total_rows(facts),
        "coverage": [asdict(one) for one in month_coverage(runtime, month)],
        "accepted_hours": accepted_hours(facts.hours),
        "providers": {one.name: one.provider for one in clusters if one.provider},
        "regions": {one.name: one.region for one in clusters if one.region},
        "versions": code_versions(runtime),
        "conservation": conservation_rows(facts.checks),
        "policy": policy_in_force(runtime, month.period).described(),
        "books": described_books(runtime, month),
        "disputes": dispute_rows(runtime, month.period),
        "day_count": len({line.day for line in facts.lines if line.day is not None}),
    }


def exact_of(facts: CloseFacts) -> list[ChargeLine]:
    """Return a month's lines without those that close cents."""
    return [line for line in facts.lines if line.kind is not LineKind.ROUNDING]


def total_rows(facts: CloseFacts) -> Totals:
    """Return the exact total per currency and cluster, without the lines that close cents."""
    return [
        {"currency": currency, "cluster": cluster, "effective_cost": str(amount(total))}
        for (currency, cluster), total in totals(exact_of(facts)).items()
        if cluster != ALL_CLUSTERS
    ]


def code_versions(runtime: Runtime) -> dict[str, str]:
    """Return what made the figures: code and lists, by version or hash."""
    return {
        "millicore": version("millicore"),
        "allocation": CODE_VERSION,
        "costs": COST_CODE_VERSION,
        "price_list": runtime.warehouse.prices.hash(),
        "ownership": runtime.warehouse.ownership.hash(),
    }


def _described(correction: Correction) -> dict[str, Any]:
    return {
        "restates": correction.restates,
        "sequence": correction.sequence,
        "manifest_sha256": correction.manifest_hash,
        "reason": correction.reason,
        "totals": correction.totals,
    }


def has_identities(runtime: Runtime) -> bool:
    """Whether people can be told apart, so that one prepares and another approves."""
    if runtime.settings.trusted_proxy_header is not None:
        return True
    now = runtime.now()
    return any(
        token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
        for token in runtime.warehouse.access.tokens()
    )


def reopen_period(runtime: Runtime, principal: Principal, month: str, reason: str) -> BillingPeriod:
    """Open a closed month again; its files stay, and its next close is the next revision.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    UsageError
        If no reason is given.
    Conflict
        If the month is not closed, or corrections of it were posted.
    """
    principal.require(Role.FINANCE)
    if not reason.strip():
        raise UsageError("a month is reopened only with a reason: add --reason")
    with holding(runtime, EVERY_CLUSTER, CLOSE_JOB):
        note = AuditNote(principal.id, "reopen period", month, runtime.now(), {"reason": reason})
        return runtime.warehouse.periods.change_state(month, PeriodState.OPEN, note)
