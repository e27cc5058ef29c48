"""Versions of objects over time: rows of ``object_history`` and ``label_set``, and only what changed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.kubernetes.specs import is_kept, latest_instant, parse_time, read_spec
from models.kubernetes.label_sets import canonical_labels, label_set_id
from models.vocabulary.errors import InputError
from models.vocabulary.windows import floor_hour, to_utc
from warehouse.lake.observed_tables import LABEL_SET, OBJECT_HISTORY

logger = logging.getLogger(__name__)

JsonObject = dict[str, Any]
OBSERVED_BY = "kubernetes"
CONTACT_KIND = "Inventory"
"""Kind of the rows that say: at ``valid_from`` the cluster's inventory was complete."""
DOUBT_KIND = "InventoryDoubt"
"""Kind of the rows that note a list kept aside: ``name`` is its kind, the spec holds its count."""
GONE_UNSEEN = "is_gone_time_inferred"
"""Mark in the spec of an object that vanished while nobody watched: its end is not known."""
_TICK = timedelta(microseconds=1)
_LABELLED = frozenset({"Pod", "Node", "Namespace"})


@dataclass(frozen=True)
class _Known:
    """The newest version of an object."""

    kind: str
    namespace: str
    name: str
    uid: str
    valid_from: datetime
    spec_hash: str


@dataclass(frozen=True)
class InventoryRows:
    """New rows for the lake tables ``object_history`` and ``label_set``; either may be empty."""

    object_history: pa.Table
    label_set: pa.Table

    def __bool__(self) -> bool:
        return bool(self.object_history.num_rows or self.label_set.num_rows)


