"""The right-sizing policy: one container in, a suggestion or the reason for silence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from models.vocabulary.recommendation import (
    NoRecommendation,
    Recommendation,
    ResourceValues,
    SilenceReason,
)
from models.vocabulary.replicas import HpaChange
from recommender.advice import ResourceAdvice, advise_cpu, advise_memory, keep
from recommender.constraints import QuotaRoom
from recommender.constraints_limit_range import find_refusals
from recommender.explanation import build_record, name_statistic
from recommender.groups import group_id
from recommender.hpa import rescale_hpa
from recommender.presets import POLICY, PolicySettings, Preset
from recommender.risk import state_risk
from recommender.savings import requested_saving
from recommender.silence import Silence, explain_kept, find_silence, may_raise_after_kill
from recommender.subject import Subject, is_same

Advice = tuple[ResourceAdvice, ResourceAdvice]
"""Of CPU and of memory."""


def recommend(
    subject: Subject, preset: Preset, settings: PolicySettings, as_of: datetime
) -> Recommendation | NoRecommendation:
    """Judge one container.

    CPU and memory requests come from the statistic of the subject's basis, for the risk that the preset
    states. Limits keep their ratio, so the quality-of-service class stays. Guard rails raise for OOM kills,
    throttling, start-up and the last 24 hours, hold back decreases without history or before a known peak,
    and keep the answer within LimitRange, quota and node.

    Parameters
    ----------
    subject : Subject
    preset : Preset
    settings : PolicySettings
    as_of : datetime
        Event time of the advice; no clock is read.

    Returns
    -------
    Recommendation or NoRecommendation
        Always one of the two. An answer that the API server would refuse is never given.
    """
    silence = find_silence(subject, settings)
    if silence is None:
        advice = (advise_cpu(subject, preset, settings), advise_memory(subject, preset, settings))
    elif may_raise_after_kill(subject, silence[0]):
        advice = (keep(subject, "cpu", None, silence[0]), advise_memory(subject, preset, settings))
    else:
        return _silent(subject, as_of, silence)
    advised = _settle(subject.current, advice)
    hpa = _rescale(subject, advised)
    if hpa is not None and not hpa.is_possible:
        advice = _hold_scaled(subject, advice, hpa)
        advised = _settle(subject.current, advice)
        silence = silence or (SilenceReason.SCALED_BY_HPA, hpa.reason)
        hpa = _rescale(subject, advised)
    if advised == subject.current:
        return _silent(subject, as_of, silence or explain_kept(advice, subject, settings))
    if subject.constraints.limit_rules:
        refused = find_refusals(advised, subject.constraints.limit_rules, subject.constraints.siblings)
        if refused:
            why = f"Values that fit would be refused here: {'; '.join(refused)}."
            return _silent(subject, as_of, (SilenceReason.FORBIDDEN_BY_LIMIT_RANGE, why))
    return _build(subject, (preset, settings), as_of, advised, (advice, hpa))


def recommend_each(
    subjects: Sequence[tuple[Subject, Preset]], settings: PolicySettings, as_of: datetime
) -> list[Recommendation | NoRecommendation]:
    """Judge many containers, each with its preset, in order.

    Where a quota limits a namespace, an increase takes its part of what is left from those after it.
    """
    left: dict[str, QuotaRoom] = {}
    answers: list[Recommendation | NoRecommendation] = []
    for subject, preset in subjects:
        quota = subject.constraints.quota
        if quota is None:
            answers.append(recommend(subject, preset, settings, as_of))
            continue
        namespace = subject.profile.key.workload.namespace
        room = left.setdefault(namespace, quota)
        limited = replace(subject, constraints=replace(subject.constraints, quota=room))
        answer = recommend(limited, preset, settings, as_of)
        if isinstance(answer, Recommendation):
            pods = max(answer.replica_count_mean, 1.0)
            surge = subject.constraints.surge_replicas
            left[namespace] = room.after(answer.current, answer.advised, pods, surge)
        answers.append(answer)
    return answers


def _settle(current: ResourceValues, advice: Advice) -> ResourceValues:
    """Return the advised values, exactly the current ones where they differ by rounding only."""
    cpu, memory = advice
    return ResourceValues(
        *(
            now if is_same(now, then) else then
            for now, then in (
                (current.cpu_request_cores, cpu.request),
                (current.cpu_limit_cores, cpu.limit),
                (current.memory_request_bytes, memory.request),
                (current.memory_limit_bytes, memory.limit),
            )
        )
    )


def _rescale(subject: Subject, advised: ResourceValues) -> HpaChange | None:
    """Return how the autoscaler must change with the values, None where it need not."""
    constraints = subject.constraints
    if constraints.scaler is None or advised == subject.current:
        return None
    container = subject.profile.key.container
    return rescale_hpa(constraints.scaler, container, subject.current, advised, constraints.pod_others)


def _hold_scaled(subject: Subject, advice: Advice, change: HpaChange) -> Advice:
    """Return the advice with resources as they are whose autoscaler cannot follow."""
    blocked = change.blocked_resources
    cpu, memory = (
        keep(subject, resource, one.wanted, SilenceReason.SCALED_BY_HPA) if resource in blocked else one
        for resource, one in zip(("cpu", "memory"), advice, strict=True)
    )
    return cpu, memory


def _build(
    subject: Subject,
    rules: tuple[Preset, PolicySettings],
    as_of: datetime,
    advised: ResourceValues,
    found: tuple[Advice, HpaChange | None],
) -> Recommendation:
    (preset, settings), (advice, hpa) = rules, found
    profile = subject.profile
    saving = requested_saving(subject.current, advised, profile.replica_count_mean, subject.prices)
    record = build_record(subject, settings, advised, advice, saving)
    return Recommendation(
        key=profile.key,
        policy=POLICY,
        risk_class=preset.name,
        as_of=as_of,
        current=subject.current,
        advised=advised,
        replica_count_mean=profile.replica_count_mean,
        requested_saving_per_month=saving,
        currency=subject.prices.currency if saving is not None else None,
        risk=state_risk(subject, advised),
        guard_rails=record.guard_rails,
        statistic=name_statistic(advice),
        window_start=profile.window_start,
        window_end=profile.window_end,
        sample_count=profile.cpu_sample_count,
        sample_coverage_ratio=profile.sample_coverage_ratio,
        confidence=profile.confidence,
        explanation=record.sentence,
        is_small_change=_is_small(subject, advised, saving, settings),
        record=record,
        group_id=group_id(profile.key, subject.constraints.group),
        is_injected=subject.constraints.is_injected,
        hpa=hpa,
    )


def _is_small(
    subject: Subject, advised: ResourceValues, saving: Decimal | None, settings: PolicySettings
) -> bool:
    """Whether it only saves, and less than the minimum (increases for safety are never small)."""
    if saving is None or saving < 0 or settings.currency not in {None, subject.prices.currency}:
        return False
    now = subject.current
    rises = any(
        (getattr(advised, name) or 0.0) > (getattr(now, name) or 0.0)
        for name in ("cpu_request_cores", "memory_request_bytes", "memory_limit_bytes")
    )
    return not rises and saving < settings.minimum_monthly_saving


def _silent(subject: Subject, as_of: datetime, silence: Silence) -> NoRecommendation:
    reason, sentence = silence
    return NoRecommendation(subject.profile.key, POLICY, as_of, reason, sentence)
