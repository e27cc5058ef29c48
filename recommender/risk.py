"""Risk of advised values, counted on the container's own past and said in the owner's words."""

from __future__ import annotations

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from models.vocabulary.recommendation import ResourceValues, StatedRisk
from recommender.presets import Preset
from recommender.subject import Subject

_DAYS_PER_MONTH = 30.0
_SMALLEST_SHOWN = 0.001
_CPU_SHORT_MULTIPLE = 2.0
_ENDS = np.append(CPU_BUCKETS.upper_edges[:-1], np.inf)


def state_risk(subject: Subject, advised: ResourceValues) -> StatedRisk:
    """Replay the container's past against advised values.

    CPU: share of 5-minute samples that may lie above the advised request (a bucket counts in full unless it
    ends below). Memory: share of container-days whose maximum exceeds the advised limit, or the advised
    request where there is no limit (eviction instead of a kill).

    Parameters
    ----------
    subject : Subject
    advised : ResourceValues

    Returns
    -------
    StatedRisk
    """
    counts = subject.evidence.cpu_counts
    total = float(counts.sum())
    over = 0.0
    if advised.cpu_request_cores is not None and total > 0:
        # the first bucket that does not end at or below the request, as in `histogram.count_above`
        first = int(np.searchsorted(_ENDS, advised.cpu_request_cores * (1 + 1e-12), side="right"))
        over = float(counts[first:].sum()) / total
    days = subject.evidence.memory_day_maxima
    bound = advised.memory_limit_bytes
    if bound is None:
        bound = advised.memory_request_bytes
    killed = int((days > bound).sum()) if bound is not None else 0
    day_ratio = killed / len(days) if len(days) else 0.0
    sentence = f"{_say_cpu(over, total)} {_say_memory(subject, advised, days, killed)}"
    return StatedRisk(over, day_ratio, int(total), len(days), sentence)


def is_short_of_memory(subject: Subject, preset: Preset) -> bool:
    """Whether memory was above the request in force on more container-days than the class states."""
    request, days = subject.current.memory_request_bytes, subject.evidence.memory_day_maxima
    if request is None or not len(days):
        return False
    return float((days > request).mean()) > preset.memory_over_day_ratio_target


def is_short_of_cpu(subject: Subject, preset: Preset) -> bool:
    """Whether CPU was above the request in force in more than twice the share of samples the class states.

    Only buckets that begin at or above the request count: samples of the one it lies in may be below it.
    """
    request, counts = subject.current.cpu_request_cores, subject.evidence.cpu_counts
    total = float(counts.sum())
    if request is None or total == 0:
        return False
    first = int(np.searchsorted(CPU_BUCKETS.starts, request, side="left"))
    over = float(counts[first:].sum()) / total
    return over > _CPU_SHORT_MULTIPLE * preset.cpu_over_request_ratio_target


def _say_cpu(over: float, total: float) -> str:
    if total == 0:
        return "CPU was not measured."
    if over == 0:
        return f"CPU stayed within the advised request in all {total:,.0f} five-minute samples."
    share = f"{over:.1%}" if over >= _SMALLEST_SHOWN else f"under {_SMALLEST_SHOWN:.1%}"
    return (
        f"CPU was above the advised request in {share} of {total:,.0f} five-minute samples: slower only "
        "when its node is full."
    )


def _say_memory(subject: Subject, advised: ResourceValues, days: FloatArray, killed: int) -> str:
    if not len(days):
        return "Memory was not measured."
    if advised.memory_limit_bytes is None:
        event, plural, bound = "eviction risk day", "eviction risk days", "request (it has no limit)"
    else:
        event, plural, bound = "OOM kill", "OOM kills", "limit"
    replicas = max(subject.profile.replica_count_mean, 0.01)
    over = f"{max(round(replicas), 1)} replica{'s' if round(replicas) > 1 else ''}"
    if killed:
        months = len(days) / killed / replicas / _DAYS_PER_MONTH
        return f"On its past: about one {event} in {_say_months(months)} over {over}."
    # With no event in n days the rate below which this is an even chance is 1 - 0.5^(1/n) a day.
    rate = 1 - 0.5 ** (1 / len(days))
    months = 1 / rate / replicas / _DAYS_PER_MONTH
    return (
        f"Memory stayed within the advised {bound} on all {len(days)} container-days, so no {event} then; "
        f"that much past cannot rule out one in {_say_months(months)} over {over}."
        if event == "OOM kill"
        else f"Memory stayed within the advised {bound} on all {len(days)} container-days: no {plural}."
    )


def _say_months(months: float) -> str:
    if months < 1:
        days = max(round(months * _DAYS_PER_MONTH), 1)
        return f"{days} day{'s' if days > 1 else ''}"
    whole = round(months)
    return f"{whole} month{'s' if whole > 1 else ''}"
