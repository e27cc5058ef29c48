"""What one container is expected to need, before any guard rail, and how that was read from its past."""

from __future__ import annotations

from dataclasses import dataclass

from models.profiles.buckets import CPU_BUCKETS
from models.profiles.histogram import read_percentiles
from models.vocabulary.profile import WorkloadClass
from models.vocabulary.recommendation import GuardRail, SilenceReason
from recommender.presets import PolicySettings, Preset
from recommender.subject import Subject

_CALENDAR = frozenset({WorkloadClass.DAILY, WorkloadClass.WEEKLY, WorkloadClass.BATCH, WorkloadClass.BURSTY})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request before guard rails.

    Parameters
    ----------
    value : float
        With headroom.
    expected_peak : float
        Before headroom.
    statistic : str
        In words.
    headroom_ratio : float or None
        None where the statistic itself was chosen to hold the room that the risk asks for.
    """

    value: float
    expected_peak: float
    statistic: str
    headroom_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class ResourceAdvice:
    """Advised request and limit of one resource.

    ``wanted`` is the request before rails, None when nothing was measured; ``kept`` says why a request stays
    as it is.
    """

    request: float | None
    limit: float | None
    wanted: Wanted | None
    rails: tuple[GuardRail, ...] = ()
    kept: SilenceReason | None = None


def find_cpu_wanted(subject: Subject, preset: Preset) -> Wanted | None:
    """Return the CPU request before guard rails, cores.

    The statistic of the basis, where the run has one; else the decayed percentile with headroom, and where
    use follows the calendar or comes in bursts, at least the one without decay, so that a quiet weekend does
    not hide Monday.
    """
    basis = subject.basis
    if basis is not None and basis.cpu_request_cores is not None:
        return Wanted(basis.cpu_request_cores, basis.cpu_request_cores, basis.cpu_statistic)
    evidence = subject.evidence
    rows = [evidence.cpu_counts_decayed]
    if subject.profile.workload_class in _CALENDAR:
        rows.append(evidence.cpu_counts)
    found = [
        float(read_percentiles(row[None, :], [preset.cpu_percentile], CPU_BUCKETS)[0, 0])
        for row in rows
        if row.any()
    ]
    if not found:
        return None
    return _with_headroom(max(found), preset.cpu_headroom_ratio, f"p{preset.cpu_percentile * 100:g}")


def find_memory_wanted(subject: Subject, preset: Preset, settings: PolicySettings) -> Wanted | None:
    """Return the memory request before guard rails, bytes.

    The statistic of the basis, else the largest use of the window, of the last 24 hours and of start-up, with
    headroom. A container that was killed before anything was measured needs at least what it was killed at.
    """
    basis = subject.basis
    largest = largest_memory(subject)
    if basis is not None and basis.memory_request_bytes is not None:
        value = basis.memory_request_bytes
        peak = value if largest is None else min(value, largest)
        return Wanted(value, peak, basis.memory_statistic, value / peak - 1 if peak > 0 else None)
    if largest is not None:
        return _with_headroom(largest, preset.memory_headroom_ratio, "max")
    floor = oom_floor(subject, settings)
    return None if floor is None else Wanted(floor, floor, "size at its OOM kill")


def largest_memory(subject: Subject) -> float | None:
    """Return the largest memory of the window, of the last 24 hours and of start-up, bytes."""
    profile = subject.profile
    known = [
        value
        for value in (
            profile.memory_usage_bytes_max,
            profile.memory_usage_bytes_max_24h,
            profile.memory_startup_bytes_max,
        )
        if value is not None
    ]
    return max(known) if known else None


def oom_floor(subject: Subject, settings: PolicySettings) -> float | None:
    """Return ``max(1.2 m, m + 100 MiB)`` with ``m`` the memory at an OOM kill; None without a kill.

    ``m`` is the larger of use and limit in the hour of the kill, not the limit now, so that the floor does
    not climb with every suggestion it causes.
    """
    if not subject.was_oom_killed:
        return None
    at_kill = subject.profile.memory_oom_bytes_max or largest_memory(subject)
    if at_kill is None:
        return None
    return max(at_kill * (1 + settings.oom_raise_ratio), at_kill + settings.oom_raise_bytes)


def _with_headroom(value: float, headroom_ratio: float, name: str) -> Wanted:
    statistic = f"{name} +{headroom_ratio * 100:g} %"
    return Wanted(value * (1 + headroom_ratio), value, statistic, headroom_ratio)
