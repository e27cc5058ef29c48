"""Closing a month from the board: who closed it, who may, what stands against it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from models.vocabulary.errors import MillicoreError
from models.vocabulary.identity import Principal, Role
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.period_close import CloseOptions, CloseRefused, check_close, close_period


@dataclass(frozen=True)
class ClosingCard:
    """Whether a month is closed, in words, and whether the reader may close it."""

    month: str
    text: str
    may_close: bool


@dataclass(frozen=True)
class ClosingResult:
    """What became of a close, in words; ``problems`` are what must be fixed first."""

    text: str
    is_done: bool
    problems: tuple[str, ...] = ()


def read_closing(runtime: Runtime, principal: Principal, month: str) -> ClosingCard:
    """Return the closing card of a month."""
    recorded = runtime.warehouse.periods.get(month)
    if recorded is not None and recorded.is_frozen:
        text = say(
            "chargeback.closing.closed",
            revision=recorded.revision,
            principal=recorded.principal,
            at=f"{recorded.recorded_at:%Y-%m-%d %H:%M}Z",
            hash=recorded.manifest_hash[:12],
        )
        return ClosingCard(month, text, may_close=False)
    may_close = bool(principal.roles & {Role.FINANCE, Role.ADMIN})
    key = "open" if may_close else "not_allowed"
    return ClosingCard(month, say(f"chargeback.closing.{key}", month=month), may_close=may_close)


def list_problems(runtime: Runtime, principal: Principal, month: str) -> tuple[str, ...]:
    """Return what stands against closing a month now; empty when nothing does.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    """
    return check_close(runtime, principal, month)


def close_month(runtime: Runtime, principal: Principal, month: str, note: str) -> ClosingResult:
    """Close a month and say what became of it; a refusal is an answer, not an error."""
    try:
        outcome = close_period(runtime, principal, month, CloseOptions(note.strip() or None))
    except CloseRefused as refusal:
        return ClosingResult(say("chargeback.closing.refused"), is_done=False, problems=refusal.problems)
    except MillicoreError as problem:
        return ClosingResult(str(problem), is_done=False)
    if outcome.closed is None:
        return ClosingResult(say("chargeback.closing.prepared", month=month), is_done=True)
    return ClosingResult(
        say("chargeback.closing.done", month=month, revision=outcome.closed.revision), is_done=True
    )
