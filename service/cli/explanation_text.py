"""A suggestion and the record under it as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import (
    ExplanationRecord,
    PastRisk,
    Recommendation,
    ResourceEvidence,
    ResourceValues,
)

VALUES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")
_IN_WORDS = {
    "cpu_request_cores": "CPU request",
    "cpu_limit_cores": "CPU limit",
    "memory_request_bytes": "memory request",
    "memory_limit_bytes": "memory limit",
}
_SMALLEST_SHOWN = 0.001


def explain_lines(advice: Recommendation) -> list[str]:
    """Return what is advised and everything it rests on, one fact per line."""
    lines = [
        f"  {_IN_WORDS[name]}: {say_change(advice, name)}"
        for name in VALUES
        if getattr(advice.current, name) != getattr(advice.advised, name)
    ]
    lines += [
        f"  evidence: {advice.statistic}, {advice.window_start:%Y-%m-%d} to {advice.window_end:%Y-%m-%d}, "
        f"{advice.sample_count:,} samples, coverage {advice.sample_coverage_ratio:.0%}, "
        f"confidence {advice.confidence:.0%}",
    ]
    if advice.record is not None:
        lines += [*_say_resource(advice.record.cpu), *_say_resource(advice.record.memory)]
    else:
        lines += [f"  rule {rail.name} on {rail.resource}: {rail.because}" for rail in advice.guard_rails]
    lines.append(f"  risk: {advice.risk.sentence}")
    if advice.record is not None:
        lines += _say_record(advice.record)
    lines.append(f"  requested saving: {_say_saving(advice)}")
    if advice.record is not None:
        lines += _say_other_savings(advice.record)
    if advice.hpa is not None:
        lines.append(f"  autoscaler {advice.hpa.namespace}/{advice.hpa.name}: {advice.hpa.reason}")
    if advice.replicas is not None:
        lines.append(f"  replicas: {advice.replicas.sentence}")
    return lines


def say_change(advice: Recommendation, name: str) -> str:
    """Return one value before and after, as Kubernetes writes it."""
    return f"{say_value(advice.current, name)} -> {say_value(advice.advised, name)}"


def say_value(values: ResourceValues, name: str) -> str:
    """Return one request or limit as Kubernetes writes it."""
    return _text(getattr(values, name), is_cpu=name.startswith("cpu"))


def _text(value: float | None, *, is_cpu: bool) -> str:
    if value is None:
        return "unset"
    return format_cpu(value) if is_cpu else format_memory(value)


def _say_resource(one: ResourceEvidence) -> Iterator[str]:
    is_cpu = one.resource == "cpu"
    if one.expected_peak is None or one.wanted is None:
        yield f"  {one.resource}: {one.statistic}"
    else:
        parts = [f"expected peak {_text(one.expected_peak, is_cpu=is_cpu)} ({one.statistic})"]
        if one.headroom_ratio is not None:
            parts.append(f"with headroom {_text(one.wanted, is_cpu=is_cpu)}")
        parts.append(f"after rules {_text(one.advised, is_cpu=is_cpu)}")
        yield f"  {one.resource}: {', '.join(parts)}" + (f"; kept: {one.kept}" if one.kept else "")
    for rail in one.guard_rails:
        before, after = (_text(value, is_cpu=is_cpu) for value in (rail.value_before, rail.value_after))
        yield f"    rule {rail.name}: {before} -> {after}, {rail.because}"


def _say_record(record: ExplanationRecord) -> Iterator[str]:
    if record.past_risk is not None:
        yield f"  back-tested on its own past: {_say_past(record.past_risk)}"
    for rival in record.rivals:
        yield (
            f"  {rival.policy} style would say: CPU {_text(rival.cpu_request_cores, is_cpu=True)}, "
            f"memory {_text(rival.memory_request_bytes, is_cpu=False)} ({rival.rule})"
        )
    for note in record.notes:
        yield f"  note: {note}"
    if record.runtime is not None:
        yield f"  runtime ({record.runtime.found_in}): {record.runtime.sentence}"
    back = ", ".join(
        f"{_IN_WORDS[name]} {say_value(record.rollback.values, name)}"
        for name in VALUES
        if getattr(record.rollback.values, name) is not None
    )
    yield f"  to take it back: {back or 'unset all'}. {record.rollback.runbook}"


def _say_past(past: PastRisk) -> str:
    stated = (
        f"the class states at most {_share(past.stated_cpu_over_request_ratio)} of CPU samples and "
        f"{_share(past.stated_memory_over_day_ratio)} of memory days above"
    )
    if not past.day_count:
        return f"{stated}; too little history to replay"
    return (
        f"{_share(past.seen_cpu_over_request_ratio)} of CPU samples and "
        f"{_share(past.seen_memory_over_day_ratio)} of memory days above over {past.day_count} days; {stated}"
    )


def _share(ratio: float | None) -> str:
    if ratio is None:
        return "an unknown share"
    return f"{ratio:.1%}" if ratio >= _SMALLEST_SHOWN or ratio == 0 else f"under {_SMALLEST_SHOWN:.1%}"


def _say_saving(advice: Recommendation) -> str:
    saving = advice.requested_saving_per_month
    if saving is None:
        return "not known, a price is missing"
    direction = "increase: costs more" if saving < 0 else "money only when nodes go"
    return f"{saving:,.2f} {advice.currency} per month; {direction}"


def _say_other_savings(record: ExplanationRecord) -> Iterator[str]:
    savings = record.savings
    if savings.bankable_pool is not None and savings.bankable_pool_saving_per_month is not None:
        share = (
            "" if savings.share_of_pool_ratio is None else f", {savings.share_of_pool_ratio:.0%} of it here"
        )
        yield (
            f"  bankable saving: {savings.bankable_pool_saving_per_month:,.2f} {savings.currency} per month "
            f"in pool {savings.bankable_pool} by all suggestions together{share}"
        )
    else:
        yield f"  bankable saving: {savings.bankable}"
    yield f"  realised saving: {savings.realised}"
