"""The right-sizing policy: one container in, a suggestion or the reason for silence out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from models.vocabulary.recommendation import NoRecommendation, Recommendation, ResourceValues
from recommender.advice import ResourceAdvice, advise_cpu, advise_memory
from recommender.explanation import explain, name_statistic
from recommender.presets import POLICY, PolicySettings, Preset
from recommender.risk import state_risk
from recommender.savings import requested_saving
from recommender.silence import Silence, explain_kept, find_silence
from recommender.subject import Subject, is_same

_NAMES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")


def recommend(
    subject: Subject, preset: Preset, settings: PolicySettings, as_of: datetime
) -> Recommendation | NoRecommendation:
    """Judge one container.

    CPU request: decayed percentile of 5-minute samples plus headroom. Memory request: maximum of the window
    plus headroom, never a percentile. Limits keep their ratio, so the quality-of-service class stays. Guard
    rails, in order: throttling and OOM kills raise, floors, LimitRange, node size, minimum history and
    largest cut for decreases only, hysteresis.

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
        Always one of the two.
    """
    silence = find_silence(subject, settings)
    if silence is not None:
        return _silent(subject, as_of, silence)
    cpu, memory = advise_cpu(subject, preset, settings), advise_memory(subject, preset, settings)
    advised = _settle(subject.current, ResourceValues(cpu.request, cpu.limit, memory.request, memory.limit))
    if advised == subject.current:
        kept = explain_kept((cpu.kept, memory.kept), settings, subject.profile.history_days)
        return _silent(subject, as_of, kept)
    return _build(subject, (preset, settings), as_of, advised, (cpu, memory))


def recommend_each(
    subjects: Sequence[tuple[Subject, Preset]], settings: PolicySettings, as_of: datetime
) -> list[Recommendation | NoRecommendation]:
    """Judge many containers, each with its preset, in order."""
    return [recommend(subject, preset, settings, as_of) for subject, preset in subjects]


def _settle(current: ResourceValues, wanted: ResourceValues) -> ResourceValues:
    """Return the wanted values, exactly the current ones where they differ by rounding only."""
    settled = {
        name: getattr(current, name)
        if is_same(getattr(current, name), getattr(wanted, name))
        else getattr(wanted, name)
        for name in _NAMES
    }
    return ResourceValues(**settled)


def _build(
    subject: Subject,
    rules: tuple[Preset, PolicySettings],
    as_of: datetime,
    advised: ResourceValues,
    advice: tuple[ResourceAdvice, ResourceAdvice],
) -> Recommendation:
    preset, settings = rules
    profile = subject.profile
    saving = requested_saving(subject.current, advised, profile.replica_count_mean, subject.prices)
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
        guard_rails=(*advice[0].rails, *advice[1].rails),
        statistic=name_statistic(preset),
        window_start=profile.window_start,
        window_end=profile.window_end,
        sample_count=profile.cpu_sample_count,
        sample_coverage_ratio=profile.sample_coverage_ratio,
        confidence=profile.confidence,
        explanation=explain(subject, preset, settings, advice, saving),
        is_small_change=_is_small(subject, advised, saving, settings),
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
