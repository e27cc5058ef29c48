"""Suggestions: made for every container of a cluster, stored and listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.recommendation import NoRecommendation, Recommendation, SilenceReason
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import DAY, floor_hour, to_utc
from recommender.groups import group_suggestions
from recommender.presets import POLICY
from service.progress import Progress
from service.runtime import Runtime
from service.usecases.effects import observe_effects
from service.usecases.fleet_guard import note_fault
from service.usecases.judging import Answer, first_data_after, judge_cluster, newest_data
from service.usecases.profiles import cluster_names
from service.usecases.unit_prices import read_teams
from warehouse.database.recommendations import (
    RecommendationRun,
    StoredRecommendation,
    StoredSilence,
)

__all__ = [
    "Preview",
    "RunSummary",
    "group_suggestions",
    "list_recommendations",
    "list_silences",
    "preview_recommendations",
    "recommend_all",
]


@dataclass(frozen=True)
class RunSummary:
    """What one run said.

    Parameters
    ----------
    as_of : datetime
    clusters : tuple of str
    recommendation_count, small_change_count : int
        Suggestions, and how many of them are folded into small changes.
    silences : mapping of SilenceReason to int
    requested_savings : mapping of str to Decimal
        By currency, per month of 720 hours, of suggestions that cost less; not yet money.
    requested_increases : mapping of str to Decimal
        The same for suggestions that cost more, as positive amounts.
    unpriced_count : int
        Suggestions without a saving because a price is missing.
    applied_count : int
        Suggestions that the cluster was seen to run with.
    old_data : mapping of str to datetime
        End of the newest stored hour of each cluster that was judged by data over a day old.
    no_data : mapping of str to datetime
        First stored hour of each cluster of which nothing is stored before ``as_of``: it was not judged.
    """

    as_of: datetime
    clusters: tuple[str, ...]
    recommendation_count: int
    small_change_count: int
    silences: Mapping[SilenceReason, int]
    requested_savings: Mapping[str, Decimal]
    requested_increases: Mapping[str, Decimal]
    unpriced_count: int
    applied_count: int
    old_data: Mapping[str, datetime]
    no_data: Mapping[str, datetime]


@dataclass(frozen=True)
class Preview:
    """What would have been advised at an event time; none of it is stored.

    Parameters
    ----------
    as_of : datetime
    advised : tuple of (Recommendation, team or None)
        The largest requested saving first.
    silent : tuple of (NoRecommendation, team or None)
    old_data : mapping of str to datetime
        End of the newest stored hour of each cluster of which nothing is stored up to ``as_of``.
    no_data : mapping of str to datetime
        As of `RunSummary`.
    """

    as_of: datetime
    advised: tuple[tuple[Recommendation, str | None], ...]
    silent: tuple[tuple[NoRecommendation, str | None], ...]
    old_data: Mapping[str, datetime]
    no_data: Mapping[str, datetime]


def recommend_all(
    runtime: Runtime,
    as_of: datetime | None = None,
    *,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> RunSummary:
    """Judge every container and store what the policy says; twice changes nothing.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Only data before this event time is used; now by default.
    cluster : str, optional
        None covers all.
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    clusters = cluster_names(runtime, cluster)
    said: list[Answer] = []
    applied = 0
    old_data, no_data = {}, {}
    for name in clusters:
        first = first_data_after(runtime, name, moment)
        if first is not None:
            no_data[name] = first
            continue
        known_until = newest_data(runtime, name, moment)
        if moment - known_until > DAY:
            old_data[name] = known_until
        applied += observe_effects(runtime, name, known_until, progress).applied_count
        judged = judge_cluster(runtime, name, moment, progress=progress)
        _save(runtime, name, judged.answers, judged.known_until)
        note_fault(runtime, name, judged.known_until)
        said.extend(judged.answers)
    summary = _summarise(said, moment, tuple(clusters), applied)
    return replace(summary, old_data=old_data, no_data=no_data)


