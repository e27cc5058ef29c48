"""The sentence under a suggestion: statistic, window, samples, headroom, what was bound and why."""

from __future__ import annotations

from decimal import Decimal

from models.vocabulary.quantity import say_cores, say_memory
from models.vocabulary.recommendation import GuardRail
from recommender.advice import ResourceAdvice
from recommender.presets import PolicySettings, Preset
from recommender.savings import HOURS_PER_MONTH
from recommender.subject import Subject


def name_statistic(preset: Preset) -> str:
    """Return the statistic of a preset, such as ``cpu p95 +15 %, memory max +15 %``."""
    return (
        f"cpu p{preset.cpu_percentile * 100:g} +{preset.cpu_headroom_ratio * 100:g} %, "
        f"memory max +{preset.memory_headroom_ratio * 100:g} %"
    )


def explain(
    subject: Subject,
    preset: Preset,
    settings: PolicySettings,
    advice: tuple[ResourceAdvice, ResourceAdvice],
    saving: Decimal | None,
) -> str:
    """Return the explanation of a suggestion in plain sentences."""
    profile = subject.profile
    cpu, memory = advice
    half_life_days = settings.half_life.total_seconds() / 86_400
    sentences = [
        f"CPU request {_move(subject.current.cpu_request_cores, cpu.request, say_cores)}: "
        f"{_cpu_basis(cpu, preset)} of {profile.cpu_sample_count:,} five-minute samples over "
        f"{profile.history_days:.0f} days (half-life {half_life_days:g} d), "
        f"plus {preset.cpu_headroom_ratio:.0%}.",
        f"Memory request {_move(subject.current.memory_request_bytes, memory.request, say_memory)}: "
        f"{_memory_basis(memory)}, plus {preset.memory_headroom_ratio:.0%}.",
    ]
    rails = [*cpu.rails, *memory.rails]
    if rails:
        sentences.append("Bound by " + "; ".join(_say_rail(rail) for rail in rails) + ".")
    sentences.append(f"Class {profile.workload_class}: {profile.class_reason}.")
    sentences.append(_say_saving(subject, saving))
    return " ".join(sentences)


def _move(now: float | None, then: float | None, text: object) -> str:
    assert callable(text)
    before = "unset" if now is None else text(now)
    after = "unset" if then is None else text(then)
    return f"stays {after}" if before == after else f"{before} to {after}"


def _cpu_basis(advice: ResourceAdvice, preset: Preset) -> str:
    percentile = f"{preset.cpu_percentile * 100:g}th percentile"
    return f"{percentile} {say_cores(advice.basis)}" if advice.basis is not None else "no measured use"


def _memory_basis(advice: ResourceAdvice) -> str:
    if advice.basis is None:
        return "no measured use"
    return f"largest use {say_memory(advice.basis)}, start-up and last 24 h included"


def _say_rail(rail: GuardRail) -> str:
    text = say_cores if rail.resource == "cpu" else say_memory
    name = rail.name.replace("_", " ")
    return f"{rail.resource} {name} ({text(rail.value_before)} to {text(rail.value_after)}: {rail.because})"


def _say_saving(subject: Subject, saving: Decimal | None) -> str:
    if saving is None:
        return "Its cost is not priced, so no saving is stated."
    direction = "less" if saving >= 0 else "more"
    return (
        f"Requests would cost {abs(saving):.2f} {subject.prices.currency} {direction} per month of "
        f"{HOURS_PER_MONTH} hours over {subject.profile.replica_count_mean:.1f} replicas; not money until "
        "nodes can go."
    )
