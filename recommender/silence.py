"""Reasons to say nothing: every container ends with a suggestion or with one of these."""

from __future__ import annotations

from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.recommendation import SilenceReason
from recommender.advice_basis import ResourceAdvice
from recommender.presets import PolicySettings
from recommender.subject import Subject

SHORTEST_MEASURABLE_SECONDS = 300.0

Silence = tuple[SilenceReason, str]

_ABOUT_DATA = frozenset(
    {
        SilenceReason.TOO_LITTLE_HISTORY,
        SilenceReason.TOO_FEW_SAMPLES,
        SilenceReason.SHORT_LIVED,
        SilenceReason.NO_USAGE_MEASURED,
        SilenceReason.DORMANT,
    }
)


def find_silence(subject: Subject, settings: PolicySettings) -> Silence | None:
    """Return why nothing is said about the container whatever its numbers, or None."""
    profile, constraints = subject.profile, subject.constraints
    if profile.container_kind == "(pod)":
        return SilenceReason.NOT_A_CONTAINER, "Overhead that the pod requests beyond its containers."
    if constraints.is_opted_out:
        return SilenceReason.OPTED_OUT, "Its owner opted out by annotation."
    if constraints.excludes("cpu") and constraints.excludes("memory"):
        return SilenceReason.EXCLUDED, f"It is {constraints.excluded_because}."
    return _about_presence(subject, settings) or _about_data(subject, settings)


def may_raise_after_kill(subject: Subject, reason: SilenceReason) -> bool:
    """Whether an OOM kill asks for more memory although the data would not carry any other advice.

    A container that is killed as soon as it starts never gathers the history that a percentile needs.
    """
    return subject.was_oom_killed and reason in _ABOUT_DATA and not subject.has_no_requests


def _about_presence(subject: Subject, settings: PolicySettings) -> Silence | None:
    profile = subject.profile
    is_batch = profile.workload_class is WorkloadClass.BATCH
    renamed = subject.constraints.renamed_to
    allowed = settings.batch_gone_after_hours if is_batch and renamed is None else settings.gone_after_hours
    hours_ago = profile.last_seen_hours_ago
    if hours_ago is None or hours_ago >= allowed:
        when = "in the whole window" if hours_ago is None else f"for {hours_ago:.0f} hours"
        if renamed is not None:
            return SilenceReason.RENAMED, f"It has not run {when} under this name; it runs as {renamed} now."
        return SilenceReason.GONE, f"It has not run {when}."
    if profile.cpu_sample_count == 0 and profile.memory_sample_count == 0:
        return SilenceReason.NO_USAGE_MEASURED, "It ran, but no use of CPU or memory was measured."
    return None


def _about_data(subject: Subject, settings: PolicySettings) -> Silence | None:
    profile = subject.profile
    if profile.history_days < settings.minimum_history_days_increase:
        return SilenceReason.TOO_LITTLE_HISTORY, _too_young(profile, settings)
    if profile.container_kind == "init" and profile.is_short_lived:
        return SilenceReason.SHORT_LIVED, "An init container that ends before 5-minute values can show it."
    if profile.sample_coverage_ratio < settings.minimum_coverage_ratio:
        return (
            SilenceReason.TOO_FEW_SAMPLES,
            f"Only {profile.sample_coverage_ratio:.0%} of its running time was observed.",
        )
    if profile.cpu_sample_count < settings.minimum_sample_count:
        return _too_few(profile, settings)
    if profile.workload_class is WorkloadClass.DORMANT and profile.container_kind != "sidecar":
        return SilenceReason.DORMANT, f"It {profile.class_reason}; ask whether it is still needed."
    if subject.has_no_requests and not subject.constraints.allows_qos_change:
        return (
            SilenceReason.WITHOUT_REQUESTS,
            "It sets no request and no limit; setting one would change its quality-of-service class from "
            "BestEffort to Burstable. The setting advise_without_requests or the annotation "
            "millicore.io/allow-qos-change allows it.",
        )
    return None


def _too_young(profile: ResourceProfile, settings: PolicySettings) -> str:
    days = profile.history_days
    age = f"{days:.1f} days" if days >= 1 else f"{days * 24:.0f} hours"
    return (
        f"{age} of history; {settings.minimum_history_days_increase:g} days are needed to raise and "
        f"{settings.minimum_history_days_decrease:g} to lower a request."
    )


def _too_few(profile: ResourceProfile, settings: PolicySettings) -> Silence:
    if profile.is_short_lived:
        runs = f" over {profile.run_count} runs" if profile.run_count else ""
        return (
            SilenceReason.SHORT_LIVED,
            f"Its runs are too short to judge: {profile.cpu_sample_count} five-minute samples in all{runs}.",
        )
    return (
        SilenceReason.TOO_FEW_SAMPLES,
        f"{profile.cpu_sample_count} five-minute samples; {settings.minimum_sample_count} are needed.",
    )


def explain_kept(
    advice: tuple[ResourceAdvice, ResourceAdvice], subject: Subject, settings: PolicySettings
) -> Silence:
    """Return the one reason why neither resource changes, the most telling of those given."""
    kept = {one.kept for one in advice} | {_what_capped(one) for one in advice}
    reason = next((reason for reason in _SENTENCES if reason in kept), SilenceReason.WITHIN_HYSTERESIS)
    return reason, _SENTENCES[reason].format(
        days=subject.profile.history_days,
        lower=settings.minimum_history_days_decrease,
        ratio=settings.hysteresis_ratio,
        excluded=subject.constraints.excluded_because,
        peak=subject.constraints.calendar_peak,
    )


def _what_capped(advice: ResourceAdvice) -> SilenceReason | None:
    """Return what held back an increase that was wanted, None where nothing did."""
    for rail in advice.rails:
        if rail.value_after < rail.value_before and rail.name in _CAPS:
            return _CAPS[rail.name]
    return None


_CAPS = {
    "resource_quota": SilenceReason.FORBIDDEN_BY_QUOTA,
    "limit_range_maximum": SilenceReason.FORBIDDEN_BY_LIMIT_RANGE,
    "limit_range_default": SilenceReason.FORBIDDEN_BY_LIMIT_RANGE,
}

_SENTENCES = {
    SilenceReason.FORBIDDEN_BY_QUOTA: (
        "It needs more, but the namespace's quota has no room for it during a rollout."
    ),
    SilenceReason.FORBIDDEN_BY_LIMIT_RANGE: (
        "It needs more, but the namespace's LimitRange allows no more than it has."
    ),
    SilenceReason.LEAKING_MEMORY: "Memory keeps growing: it looks like a leak that a new request would hide.",
    SilenceReason.CALENDAR_PEAK_NOT_SEEN: (
        "Lower requests would fit its history, but {peak}; wait for it, or sign for it with "
        "millicore recommend sign or the annotation millicore.io/signs-calendar."
    ),
    SilenceReason.SCALED_BY_HPA: "A HorizontalPodAutoscaler scales it on the same resource.",
    SilenceReason.TOO_LITTLE_HISTORY: (
        "{days:.1f} days of history would support a lower request, but {lower:g} are needed."
    ),
    SilenceReason.EXCLUDED: "It is {excluded}.",
    SilenceReason.WITHIN_HYSTERESIS: "Requests are right to within {ratio:.0%}.",
}
"""Why a resource stays as it is, the most telling first."""
