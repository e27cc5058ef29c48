"""When pods and their containers ran, and with what requests: read from stored object versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ingest.assembly.hour_overlap import OPEN_END
from ingest.kubernetes.history import GONE_UNSEEN
from ingest.kubernetes.specs import parse_time
from ingest.kubernetes.versions import Version, contacts, microseconds, read_versions, without_the_dead
from models.kubernetes.gpu import NOT_SHARED, GpuSharing, describe_gpus, gpu_devices
from models.kubernetes.label_sets import label_set_id
from models.kubernetes.pod_request import ContainerKind, ContainerResources, combine_requests
from models.kubernetes.workloads import Owner, PodOwnership, find_workload, owner_lookup, revision_of
from models.vocabulary.windows import HourWindow

JsonObject = dict[str, Any]
_DONE = frozenset({"Succeeded", "Failed"})
RESOURCE_COLUMNS = ("cpu", "memory", "gpu")
_TIMES = ("start_us", "end_us", "known_until_us")


@dataclass(frozen=True)
class PodTimes:
    """Times of the pods that overlap a window; all instants are microseconds since 1970 (UTC).

    Parameters
    ----------
    pods : pandas.DataFrame
        One row per uid: namespace, pod, node, workload_kind, workload_name, revision, phase,
        is_host_network, ``start_us`` (scheduled), ``end_us`` and ``known_until_us`` (times up to it are
        certain).
    runs : pandas.DataFrame
        One row per run of a container: pod_uid, container, container_kind, ``start_us``, ``end_us``,
        ``known_from_us`` (earlier runs may be forgotten), is_restart, is_oom_killed.
    requests : pandas.DataFrame
        One row per container (and per pod, container ``""``) and version: pod_uid, container,
        container_kind, cpu, memory, gpu, cpu_limit, memory_limit (NaN is unset), ``start_us``, ``end_us``.
    labels : pandas.DataFrame
        One row per pod and version: pod_uid, label_set_id, ``start_us``, ``end_us``.
    mounts : pandas.DataFrame
        One row per pod and claim: pod_uid, namespace, pod, claim, ``start_us``, ``end_us``,
        ``known_until_us``.
    observed_from_us, observed_until_us : int
        First and last moment at which the inventory was known to be complete.
    """

    pods: pd.DataFrame
    runs: pd.DataFrame
    requests: pd.DataFrame
    labels: pd.DataFrame
    mounts: pd.DataFrame
    observed_from_us: int
    observed_until_us: int


def read_pod_times(history: pa.Table, window: HourWindow) -> PodTimes:
    """Return the times of the pods whose life overlaps a window.

    Parameters
    ----------
    history : pyarrow.Table
        Rows of ``object_history`` of one cluster, all versions of the pods of interest and of the
        ReplicaSets and Jobs that own them; ``Inventory`` rows say when they were complete.
    window : HourWindow
    """
    kinds = ("Pod", "ReplicaSet", "Job", "Node")
    versions = read_versions(without_the_dead(history, "Pod", window), kinds)
    seen = contacts(history)
    rows = _Rows(_owners(versions), seen, _gpu_sharing(versions["Node"]))
    last = microseconds(window.end)
    for pod in versions["Pod"]:
        if pod[0].start_us < last:
            rows.add(pod)
    return rows.to_times(microseconds(window.start))


def _owners(versions: Mapping[str, list[list[Version]]]) -> dict[tuple[str, str, str], Owner | None]:
    owners = {}
    for kind in ("ReplicaSet", "Job"):
        for objects in versions[kind]:
            newest = objects[-1]
            owner = next((one.spec["owner"] for one in reversed(objects) if one.spec.get("owner")), None)
            owners[newest.namespace, kind, newest.name] = owner and Owner(owner["kind"], owner["name"])
    return owners


def _gpu_sharing(nodes: list[list[Version]]) -> dict[str, list[tuple[int, GpuSharing]]]:
    """Return, by node name, from when on it divided its GPUs how; nodes without GPUs are left out."""
    found: dict[str, list[tuple[int, GpuSharing]]] = defaultdict(list)
    for version in (version for versions in nodes for version in versions):
        sharing = describe_gpus(version.spec.get("capacity") or {}, version.spec.get("labels") or {})
        if sharing != NOT_SHARED:
            found[version.name].append((version.start_us, sharing))
    return {name: sorted(changes, key=lambda change: change[0]) for name, changes in found.items()}


@dataclass
class _Rows:
    """Collects the rows of :class:`PodTimes`, pod by pod."""

    owners: Mapping[tuple[str, str, str], Owner | None]
    contacts: list[int]
    sharing: Mapping[str, list[tuple[int, GpuSharing]]]
    pods: list[JsonObject] = field(default_factory=list)
    runs: list[JsonObject] = field(default_factory=list)
    requests: list[JsonObject] = field(default_factory=list)
    labels: list[JsonObject] = field(default_factory=list)
    mounts: list[JsonObject] = field(default_factory=list)

    def add(self, versions: list[Version]) -> None:
        living = [version for version in versions if not version.is_last_word] or versions
        start = _first_time(living, "scheduled_at") or _first_time(living, "start_time")
        if start is None:
            return
        runs = _collect_runs(versions)
        end = _pod_end(versions, runs)
        self.pods.append(self._pod(versions, start, end))
        self._add_mounts(living)
        self._add_runs(versions, runs, end)
        for version in living:
            self._add_requests(version)
            labels = version.spec.get("labels") or {}
            self.labels.append({**_span(version), "label_set_id": label_set_id(labels)})

    def _pod(self, versions: list[Version], start: int, end: int | None) -> JsonObject:
        newest = versions[-1]
        spec = next(version.spec for version in reversed(versions) if version.spec.get("containers"))
        labels = spec.get("labels") or {}
        owner = spec.get("owner")
        ownership = PodOwnership(
            newest.namespace,
            newest.name,
            Owner(owner["kind"], owner["name"]) if owner else None,
            labels,
            spec.get("generate_name"),
            spec.get("node"),
        )
        workload = find_workload(ownership, owner_lookup(self.owners))
        return {
            "pod_uid": newest.uid,
            "namespace": newest.namespace,
            "pod": newest.name,
            "node": spec.get("node"),
            "workload_kind": workload.kind,
            "workload_name": workload.name,
            "revision": revision_of(labels, workload.name),
            "phase": spec.get("phase"),
            "is_host_network": bool(spec.get("is_host_network")),
            "start_us": start,
            "end_us": OPEN_END if end is None else end,
            "known_until_us": OPEN_END if end is not None else self._known_until(newest),
        }

    def _add_mounts(self, living: list[Version]) -> None:
        pod = self.pods[-1]
        shared = {name: pod[name] for name in ("pod_uid", "namespace", "pod", *_TIMES)}
        claims = {claim for version in living for claim in version.spec.get("claims") or ()}
        self.mounts += [{**shared, "claim": claim} for claim in sorted(claims)]

    def _known_until(self, newest: Version) -> int:
        """Return until when a pod without a known end was confirmed to exist."""
        earlier = [moment for moment in self.contacts if not newest.is_last_word or moment < newest.start_us]
        return earlier[-1] if earlier else newest.start_us

    def _add_runs(
        self, versions: list[Version], runs: dict[tuple[str, int], JsonObject], end: int | None
    ) -> None:
        kinds = {
            one["name"]: one["kind"] for version in versions for one in version.spec.get("containers", ())
        }
        by_container: dict[str, list[tuple[int, JsonObject]]] = defaultdict(list)
        for (container, start), run in sorted(runs.items()):
            by_container[container].append((start, run))
        for container, ordered in by_container.items():
            known_from = _known_from(versions, container, [start for start, _ in ordered])
            following = [start for start, _ in ordered[1:]] + [OPEN_END if end is None else end]
            for position, ((start, run), next_start) in enumerate(zip(ordered, following, strict=True)):
                self.runs.append(
                    {
                        "pod_uid": versions[0].uid,
                        "container": container,
                        "container_kind": kinds.get(container, str(ContainerKind.MAIN)),
                        "start_us": start,
                        "end_us": min(run.get("finished", next_start), next_start),
                        "known_from_us": known_from,
                        "is_restart": position > 0,
                        "is_oom_killed": run.get("reason") == "OOMKilled",
                    }
                )

    def _add_requests(self, version: Version) -> None:
        span = _span(version)
        effective = version.spec.get("effective_request") or {}
        sharing = self._sharing_at(version)
        whole = _amounts(effective, sharing) | {
            "gpu": _pod_gpus(version.spec.get("containers") or (), sharing)
        }
        self.requests.append({**span, "container": "", "container_kind": "", **whole})
        for container in version.spec.get("containers") or ():
            limits = container.get("limits") or {}
            self.requests.append(
                {
                    **span,
                    "container": container["name"],
                    "container_kind": container["kind"],
                    **_amounts(container.get("requests") or {}, sharing),
                    "cpu_limit": limits.get("cpu"),
                    "memory_limit": limits.get("memory"),
                }
            )

    def _sharing_at(self, version: Version) -> GpuSharing:
        """Return how the pod's node divided its GPUs when the version began, else at first."""
        changes = self.sharing.get(version.spec.get("node") or "", ())
        earlier = [sharing for start, sharing in changes if start <= version.start_us]
        return earlier[-1] if earlier else changes[0][1] if changes else NOT_SHARED

    def to_times(self, window_start_us: int) -> PodTimes:
        pods = _frame(self.pods, _POD_COLUMNS)
        pods = pods[pods["end_us"] > window_start_us].reset_index(drop=True)
        kept = set(pods["pod_uid"])

        def of_kept(rows: list[JsonObject], columns: Mapping[str, str]) -> pd.DataFrame:
            frame = _frame(rows, columns)
            return frame[frame["pod_uid"].isin(kept)].reset_index(drop=True)

        return PodTimes(
            pods,
            of_kept(self.runs, _RUN_COLUMNS),
            of_kept(self.requests, _REQUEST_COLUMNS),
            of_kept(self.labels, _LABEL_COLUMNS),
            of_kept(self.mounts, _MOUNT_COLUMNS),
            self.contacts[0] if self.contacts else OPEN_END,
            self.contacts[-1] if self.contacts else 0,
        )


