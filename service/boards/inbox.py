"""The inbox of suggestions: what is open, what it would save, and why other containers get no advice."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import Recommendation, RecommendationState
from service.boards.figures import BoardHeader, Figure
from service.boards.formats import cores, headline_money, memory, money
from service.boards.headers import build_header, read_final_days
from service.boards.savings import read_bankable
from service.boards.texts import say, say_or
from service.runtime import Runtime
from warehouse.database.recommendations import StoredRecommendation
from warehouse.reads.costs import CostReads
from warehouse.reads.suggestions import SilenceCount, SuggestionReads

OPEN = RecommendationState.PROPOSED
MOST_ROWS = 2000


@dataclass(frozen=True)
class InboxRow:
    """One suggestion in the list, worded; ``id`` finds it again."""

    id: str
    state: str
    cluster: str
    namespace: str
    workload: str
    container: str
    team: str
    cpu: str
    memory: str
    saving: Decimal | None
    currency: str | None
    risk_ratio: float
    confidence: float
    is_increase: bool
    is_small: bool


@dataclass(frozen=True)
class SilenceRow:
    """One reason for silence with its count."""

    reason: str
    meaning: str
    container_count: int


@dataclass(frozen=True)
class Inbox:
    """All that the suggestions board shows beside the detail."""

    header: BoardHeader
    figures: tuple[Figure, ...]
    rows: tuple[InboxRow, ...]
    teams: tuple[str, ...]
    clusters: tuple[str, ...]
    currency: str
    silences: tuple[SilenceRow, ...]
    has_any: bool
    owns_nothing: bool


def read_inbox(runtime: Runtime, principal: Principal) -> Inbox:
    """Return every suggestion that the principal may see, the largest saving first.

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    """
    stored = runtime.warehouse.recommendations.list(principal)
    reads = SuggestionReads(runtime.warehouse.database)
    rows = tuple(build_row(one) for one in stored[:MOST_ROWS])
    currency = _main_currency(stored, runtime.settings.reporting_currency)
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    final, is_simulated = read_final_days(runtime, principal, costs)
    header = build_header(runtime, say("suggestions.title"), final, is_simulated=is_simulated)
    return Inbox(
        header=header,
        figures=build_inbox_figures(stored, currency, read_bankable(runtime, principal, currency)),
        rows=rows,
        teams=tuple(sorted({row.team for row in rows})),
        clusters=tuple(sorted({row.cluster for row in rows})),
        currency=currency,
        silences=build_silences(reads.silences(principal)),
        has_any=bool(stored),
        owns_nothing=not principal.sees_all_teams and Role.OWNER in principal.roles and not principal.teams,
    )


def _main_currency(stored: list[StoredRecommendation], reporting: str) -> str:
    found = sorted({one.recommendation.currency for one in stored if one.recommendation.currency})
    return reporting if reporting in found or not found else found[0]


def build_row(stored: StoredRecommendation) -> InboxRow:
    """Return one suggestion as a row of the list."""
    advice = stored.recommendation
    workload = advice.key.workload
    return InboxRow(
        id=stored.id,
        state=stored.state,
        cluster=workload.cluster,
        namespace=workload.namespace,
        workload=workload.name,
        container=advice.key.container,
        team=stored.team or say("team.unowned"),
        cpu=change_text(cores(advice.current.cpu_request_cores), cores(advice.advised.cpu_request_cores)),
        memory=change_text(
            memory(advice.current.memory_request_bytes), memory(advice.advised.memory_request_bytes)
        ),
        saving=advice.requested_saving_per_month,
        currency=advice.currency,
        risk_ratio=advice.risk.cpu_over_request_ratio,
        confidence=advice.confidence,
        is_increase=advice.is_increase,
        is_small=advice.is_small_change,
    )


def change_text(before: str, after: str) -> str:
    """Return a change of a value; an unchanged one is written once."""
    return before if before == after else say("suggestions.change", before=before, after=after)


def build_inbox_figures(
    stored: list[StoredRecommendation], currency: str, bankable: Decimal | None
) -> tuple[Figure, ...]:
    """Return the figures above the list. Requested and bankable savings are never added."""
    waiting = [one.recommendation for one in stored if one.state is OPEN]
    snoozed = [one.recommendation for one in stored if one.state is RecommendationState.SNOOZED]
    increases = [advice for advice in waiting if advice.is_increase]
    per_month = say("suggestions.per_month")
    return (
        Figure(
            "open",
            say("suggestions.open_count"),
            f"{len(waiting):,}",
            explanation=say("suggestions.open_help"),
        ),
        Figure(
            "requested",
            say("suggestions.requested"),
            headline_money(_savings(waiting, currency), currency),
            note=per_month,
            explanation=say("suggestions.requested_help"),
        ),
        Figure(
            "bankable",
            say("suggestions.bankable"),
            say("not_measured") if bankable is None else headline_money(bankable, currency),
            note="" if bankable is None else per_month,
            explanation=say("suggestions.bankable_help"),
        ),
        Figure(
            "increases",
            say("suggestions.safety"),
            f"{len(increases):,}",
            explanation=say("suggestions.safety_help"),
        ),
        Figure(
            "snoozed",
            say("suggestions.snoozed"),
            f"{len(snoozed):,}",
            note=f"{money(_savings(snoozed, currency), currency)} {per_month}" if snoozed else "",
            explanation=say("suggestions.snoozed_help"),
        ),
    )


def _savings(advice: list[Recommendation], currency: str) -> Decimal:
    amounts = (one.requested_saving_per_month for one in advice if one.currency == currency)
    return sum((amount for amount in amounts if amount is not None and amount > 0), Decimal(0))


def build_silences(counts: list[SilenceCount]) -> tuple[SilenceRow, ...]:
    """Return the reasons for silence with what they mean."""
    return tuple(
        SilenceRow(count.reason, say_or(f"silence.{count.reason}", count.reason), count.container_count)
        for count in counts
    )


def filter_rows(
    rows: tuple[InboxRow, ...], *, state: str, team: str | None, cluster: str | None, kind: str
) -> tuple[InboxRow, ...]:
    """Return the rows that match the filters of the page.

    Parameters
    ----------
    rows : tuple of InboxRow
    state : str
        A state, or ``all``.
    team, cluster : str or None
        None shows all.
    kind : str
        ``all``, ``save``, ``raise`` or ``small``; small changes show only when asked for.
    """
    return tuple(
        row
        for row in rows
        if _is_kind(row, kind)
        and state in ("all", row.state)
        and team in (None, row.team)
        and cluster in (None, row.cluster)
    )


def _is_kind(row: InboxRow, kind: str) -> bool:
    if kind == "small":
        return row.is_small
    if kind == "raise":
        return row.is_increase
    return not row.is_small and (kind == "all" or (row.saving or 0) > 0)