@dataclass
class ObjectHistory:
    """What is known of a cluster's objects, and the rows that were learnt since the last :meth:`take`.

    A first version is valid from the object's creation. A later one is valid from the newest time that the
    object itself states (so that a change seen late still stands at its own time), else from now. An
    object that went gets a last version with ``valid_to`` equal to ``valid_from``.

    Parameters
    ----------
    cluster : str
    malformed : dict of str to str
        Objects that are not understood, with the reason.
    doubts : dict of str to int
        Kinds whose last list was kept aside, with its count.
    """

    cluster: str
    malformed: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, int] = field(default_factory=dict)
    _known: dict[str, dict[str, _Known]] = field(default_factory=dict)
    _labels: set[str] = field(default_factory=set)
    _rows: list[JsonObject] = field(default_factory=list)
    _label_rows: list[JsonObject] = field(default_factory=list)
    _contact_hour: datetime | None = None

    def remember(self, history: pa.Table, label_sets: pa.Table | None = None) -> None:
        """Take up what earlier processes stored, so that unchanged objects give no new rows.

        Parameters
        ----------
        history, label_sets : pyarrow.Table
            Rows of ``object_history`` and ``label_set``; those of other clusters are passed over.
        """
        if label_sets is not None:
            for row in label_sets.select(["cluster", "label_set_id"]).to_pylist():
                if row["cluster"] == self.cluster:
                    self._labels.add(row["label_set_id"])
        is_ours = pc.and_(
            pc.equal(history["cluster"], self.cluster), pc.equal(history["observed_by"], OBSERVED_BY)
        )
        history = history.filter(is_ours)
        is_mark = pc.is_in(history["kind"], value_set=pa.array([CONTACT_KIND, DOUBT_KIND]))
        marks = history.filter(is_mark).select(["kind", "name", "valid_from", "spec"]).to_pylist()
        for mark in sorted(marks, key=lambda row: row["valid_from"]):
            self._remember_mark(mark)
        columns = ["kind", "namespace", "name", "uid", "valid_from", "valid_to", "spec_hash"]
        for row in history.filter(pc.invert(is_mark)).select(columns).sort_by("valid_from").to_pylist():
            is_last_word = row.pop("valid_to") is not None
            of_kind = self._known.setdefault(row["kind"], {})
            if is_last_word:
                of_kind.pop(row["uid"], None)
            else:
                of_kind[row["uid"]] = _Known(**row)

    def _remember_mark(self, row: Mapping[str, Any]) -> None:
        if row["kind"] == CONTACT_KIND:
            self.doubts.clear()
        else:
            self.doubts[row["name"]] = int(json.loads(row["spec"])["count"])

    def doubt(self, kind: str, count: int, now: datetime) -> None:
        """Note that a list was kept aside, so that a later run can compare its own with it."""
        self._rows.append(self._row(DOUBT_KIND, "", kind, "", to_utc(now), {"count": count}))

    def count(self, kind: str) -> int:
        """Return how many objects of a kind are known to exist."""
        return len(self._known.get(kind, {}))

    def see_all(self, kind: str, items: Iterable[Mapping[str, Any]], now: datetime) -> None:
        """Take a full list: changed objects get versions, those no longer listed are gone."""
        listed = set()
        for item in items:
            if (uid := self.see(kind, item, now)) is not None:
                listed.add(uid)
        for uid, known in list(self._known.get(kind, {}).items()):
            if uid not in listed:
                self._end(known, to_utc(now), {GONE_UNSEEN: True})

    def see(self, kind: str, item: Mapping[str, Any], now: datetime) -> str | None:
        """Take one object as it is now; return its uid, None if it is not kept or malformed.

        A malformed object is noted in ``malformed`` and its last good version stays.
        """
        metadata = item.get("metadata") or {}
        uid = str(metadata.get("uid") or "") if isinstance(metadata, Mapping) else ""
        if not is_kept(kind, item):
            if known := self._known.get(kind, {}).get(uid):
                self._end(known, to_utc(now), {})
            return None
        try:
            spec, stated = read_spec(kind, item), latest_instant(item)
            created = parse_time(metadata.get("creationTimestamp"))
        except InputError as problem:
            self.malformed[f"{kind} {metadata.get('namespace', '')}/{metadata.get('name', '')}"] = str(
                problem
            )
            logger.warning("An object is not understood and skipped: %s", problem)
            return uid if uid in self._known.get(kind, {}) else None
        uid = uid or f"{metadata.get('namespace', '')}/{metadata['name']}"
        self._add_version(kind, uid, metadata, spec, _Times(created, stated, to_utc(now)))
        return uid

    def see_gone(self, kind: str, item: Mapping[str, Any], now: datetime) -> None:
        """Take an object in its last state, as a DELETED event shows it."""
        uid = str((item.get("metadata") or {}).get("uid") or "")
        if uid not in self._known.get(kind, {}):
            uid = self.see(kind, item, now) or ""
        known = self._known.get(kind, {}).get(uid)
        if known is None:
            return
        moment = to_utc(now)
        try:
            spec = read_spec(kind, item)
        except InputError:
            spec = {}  # noted by see(); that it is gone is still true
        deletion = parse_time((item.get("metadata") or {}).get("deletionTimestamp"))
        # the deletion time includes the grace period, which a pod need not use up
        ended = min(deletion, moment) if deletion is not None else moment
        self._end(known, ended, spec)

    def confirm(self, now: datetime) -> None:
        """Note, once an hour, that everything known was confirmed at this moment."""
        hour = floor_hour(now)
        if self._contact_hour == hour:
            return
        self._contact_hour = hour
        self._rows.append(
            self._row(CONTACT_KIND, "", OBSERVED_BY, "", to_utc(now), {"kinds": sorted(self._known)})
        )

    def take(self) -> InventoryRows:
        """Return the rows learnt since the last call, and forget them."""
        rows = {
            (row["kind"], row["namespace"], row["name"], row["uid"], row["valid_from"]): row
            for row in self._rows
        }
        history = pa.Table.from_pylist(list(rows.values()), schema=OBJECT_HISTORY.schema)
        labels = pa.Table.from_pylist(self._label_rows, schema=LABEL_SET.schema)
        self._rows, self._label_rows = [], []
        return InventoryRows(history, labels)

    def _add_version(
        self, kind: str, uid: str, metadata: Mapping[str, Any], spec: JsonObject, times: _Times
    ) -> None:
        of_kind = self._known.setdefault(kind, {})
        known = of_kind.get(uid)
        spec_hash = _hash(spec)
        if known is not None and known.spec_hash == spec_hash:
            return
        valid_from = times.first() if known is None else times.after(known.valid_from)
        row = self._row(kind, metadata.get("namespace") or "", metadata["name"], uid, valid_from, spec)
        of_kind[uid] = _Known(kind, row["namespace"], row["name"], uid, valid_from, spec_hash)
        self._rows.append(row)
        if kind in _LABELLED:
            self._see_labels(spec.get("labels") or {}, valid_from)

    def _end(self, known: _Known, moment: datetime, spec: JsonObject) -> None:
        self._known[known.kind].pop(known.uid, None)
        ended = max(moment, known.valid_from + _TICK)
        row = self._row(known.kind, known.namespace, known.name, known.uid, ended, spec)
        self._rows.append({**row, "valid_to": ended})

    def _row(
        self, kind: str, namespace: str, name: str, uid: str, valid_from: datetime, spec: JsonObject
    ) -> JsonObject:
        return {
            "cluster": self.cluster,
            "month": f"{valid_from:%Y-%m}",
            "kind": kind,
            "namespace": namespace,
            "name": name,
            "uid": uid,
            "valid_from": valid_from,
            "valid_to": None,
            "spec": _canonical(spec),
            "spec_hash": _hash(spec),
            "observed_by": OBSERVED_BY,
        }

    def _see_labels(self, labels: Mapping[str, str], moment: datetime) -> None:
        identity = label_set_id(labels)
        if identity in self._labels:
            return
        self._labels.add(identity)
        self._label_rows.append(
            {
                "cluster": self.cluster,
                "month": f"{moment:%Y-%m}",
                "label_set_id": identity,
                "labels": canonical_labels(labels),
                "first_seen_at": moment,
            }
        )


@dataclass(frozen=True)
class _Times:
    """Creation, newest stated time and moment of observation of one version."""

    created: datetime | None
    stated: datetime | None
    now: datetime

    def first(self) -> datetime:
        """Return when a first version began: at birth, as far as anyone knows."""
        return min(self.created or self.now, self.now)

    def after(self, previous: datetime) -> datetime:
        """Return when a later version began: at the newest stated time if it is new, else now."""
        stated = min(self.stated or self.now, self.now)
        return stated if stated > previous else max(self.now, previous + _TICK)


def _canonical(spec: JsonObject) -> str:
    return json.dumps(spec, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _hash(spec: JsonObject) -> str:
    return hashlib.sha256(_canonical(spec).encode()).hexdigest()[:16]
