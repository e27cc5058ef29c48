"""The record under a suggestion: statistic, window, headroom, what bound, rivals, risk, savings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.quantity import say_cores, say_memory
from models.vocabulary.recommendation import (
    ExplanationRecord,
    GuardRail,
    ResourceEvidence,
    ResourceValues,
    Rollback,
    StatedSavings,
)
from recommender.advice_basis import ResourceAdvice
from recommender.presets import PolicySettings
from recommender.runtime_hints import advise_runtime
from recommender.savings import HOURS_PER_MONTH
from recommender.subject import Subject

NOT_MEASURED = "not measured"
BANKABLE_UNKNOWN = "known per pool of nodes only: millicore initiative bankable"
REALISED_UNKNOWN = "not measured yet"
RUNBOOK = (
    "Watch OOM kills, restarts, throttling and latency for 7 days after the change. If one gets worse, "
    "go back to the values given here and reject the suggestion with the reason."
)


def name_statistic(advice: tuple[ResourceAdvice, ResourceAdvice]) -> str:
    """Return what was read of CPU and memory, such as ``cpu p95 +15 %, memory max +15 %``."""
    cpu, memory = (NOT_MEASURED if one.wanted is None else one.wanted.statistic for one in advice)
    return f"cpu {cpu}, memory {memory}"


def build_record(
    subject: Subject,
    settings: PolicySettings,
    advised: ResourceValues,
    advice: tuple[ResourceAdvice, ResourceAdvice],
    saving: Decimal | None,
) -> ExplanationRecord:
    """Return everything that a suggestion rests on.

    Parameters
    ----------
    subject : Subject
    settings : PolicySettings
    advised : ResourceValues
    advice : tuple of ResourceAdvice
        CPU and memory.
    saving : Decimal or None
        Requested saving per month; None is unpriced.
    """
    profile, basis = subject.profile, subject.basis
    runtime = advise_runtime(subject.constraints.runtime, advised)
    notes = _notes(subject)
    return ExplanationRecord(
        cpu=_evidence("cpu", advice[0]),
        memory=_evidence("memory", advice[1]),
        window_start=profile.window_start,
        window_end=profile.window_end,
        history_days=profile.history_days,
        sample_count=profile.cpu_sample_count,
        sample_coverage_ratio=profile.sample_coverage_ratio,
        rivals=() if basis is None else basis.rivals,
        past_risk=None if basis is None else basis.past_risk,
        savings=_savings(subject, saving),
        rollback=Rollback(subject.current, settings.runbook_url or RUNBOOK),
        sentence=_sentence(subject, advice, saving, notes, None if runtime is None else runtime.sentence),
        notes=notes,
        runtime=runtime,
    )


def _evidence(resource: str, advice: ResourceAdvice) -> ResourceEvidence:
    wanted = advice.wanted
    if wanted is None:
        return ResourceEvidence(
            resource, NOT_MEASURED, None, None, None, advice.request, advice.rails, advice.kept
        )
    headroom = wanted.headroom_ratio
    return ResourceEvidence(
        resource,
        wanted.statistic,
        wanted.expected_peak,
        None if headroom is None else round(headroom, 6),
        wanted.value,
        advice.request,
        advice.rails,
        advice.kept,
    )


def _savings(subject: Subject, saving: Decimal | None) -> StatedSavings:
    unpriced = None
    if saving is None:
        unpriced = "no price is known for the nodes that it ran on in the last 7 days"
    currency = subject.prices.currency if saving is not None else None
    return StatedSavings(saving, currency, BANKABLE_UNKNOWN, REALISED_UNKNOWN, unpriced)


def _sentence(
    subject: Subject,
    advice: tuple[ResourceAdvice, ResourceAdvice],
    saving: Decimal | None,
    notes: tuple[str, ...],
    runtime: str | None,
) -> str:
    profile, now = subject.profile, subject.current
    cpu, memory = advice
    sentences = [
        f"CPU request {_move(now.cpu_request_cores, cpu.request, say_cores)}: "
        f"{_basis(cpu, say_cores)}, of {profile.cpu_sample_count:,} five-minute samples over "
        f"{profile.history_days:.0f} days.",
        f"Memory request {_move(now.memory_request_bytes, memory.request, say_memory)}: "
        f"{_basis(memory, say_memory)}.",
    ]
    rails = [*cpu.rails, *memory.rails]
    if rails:
        sentences.append("Bound by " + "; ".join([_say_rail(rail) for rail in rails]) + ".")
    sentences.append(f"Class {profile.workload_class}: {profile.class_reason}.")
    sentences.extend(notes)
    if runtime is not None:
        sentences.append(runtime)
    sentences.append(_say_saving(subject, saving))
    return " ".join(sentences)


def _move(now: float | None, then: float | None, text: Callable[[float], str]) -> str:
    before = "unset" if now is None else text(now)
    after = "unset" if then is None else text(then)
    return f"stays {after}" if before == after else f"{before} to {after}"


def _basis(advice: ResourceAdvice, text: Callable[[float], str]) -> str:
    wanted = advice.wanted
    if wanted is None:
        return "no measured use"
    return f"{text(wanted.expected_peak)} expected, {wanted.statistic}"


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


def _notes(subject: Subject) -> tuple[str, ...]:
    """Return what an owner should know beside the numbers, a sentence each."""
    profile, constraints = subject.profile, subject.constraints
    notes: list[str] = []
    kind = profile.key.workload.kind
    if profile.workload_class is WorkloadClass.LEAKING:
        notes.append(_say_leak(profile))
    if subject.was_oom_killed:
        times = "once" if profile.oom_killed_count == 1 else f"{profile.oom_killed_count} times"
        notes.append(f"It was OOM-killed {times} in the window.")
    if kind == "DaemonSet" and profile.pod_count > 1:
        notes.append(f"One value serves {profile.pod_count} pods of different load: sized by the largest.")
    if kind in ("CronJob", "Job"):
        notes.append(_say_runs(profile))
    if subject.has_no_requests:
        notes.append("It sets its first request: its class changes from BestEffort to Burstable.")
    if constraints.is_injected:
        notes.append("A webhook puts it into the pod: the platform team changes it there.")
    if profile.outlier_pods:
        count = len(profile.outlier_pods)
        notes.append(f"{count} of its pods behave unlike the rest and are left out.")
    if profile.is_new_revision_unlike:
        notes.append("Its newest revision uses clearly more or less; only that one is looked at.")
    return tuple(notes)


def _say_leak(profile: ResourceProfile) -> str:
    growth = profile.memory_leak_bytes_per_day or profile.memory_trend_bytes_per_day
    rate = f" by {say_memory(growth)} a day" if growth and growth > 0 else ""
    return f"Its memory keeps growing{rate}: look for a leak; memory is not lowered."


def _say_runs(profile: ResourceProfile) -> str:
    runs = profile.run_count if profile.run_count is not None else profile.pod_count
    plural = "run" if runs == 1 else "runs"
    return f"Judged by run: the peak over {runs} {plural}."