def preview_recommendations(
    runtime: Runtime,
    principal: Principal,
    as_of: datetime,
    *,
    cluster: str | None = None,
    team: str | None = None,
    progress: Progress | None = None,
) -> Preview:
    """Return what would have been advised at a past time, judged anew with only data before it.

    No suggestion, event or reason is stored. Teams are those of the time.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Sees its own teams only.
    as_of : datetime
    cluster, team : str, optional
    progress : Progress, optional
    """
    visible = principal.visible_teams()
    moment = floor_hour(to_utc(as_of))
    advised: list[tuple[Recommendation, str | None]] = []
    silent: list[tuple[NoRecommendation, str | None]] = []
    old_data, no_data = {}, {}
    for name in cluster_names(runtime, cluster):
        first = first_data_after(runtime, name, moment)
        if first is not None:
            no_data[name] = first
            continue
        judged = judge_cluster(runtime, name, moment, progress=progress)
        if judged.known_until < moment:
            old_data[name] = judged.known_until
        teams = read_teams(runtime, name, judged.known_until)
        for answer in judged.answers:
            owner = teams.get(answer.key.workload)
            if (visible is not None and owner not in visible) or team not in (None, owner):
                continue
            if isinstance(answer, Recommendation):
                advised.append((answer, owner))
            else:
                silent.append((answer, owner))
    advised.sort(key=lambda pair: (-(pair[0].requested_saving_per_month or Decimal(0)), pair[0].key))
    return Preview(moment, tuple(advised), tuple(silent), old_data, no_data)


def _save(runtime: Runtime, cluster: str, answers: Sequence[Answer], as_of: datetime) -> None:
    teams: dict[WorkloadKey, str | None] = read_teams(runtime, cluster, as_of)
    runtime.warehouse.recommendations.save_run(
        RecommendationRun(
            policy=POLICY,
            as_of=as_of,
            clusters=(cluster,),
            recommendations=tuple(said for said in answers if isinstance(said, Recommendation)),
            silences=tuple(said for said in answers if isinstance(said, NoRecommendation)),
            teams=teams,
        )
    )


def _summarise(
    said: Sequence[Answer],
    as_of: datetime,
    clusters: tuple[str, ...],
    applied: int,
) -> RunSummary:
    suggestions = [answer for answer in said if isinstance(answer, Recommendation)]
    savings: dict[str, Decimal] = {}
    increases: dict[str, Decimal] = {}
    for suggestion in suggestions:
        saving, currency = suggestion.requested_saving_per_month, suggestion.currency
        if saving is not None and currency is not None:
            sums = savings if saving >= 0 else increases
            sums[currency] = sums.get(currency, Decimal(0)) + abs(saving)
    reasons = Counter(answer.reason for answer in said if isinstance(answer, NoRecommendation))
    return RunSummary(
        as_of=as_of,
        clusters=clusters,
        recommendation_count=len(suggestions),
        small_change_count=sum(suggestion.is_small_change for suggestion in suggestions),
        silences=dict(sorted(reasons.items())),
        requested_savings=savings,
        requested_increases=increases,
        unpriced_count=sum(suggestion.requested_saving_per_month is None for suggestion in suggestions),
        applied_count=applied,
        old_data={},
        no_data={},
    )


def list_recommendations(
    runtime: Runtime,
    principal: Principal,
    *,
    states: Collection[RecommendationState] | None = None,
    cluster: str | None = None,
    team: str | None = None,
) -> list[StoredRecommendation]:
    """Return the suggestions that a principal may see, the largest requested saving first."""
    return runtime.warehouse.recommendations.list(principal, states=states, cluster=cluster, team=team)


def list_silences(
    runtime: Runtime, principal: Principal, *, cluster: str | None = None, team: str | None = None
) -> list[StoredSilence]:
    """Return why containers have no suggestion, as far as the principal may see."""
    return list(runtime.warehouse.recommendations.silences(principal, cluster=cluster, team=team))
