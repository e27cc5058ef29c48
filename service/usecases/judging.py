"""Every container of a cluster judged at an event time, with data before it only; nothing is stored."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from models.profiles.build import ProfileSet
from models.vocabulary.exclusions import ExcludedResource, ExclusionSet
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.profile import ResourceProfile
from models.vocabulary.recommendation import NoRecommendation, Recommendation, ResourceValues
from recommender.constraints import Constraints, QuotaRoom
from recommender.policy import recommend_each
from recommender.subject import Subject, UnitPrices
from service.progress import Progress
from service.runtime import Runtime
from service.usecases.advice_bases import PastUse, read_past, subject_bases
from service.usecases.advice_beside import add_bankable, add_replicas
from service.usecases.calendar_peaks import CalendarPeaks, read_calendar_peaks
from service.usecases.cluster_room import ClusterRoom, quota_rooms, read_cluster_room
from service.usecases.exclusions import read_exclusions
from service.usecases.fleet_guard import guard_answers
from service.usecases.profiles import (
    build_histograms,
    profile_history,
    profile_window,
    read_history,
)
from service.usecases.risk_classes import choose_preset, policy_settings
from service.usecases.unit_prices import read_unit_prices
from service.usecases.workload_constraints import (
    ALLOW_QOS_CHANGE_ANNOTATION,
    COMPRESS_ANNOTATION,
    GROUP_ANNOTATION,
    OPT_OUT_ANNOTATION,
    WorkloadRules,
    name_of,
    read_rules,
)

Answer = Recommendation | NoRecommendation
_MEBIBYTE = float(1 << 20)


@dataclass(frozen=True)
class Judged:
    """What the policy says about a cluster.

    Parameters
    ----------
    known_until : datetime
        Event time that it was judged at: that asked for, or the end of the newest stored hour before it.
    profiles : list of ResourceProfile
    answers : list of Recommendation or NoRecommendation
        One per profile, in order.
    """

    known_until: datetime
    profiles: list[ResourceProfile]
    answers: list[Answer]


def judge_cluster(
    runtime: Runtime, cluster: str, moment: datetime, *, progress: Progress | None = None
) -> Judged:
    """Judge every container of a cluster that ran in the profile window before an event time.

    Daily histograms that are owed are built first: they follow from what was observed.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    moment : datetime
        A whole hour; nothing later is looked at.
    progress : Progress, optional
    """
    known_until = newest_data(runtime, cluster, moment)
    window = profile_window(runtime, known_until)
    build_histograms(runtime, cluster=cluster, window=window, progress=progress)
    history = read_history(runtime, cluster, known_until, progress=progress)
    if history is None:
        return Judged(known_until, [], [])
    settings = policy_settings(runtime)
    with _collector_paused(), ThreadPoolExecutor(1) as beside:
        # both are mostly numpy, which lets the other work: a third less time on two cores
        whole = beside.submit(read_past, history, settings)
        found = profile_history(runtime, cluster, history)
        kept = history.keep(found.kept_histograms)
        past = whole.result() if kept is history else read_past(kept, settings)
        answers = judge(runtime, cluster, found, past, known_until, asked_at=moment)
        answers = guard_answers(runtime, cluster, answers, known_until)
        answers = add_replicas(runtime, cluster, answers, known_until)
        answers = add_bankable(runtime, cluster, answers, known_until)
    return Judged(known_until, found.profiles, answers)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Make many objects, all of which stay, without searching them for garbage again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def newest_data(runtime: Runtime, cluster: str, as_of: datetime) -> datetime:
    """Return the end of the newest stored hour, at most ``as_of``.

    Where nothing was stored for days, nothing is known of those days: containers have not gone. A time before
    the first stored hour stays as it is: nothing is known then (see `first_data_after`).
    """
    span = runtime.warehouse.ledger.span(cluster)
    return as_of if span is None else min(as_of, span.end)


def first_data_after(runtime: Runtime, cluster: str, as_of: datetime) -> datetime | None:
    """Return the first stored hour if it is not before ``as_of``; None if it is, or none is stored."""
    span = runtime.warehouse.ledger.span(cluster)
    return None if span is None or span.start < as_of else span.start


def judge(
    runtime: Runtime,
    cluster: str,
    found: ProfileSet,
    past: PastUse | None,
    as_of: datetime,
    *,
    asked_at: datetime,
) -> list[Answer]:
    """Return the policy's answer for each profile of a cluster, in order.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    found : ProfileSet
    past : PastUse or None
        What the profiles were made of, by day.
    as_of : datetime
    asked_at : datetime
        The time asked for, later than ``as_of`` where data are old: what people had declared by then counts.
    """
    profiles = found.profiles
    surroundings = _read_surroundings(runtime, cluster, profiles, as_of, asked_at=asked_at)
    prices = read_unit_prices(runtime, cluster, as_of)
    presets = [choose_preset(runtime, surroundings.rules, profile) for profile in profiles]
    bases = subject_bases(past, [profile.key for profile in profiles], presets)
    unpriced = UnitPrices()
    subjects = [
        Subject(
            profile,
            evidence,
            surroundings.constraints(profile),
            prices.get(profile.key.workload, unpriced),
            basis,
        )
        for profile, evidence, basis in zip(profiles, found.evidence, bases, strict=True)
    ]
    return list(recommend_each(list(zip(subjects, presets, strict=True)), policy_settings(runtime), as_of))


@dataclass(frozen=True)
class _Surroundings:
    """What stands around the containers of a cluster at an instant."""

    rules: WorkloadRules
    room: ClusterRoom
    quotas: dict[str, QuotaRoom]
    exclusions: ExclusionSet
    peaks: CalendarPeaks
    siblings: dict[WorkloadKey, list[tuple[str, ResourceValues]]]
    limits: dict[str, float | None]
    advises_without_requests: bool
    compresses: bool

    def constraints(self, profile: ResourceProfile) -> Constraints:
        """Return what limits the answer for a container."""
        key, rules = profile.key, self.rules
        workload = key.workload
        cpu, memory = self.room.largest(workload)
        siblings = self._siblings(key)
        because, resources = _excluded(self.exclusions, key)
        return Constraints(
            is_opted_out=rules.says_yes(workload, OPT_OUT_ANNOTATION),
            allows_qos_change=self.advises_without_requests
            or rules.says_yes(workload, ALLOW_QOS_CHANGE_ANNOTATION),
            node_cpu_cores=_beside(cpu, [one.cpu_request_cores for one in siblings]),
            node_memory_bytes=_beside(memory, [one.memory_request_bytes for one in siblings]),
            limit_rules=rules.limit_rules.get(workload.namespace, ()),
            siblings=siblings,
            quota=self.quotas.get(workload.namespace),
            surge_replicas=rules.surge(workload, profile.replica_count_mean),
            excluded_because=because,
            excluded_resources=resources,
            calendar_peak=self.peaks.find(profile),
            renamed_to=rules.renames.get(name_of(workload)),
            compresses_requests=self.compresses or rules.says_yes(workload, COMPRESS_ANNOTATION),
            is_injected=rules.is_injected(key),
            runtime=rules.runtime(key),
            scaler=rules.scaler(workload),
            pod_others=rules.pod_others(key),
            group=rules.stated(workload, GROUP_ANNOTATION),
            **{**self.limits, **rules.bounds(key)},
        )

    def _siblings(self, key: ContainerKey) -> tuple[ResourceValues, ...]:
        return tuple(values for name, values in self.siblings.get(key.workload, ()) if name != key.container)


def _read_surroundings(
    runtime: Runtime,
    cluster: str,
    profiles: Sequence[ResourceProfile],
    as_of: datetime,
    *,
    asked_at: datetime,
) -> _Surroundings:
    settings, rules = runtime.settings, read_rules(runtime, cluster, as_of)
    siblings: dict[WorkloadKey, list[tuple[str, ResourceValues]]] = defaultdict(list)
    for profile in profiles:
        if profile.container_kind in ("main", "sidecar") and profile.last_seen_hours_ago == 0:
            siblings[profile.key.workload].append((profile.key.container, _values(profile)))
    return _Surroundings(
        rules,
        read_cluster_room(runtime, cluster, as_of),
        quota_rooms(rules.quotas, profiles),
        read_exclusions(runtime, cluster, as_of),
        read_calendar_peaks(runtime, cluster, rules, profiles, as_of, asked_at=asked_at),
        siblings,
        {
            "cpu_maximum_cores": settings.cpu_request_maximum_cores,
            "memory_maximum_bytes": _bytes(settings.memory_request_maximum_mib),
        },
        settings.advise_without_requests,
        settings.compress_requests,
    )


def _excluded(exclusions: ExclusionSet, key: ContainerKey) -> tuple[str | None, frozenset[str]]:
    """Return why a container is excluded, and for which resources; empty means both."""
    if not exclusions.rules:
        return None, frozenset()
    found = {
        resource: rule
        for resource in (ExcludedResource.CPU, ExcludedResource.MEMORY)
        if (rule := exclusions.find(key, resource)) is not None
    }
    if not found:
        return None, frozenset()
    because = "; ".join(sorted({rule.sentence for rule in found.values()}))
    return because, frozenset(str(resource) for resource in found)


def _values(profile: ResourceProfile) -> ResourceValues:
    return ResourceValues(
        profile.cpu_request_cores,
        profile.cpu_limit_cores,
        profile.memory_request_bytes,
        profile.memory_limit_bytes,
    )


def _beside(room: float | None, taken: Sequence[float | None]) -> float | None:
    """Return what a pod's other containers leave of a node."""
    return None if room is None else max(room - sum(value or 0.0 for value in taken), 0.0)


def _bytes(mebibytes: float | None) -> float | None:
    return None if mebibytes is None else mebibytes * _MEBIBYTE