# object, not str: pandas 3.1 cannot merge two empty Arrow-backed string columns
_SPAN = {"pod_uid": "object", "start_us": "int64", "end_us": "int64"}
_POD_COLUMNS = {
    **_SPAN,
    "known_until_us": "int64",
    "is_host_network": "bool",
    **dict.fromkeys(
        ("namespace", "pod", "node", "workload_kind", "workload_name", "revision", "phase"), "object"
    ),
}
_RUN_COLUMNS = {
    **_SPAN,
    "container": "object",
    "container_kind": "object",
    "known_from_us": "int64",
    "is_restart": "bool",
    "is_oom_killed": "bool",
}
_REQUEST_COLUMNS = {
    **_SPAN,
    "container": "object",
    "container_kind": "object",
    **dict.fromkeys((*RESOURCE_COLUMNS, "cpu_limit", "memory_limit"), "float64"),
}
_MOUNT_COLUMNS = {
    **_SPAN,
    "known_until_us": "int64",
    **dict.fromkeys(("namespace", "pod", "claim"), "object"),
}
_LABEL_COLUMNS = {**_SPAN, "label_set_id": "object"}


def _frame(rows: list[JsonObject], columns: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(dict(columns))


def _span(version: Version) -> JsonObject:
    return {"pod_uid": version.uid, "start_us": version.start_us, "end_us": version.end_us}


def _amounts(requests: Mapping[str, float], sharing: GpuSharing) -> JsonObject:
    devices = gpu_devices(requests, sharing)
    return {
        "cpu": requests.get("cpu", np.nan),
        "memory": requests.get("memory", np.nan),
        "gpu": np.nan if devices is None else devices,
    }


def _pod_gpus(containers: Iterable[JsonObject], sharing: GpuSharing) -> float:
    """Return the devices that a pod reserves, NaN without any, by Kubernetes' rule for pods.

    A share of cores or memory is one of each virtual GPU of its container, so containers are turned into
    devices before they are combined.
    """
    counted = []
    for one in containers:
        devices = gpu_devices(one.get("requests") or {}, sharing)
        if devices is not None:
            amounts = {"gpu": Decimal(repr(devices))}
            counted.append(ContainerResources(one["name"], ContainerKind(one["kind"]), amounts, {}))
    combined = combine_requests(counted)
    return float(combined["gpu"]) if "gpu" in combined else float("nan")


def _first_time(versions: list[Version], name: str) -> int | None:
    for version in versions:
        if (moment := parse_time(version.spec.get(name))) is not None:
            return microseconds(moment)
    return None


def _collect_runs(versions: list[Version]) -> dict[tuple[str, int], JsonObject]:
    """Return each run that any version tells of, by (container, start)."""
    runs: dict[tuple[str, int], JsonObject] = {}
    for version in versions:
        for run in version.spec.get("runs") or ():
            started, finished = parse_time(run["started_at"]), parse_time(run.get("finished_at"))
            if started is None:
                continue
            entry = runs.setdefault((run["container"], microseconds(started)), {})
            if finished is not None:
                entry.update(finished=microseconds(finished), reason=run.get("reason"))
    return runs


def _pod_end(versions: list[Version], runs: Mapping[tuple[str, int], JsonObject]) -> int | None:
    """Return when a pod gave back its resources: its last container's end, else its deletion."""
    newest = versions[-1]
    done_at = next((version.start_us for version in versions if version.spec.get("phase") in _DONE), None)
    if done_at is not None:
        # a pod that was evicted before anything ran has no run that ends
        return max((run["finished"] for run in runs.values() if "finished" in run), default=done_at)
    if newest.is_last_word and not newest.spec.get(GONE_UNSEEN):
        return newest.start_us
    return None


def _known_from(versions: list[Version], container: str, starts: list[int]) -> int:
    """Return from when on no run of a container can be missing.

    A status remembers two runs only; with fewer runs known than the restart count says, what lies before
    the newest status is not certain.
    """
    newest = next((version for version in reversed(versions) if version.spec.get("runs")), versions[-1])
    restarts = (newest.spec.get("restart_counts") or {}).get(container, 0)
    if len(starts) > restarts:
        return 0
    remembered = [
        microseconds(moment)
        for run in newest.spec.get("runs") or ()
        if run["container"] == container and (moment := parse_time(run["started_at"])) is not None
    ]
    return min(remembered, default=OPEN_END)
