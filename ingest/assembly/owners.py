"""The workload and revision of each pod, from exported owners and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.assembly.frames import Axis, Frame
from ingest.assembly.label_names import restore_labels
from ingest.assembly.pods import Pods
from models.kubernetes.label_sets import label_set_id
from models.kubernetes.workloads import Owner, PodOwnership, find_workload, owner_lookup, revision_of

_NO_OWNER = frozenset({"", "<none>"})
_CHAINS = (
    ("replicaset", "ReplicaSet", "replicaset"),
    ("job", "Job", "job_name"),
    ("replicationcontroller", "ReplicationController", "replicationcontroller"),
)
"""Fact, kind, and the label that holds the name of the owned object."""


@dataclass(frozen=True)
class LabelSets:
    """Label maps by id, and for each object the id in each hour.

    Parameters
    ----------
    ids : array of str or None, shape (P, H)
        None where nothing exports the object's labels.
    maps : dict of str to dict
        Labels by id.
    """

    ids: npt.NDArray[np.object_]
    maps: dict[str, dict[str, str]]

    def last_of(self, row: int) -> dict[str, str]:
        """Return the last labels known of an object; empty if none are."""
        known = [label_set for label_set in self.ids[row] if label_set is not None]
        return self.maps[known[-1]] if known else {}


def read_label_sets(frame: Frame, rows_of: list[list[int]], row_count: int, axis: Axis) -> LabelSets:
    """Return the labels of objects by hour.

    An hour without a sample takes the labels before it, else those after it. When an object changes its
    labels within an hour both series exist; the one that lasts longer is the new one.

    Parameters
    ----------
    frame : Frame
        Hourly ``kube_…_labels`` series.
    rows_of : list of list of int
        For each series, the rows of the objects it is about.
    row_count : int
        Number of objects.
    axis : Axis
    """
    ids = np.full((row_count, axis.hour_count), None, dtype=object)
    maps: dict[str, dict[str, str]] = {}
    present = ~np.isnan(frame.dense(0, axis.hour_count))
    until = np.where(present.any(axis=1), present.shape[1] - np.argmax(present[:, ::-1], axis=1), 0)
    # series that end later are written last; ties by content, so that the order of an answer is no matter
    sets = [restore_labels(labels) for labels in frame.labels]
    # where any label is exported, an object without one has none; where none is, nobody knows
    is_exported = any(sets)
    keys = [label_set_id(labels) if is_exported else None for labels in sets]
    for series in sorted(range(len(sets)), key=lambda s: (until[s], keys[s] or "")):
        key = keys[series]
        if key is None:
            continue
        maps[key] = sets[series]
        for row in rows_of[series]:
            ids[row, present[series]] = key
    return LabelSets(_fill_labels(ids), maps)


def _fill_labels(ids: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    for row in ids:
        known = [index for index, key in enumerate(row) if key is not None]
        if not known or len(known) == len(row):
            continue
        last = row[known[0]]
        for index in range(len(row)):
            last = row[index] if row[index] is not None else last
            row[index] = last
    return ids


@dataclass(frozen=True)
class Workloads:
    """Workload and revision per pod, length P each."""

    kinds: list[str]
    names: list[str]
    revisions: list[str | None]


def find_workloads(pods: Pods, owners: Frame, labels: LabelSets) -> Workloads:
    """Return the workload of every pod: the last owner of known kind (``models.kubernetes.workloads``)."""
    chains = _read_chains(owners)
    lookup = owner_lookup(chains)
    kinds, names, revisions = [], [], []
    direct = _read_pod_owners(pods, owners)
    for row in range(len(pods)):
        own_labels = labels.last_of(row)
        owner = direct.get(row)
        ownership = PodOwnership(
            pods.namespaces[row], pods.names[row], owner, own_labels, node=pods.nodes[row] or None
        )
        workload = find_workload(ownership, lookup)
        kinds.append(workload.kind)
        names.append(workload.name)
        revisions.append(_revision(own_labels, owner, workload))
    return Workloads(kinds, names, revisions)


def _revision(labels: dict[str, str], owner: Owner | None, workload: Owner) -> str | None:
    """Return the template hash from labels, else from the name of the ReplicaSet."""
    if stated := revision_of(labels, workload.name):
        return stated
    if owner is not None and owner.kind == "ReplicaSet" and owner.name.startswith(f"{workload.name}-"):
        return owner.name.removeprefix(f"{workload.name}-")
    return None


def _read_pod_owners(pods: Pods, owners: Frame) -> dict[int, Owner]:
    found: dict[int, Owner] = {}
    for labels in sorted(owners.only(fact="pod").labels, key=lambda m: sorted(m.items())):
        owner = _owner(labels)
        if owner is not None:
            for pod in pods.find(labels):
                found.setdefault(pod, owner)
    return found


def _read_chains(owners: Frame) -> dict[tuple[str, str, str], Owner | None]:
    chains: dict[tuple[str, str, str], Owner | None] = {}
    for fact, kind, name_label in _CHAINS:
        for labels in owners.only(fact=fact).labels:
            key = (labels.get("namespace", ""), kind, labels.get(name_label, ""))
            # an object without owner is exported as <none>; one that gained an owner later keeps it
            if chains.get(key) is None:
                chains[key] = _owner(labels)
    return chains


def _owner(labels: dict[str, str]) -> Owner | None:
    kind, name = labels.get("owner_kind", ""), labels.get("owner_name", "")
    return None if kind in _NO_OWNER or name in _NO_OWNER else Owner(kind, name)
