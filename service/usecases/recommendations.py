"""Suggestions: made for every container of a cluster, listed, explained, decided, seen to be applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase

from models.profiles.build import ProfileSet
from models.vocabulary.identity import Principal, Role, WorkloadKey
from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.recommendation import (
    NoRecommendation,
    Recommendation,
    RecommendationState,
    RejectionReason,
    SilenceReason,
)
from models.vocabulary.windows import DAY, floor_hour, to_utc
from recommender.life import is_applied, values_in_force
from recommender.policy import recommend_each
from recommender.presets import POLICY, PRESETS, PolicySettings, Preset, find_preset
from recommender.subject import Constraints, Subject, UnitPrices
from service.progress import Progress
from service.runtime import Runtime
from service.usecases.profiles import build_histograms, cluster_names, profile_window, read_profile_set
from service.usecases.unit_prices import read_teams, read_unit_prices
from service.usecases.workload_constraints import WorkloadRules, read_rules
from warehouse.database.recommendations import (
    RecommendationEvent,
    RecommendationRun,
    StoredRecommendation,
    StoredSilence,
)

MACHINE = Principal("millicore", frozenset({Role.PLATFORM}))
"""Who is named when the cluster itself shows that a suggestion was applied."""

_State = RecommendationState


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
    said: list[Recommendation | NoRecommendation] = []
    applied = 0
    old_data = {}
    for name in clusters:
        known_until = _newest_data(runtime, name, moment)
        if moment - known_until > DAY:
            old_data[name] = known_until
        window = profile_window(runtime, known_until)
        build_histograms(runtime, cluster=name, window=window, progress=progress)
        profiles = read_profile_set(runtime, name, known_until, progress=progress)
        applied += _mark_applied(runtime, name, profiles.profiles, known_until)
        answers = judge(runtime, name, profiles, known_until)
        _save(runtime, name, answers, known_until)
        said.extend(answers)
    return replace(_summarise(said, moment, tuple(clusters), applied), old_data=old_data)


def _newest_data(runtime: Runtime, cluster: str, as_of: datetime) -> datetime:
    """Return the end of the newest stored hour, at most ``as_of``.

    Where nothing was stored for days, nothing is known of those days: containers have not gone.
    """
    span = runtime.warehouse.ledger.span(cluster)
    return as_of if span is None else max(min(as_of, span.end), span.start)


def judge(
    runtime: Runtime, cluster: str, profiles: ProfileSet, as_of: datetime
) -> list[Recommendation | NoRecommendation]:
    """Return the policy's answer for each profile of a cluster, in order; nothing is stored."""
    rules = read_rules(runtime, cluster, as_of)
    prices = read_unit_prices(runtime, cluster, as_of)
    subjects = [
        (
            Subject(
                profile,
                evidence,
                _constraints(rules, profile),
                prices.get(profile.key.workload, UnitPrices()),
            ),
            choose_preset(runtime, rules, profile),
        )
        for profile, evidence in zip(profiles.profiles, profiles.evidence, strict=True)
    ]
    return recommend_each(subjects, policy_settings(runtime), as_of)


def policy_settings(runtime: Runtime) -> PolicySettings:
    """Return the policy's settings from those of the process."""
    settings = runtime.settings
    return PolicySettings(
        minimum_history_days_decrease=settings.minimum_history_days,
        hysteresis_ratio=settings.hysteresis_ratio,
        minimum_monthly_saving=settings.minimum_monthly_saving,
        currency=settings.reporting_currency,
    )


def choose_preset(runtime: Runtime, rules: WorkloadRules, profile: ResourceProfile) -> Preset:
    """Return a container's preset: the owner's annotation, a rule of the settings, batch, the default."""
    key = profile.key.workload
    asked = rules.risk_class(key)
    if asked in PRESETS:
        return PRESETS[asked]
    for rule in runtime.settings.risk_class_rules:
        if (
            fnmatchcase(key.cluster, rule.cluster)
            and fnmatchcase(key.namespace, rule.namespace)
            and fnmatchcase(key.name, rule.workload)
        ):
            return find_preset(rule.risk_class)
    if profile.workload_class is WorkloadClass.BATCH:
        return PRESETS["batch"]
    return find_preset(runtime.settings.risk_class)


def _constraints(rules: WorkloadRules, profile: ResourceProfile) -> Constraints:
    return rules.constraints(profile.key.workload)


def _save(
    runtime: Runtime, cluster: str, answers: list[Recommendation | NoRecommendation], as_of: datetime
) -> None:
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


def _mark_applied(runtime: Runtime, cluster: str, profiles: list[ResourceProfile], as_of: datetime) -> int:
    """Move suggestions to applied whose values the cluster runs with, and return how many."""
    repository = runtime.warehouse.recommendations
    seen = values_in_force(profiles)
    count = 0
    for stored in repository.list(MACHINE, states={_State.PROPOSED, _State.ACCEPTED}, cluster=cluster):
        # Values first: the events of a suggestion are read only where they can matter.
        if not is_applied(stored.recommendation, seen, stored.recommendation.as_of):
            continue
        if is_applied(stored.recommendation, seen, repository.events(stored.id)[-1].occurred_at):
            repository.decide(
                stored.id,
                etag=stored.etag,
                principal=MACHINE,
                state=_State.APPLIED,
                at=as_of,
                note="the cluster runs with the advised values",
            )
            count += 1
    return count


def _summarise(
    said: list[Recommendation | NoRecommendation],
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


@dataclass(frozen=True)
class Explanation:
    """One suggestion with its evidence and its life, oldest event first."""

    stored: StoredRecommendation
    events: tuple[RecommendationEvent, ...]


def explain(runtime: Runtime, principal: Principal, recommendation_id: str) -> Explanation:
    """Return one suggestion with its life.

    Raises
    ------
    NotFound
        If there is none of that id, or the principal may not see it.
    """
    repository = runtime.warehouse.recommendations
    stored = repository.get(recommendation_id, principal)
    return Explanation(stored, tuple(repository.events(recommendation_id, principal)))


def accept(
    runtime: Runtime, principal: Principal, recommendation_id: str, etag: str, *, note: str | None = None
) -> RecommendationEvent:
    """Accept a suggestion as it was shown; its content is frozen from then on.

    Raises
    ------
    NotFound, Forbidden, Conflict
        If there is none, the principal has no right to it, or it changed since it was read.
    """
    return _decide(runtime, principal, recommendation_id, etag, _State.ACCEPTED, note=note)


def reject(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    *,
    reason: RejectionReason,
    note: str | None = None,
) -> RecommendationEvent:
    """Reject a suggestion, with the reason. Raises as `accept` does."""
    return _decide(runtime, principal, recommendation_id, etag, _State.REJECTED, reason=reason, note=note)


def snooze(
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    *,
    until: datetime,
    note: str | None = None,
) -> RecommendationEvent:
    """Put a suggestion off until a time. Raises as `accept` does, and if the time is not in the future."""
    moment = to_utc(until)
    return _decide(runtime, principal, recommendation_id, etag, _State.SNOOZED, until=moment, note=note)


def _decide(  # noqa: PLR0913 - passes on every part of a decision
    runtime: Runtime,
    principal: Principal,
    recommendation_id: str,
    etag: str,
    state: RecommendationState,
    *,
    reason: RejectionReason | None = None,
    until: datetime | None = None,
    note: str | None = None,
) -> RecommendationEvent:
    return runtime.warehouse.recommendations.decide(
        recommendation_id,
        etag=etag,
        principal=principal,
        state=state,
        at=runtime.now(),
        reason=reason,
        until=until,
        note=note,
    )
