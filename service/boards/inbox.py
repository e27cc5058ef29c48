"""The inbox of suggestions: what is open, what it would save, and why other containers get no advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import Recommendation
from models.vocabulary.suggestion_life import RecommendationState
from recommender.regret import RegretRow
from service.boards.currencies import main_currency
from service.boards.figures import BoardHeader, Figure
from service.boards.formats import headline_money, money, percent, plain_cores, plain_gib
from service.boards.headers import build_header, read_final_days
from service.boards.savings import read_bankable
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases.regret import read_regret
from warehouse.database.recommendations import StoredRecommendation
from warehouse.reads.costs import CostReads
from warehouse.reads.suggestions import SilenceCount, SuggestionReads

OPEN = RecommendationState.PROPOSED
MOST_ROWS = 2000
_DECIDERS = frozenset({Role.OWNER, Role.PLATFORM, Role.ADMIN})


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
    kind: str
    raised: str
    saving: Decimal | None
    currency: str | None
    risk_ratio: float
    confidence: float
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
    may_decide: bool


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
        figures=(
            *build_inbox_figures(stored, currency, read_bankable(runtime, principal, currency)),
            build_regret_figure(read_regret(runtime, principal)),
        ),
        rows=rows,
        teams=tuple(sorted({row.team for row in rows})),
        clusters=tuple(sorted({row.cluster for row in rows})),
        currency=currency,
        silences=build_silences(reads.silences(principal)),
        has_any=bool(stored),
        owns_nothing=not principal.sees_all_teams and Role.OWNER in principal.roles and not principal.teams,
        may_decide=bool(principal.roles & _DECIDERS),
    )


def _main_currency(stored: list[StoredRecommendation], reporting: str) -> str:
    found = sorted({one.recommendation.currency for one in stored if one.recommendation.currency})
    return main_currency(found, reporting)


def build_row(stored: StoredRecommendation) -> InboxRow:
    """Return one suggestion as a row of the list."""
    advice, wanted = stored.recommendation, stored.wanted
    workload = advice.key.workload
    is_agreed = stored.agreed is not None
    return InboxRow(
        id=stored.id,
        state=stored.state,
        cluster=workload.cluster,
        namespace=workload.namespace,
        workload=workload.name,
        container=advice.key.container,
        team=stored.team or say("team.unowned"),
        cpu=change_text(plain_cores(advice.current.cpu_request_cores), plain_cores(wanted.cpu_request_cores)),
        memory=change_text(
            plain_gib(advice.current.memory_request_bytes), plain_gib(wanted.memory_request_bytes)
        ),
        kind=kind_of(advice),
        raised=", ".join(say(f"resource.{name}") for name in raised_resources(advice)),
        saving=stored.agreed_saving_per_month if is_agreed else advice.requested_saving_per_month,
        currency=advice.currency,
        risk_ratio=advice.risk.cpu_over_request_ratio,
        confidence=advice.confidence,
        is_small=advice.is_small_change,
    )


def raised_resources(advice: Recommendation) -> list[str]:
    """Return the resources whose request would grow, or would be set for the first time."""
    now, then = advice.current, advice.advised
    pairs = {
        "cpu": (now.cpu_request_cores, then.cpu_request_cores),
        "memory": (now.memory_request_bytes, then.memory_request_bytes),
    }
    return [
        name
        for name, (before, after) in pairs.items()
        if after is not None and (before is None or after > before)
    ]


def kind_of(advice: Recommendation) -> str:
    """Return ``save`` (nothing grows), ``raise`` (nothing shrinks) or ``mixed`` (one of each)."""
    now, then = advice.current, advice.advised
    pairs = (
        (now.cpu_request_cores, then.cpu_request_cores),
        (now.memory_request_bytes, then.memory_request_bytes),
    )
    is_cut = any(before is not None and (after is None or after < before) for before, after in pairs)
    if not raised_resources(advice):
        return "save"
    return "mixed" if is_cut else "raise"


def change_text(before: str, after: str) -> str:
    """Return a change of a value; an unchanged one is written once."""
    return before if before == after else say("suggestions.change", before=before, after=after)


def build_inbox_figures(
    stored: list[StoredRecommendation], currency: str, bankable: Decimal | None
) -> tuple[Figure, ...]:
    """Return the figures above the list. Requested and bankable savings are never added."""
    waiting = [one.recommendation for one in stored if one.state is OPEN]
    snoozed = [one.recommendation for one in stored if one.state is RecommendationState.SNOOZED]
    kinds = Counter(kind_of(advice) for advice in waiting)
    per_month = say("suggestions.per_month")
    return (
        Figure(
            "open",
            say("suggestions.open_count"),
            f"{len(waiting):,}",
            note=say("suggestions.save_count", count=f"{kinds['save']:,}"),
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
            f"{kinds['raise']:,}",
            note=say("suggestions.mixed_count", count=f"{kinds['mixed']:,}"),
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


def build_regret_figure(rows: Sequence[RegretRow]) -> Figure:
    """Return how often applied suggestions were taken back, with its interval; never a bare 0 of 0."""
    whole = next((row for row in rows if row.dimension == "all"), None)
    label, explanation = say("suggestions.regret"), say("suggestions.regret_help")
    if whole is None or whole.regret_ratio is None:
        return Figure(
            "regret", label, say("not_measured"), note=say("suggestions.regret_none"), explanation=explanation
        )
    note = say(
        "suggestions.regret_note",
        taken_back=f"{whole.regretted_count:,}",
        applied=f"{whole.applied_count:,}",
        lower=percent(whole.low_ratio, digits=0),
        upper=percent(whole.high_ratio, digits=0),
    )
    return Figure("regret", label, percent(whole.regret_ratio), note=note, explanation=explanation)


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
        ``all``, ``save``, ``mixed``, ``raise`` or ``small``; small changes show only when asked for.
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
    if kind == "all":
        return not row.is_small or row.kind == "raise"
    return row.kind == kind and (kind != "save" or not row.is_small)
