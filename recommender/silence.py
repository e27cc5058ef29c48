"""Reasons to say nothing: every container ends with a suggestion or with one of these."""

from __future__ import annotations

from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.recommendation import SilenceReason
from recommender.presets import PolicySettings
from recommender.subject import Subject

SHORTEST_MEASURABLE_SECONDS = 300.0
_TESTED_FIRST = (SilenceReason.LEAKING_MEMORY, SilenceReason.SCALED_BY_HPA, SilenceReason.TOO_LITTLE_HISTORY)

Silence = tuple[SilenceReason, str]


def find_silence(subject: Subject, settings: PolicySettings) -> Silence | None:
    """Return why nothing is said about the container whatever its numbers, or None."""
    profile = subject.profile
    if profile.container_kind == "(pod)":
        return SilenceReason.NOT_A_CONTAINER, "Overhead that the pod requests beyond its containers."
    if subject.constraints.is_opted_out:
        return SilenceReason.OPTED_OUT, "Its owner opted out by annotation."
    return _about_presence(profile, settings) or _about_data(subject, settings)


def _about_presence(profile: ResourceProfile, settings: PolicySettings) -> Silence | None:
    is_batch = profile.workload_class is WorkloadClass.BATCH
    allowed = settings.batch_gone_after_hours if is_batch else settings.gone_after_hours
    hours_ago = profile.last_seen_hours_ago
    if hours_ago is None or hours_ago >= allowed:
        when = "in the whole window" if hours_ago is None else f"for {hours_ago:.0f} hours"
        return SilenceReason.GONE, f"It has not run {when}."
    if profile.cpu_sample_count == 0 and profile.memory_sample_count == 0:
        return SilenceReason.NO_USAGE_MEASURED, "It ran, but no use of CPU or memory was measured."
    return None


def _about_data(subject: Subject, settings: PolicySettings) -> Silence | None:
    profile = subject.profile
    if profile.history_days < settings.minimum_history_days_increase:
        needed = settings.minimum_history_days_increase
        return (
            SilenceReason.TOO_LITTLE_HISTORY,
            f"{profile.history_days:.1f} days of history; {needed:g} are needed to raise and "
            f"{settings.minimum_history_days_decrease:g} to lower a request.",
        )
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
            "It sets no request and no limit; setting one would change its quality-of-service class.",
        )
    return None


def _too_few(profile: ResourceProfile, settings: PolicySettings) -> Silence:
    if profile.is_short_lived:
        return (
            SilenceReason.SHORT_LIVED,
            f"Its runs are short: {profile.cpu_sample_count} five-minute samples in all.",
        )
    return (
        SilenceReason.TOO_FEW_SAMPLES,
        f"{profile.cpu_sample_count} five-minute samples; {settings.minimum_sample_count} are needed.",
    )


def explain_kept(kept: tuple[SilenceReason | None, ...], settings: PolicySettings, days: float) -> Silence:
    """Return the one reason why neither resource changes, the most telling of those given."""
    for reason in _TESTED_FIRST:
        if reason in kept:
            return reason, _SENTENCES[reason].format(
                days=days, lower=settings.minimum_history_days_decrease, ratio=settings.hysteresis_ratio
            )
    reason = SilenceReason.WITHIN_HYSTERESIS
    return reason, _SENTENCES[reason].format(ratio=settings.hysteresis_ratio)


_SENTENCES = {
    SilenceReason.LEAKING_MEMORY: "Memory keeps growing: it looks like a leak that a new request would hide.",
    SilenceReason.SCALED_BY_HPA: "A HorizontalPodAutoscaler scales it on the same resource.",
    SilenceReason.TOO_LITTLE_HISTORY: (
        "{days:.1f} days of history would support a lower request, but {lower:g} are needed."
    ),
    SilenceReason.WITHIN_HYSTERESIS: "Requests are right to within {ratio:.0%}.",
}
