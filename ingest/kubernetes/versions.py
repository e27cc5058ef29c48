"""Stored versions of objects, read back: one list per object, oldest first, as instants in microseconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ingest.assembly.hour_overlap import OPEN_END
from ingest.kubernetes.history import CONTACT_KIND
from models.vocabulary.windows import HourWindow

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """One stored version of an object."""

    name: str
    namespace: str
    uid: str
    start_us: int
    end_us: int
    is_last_word: bool
    spec: JsonObject


def read_versions(history: pa.Table, kinds: Iterable[str]) -> dict[str, list[list[Version]]]:
    """Return the versions of each object of some kinds, by kind, oldest version first.

    A version ends where the next one begins; ``is_last_word`` marks the one written when the object went.
    """
    table = history.filter(pc.is_in(history["kind"], value_set=pa.array(list(kinds))))
    columns = ["kind", "uid", "valid_from", "valid_to", "namespace", "name", "spec"]
    by_object: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in table.select(columns).to_pylist():
        by_object[row["kind"], row["uid"]].append(row)
    found: dict[str, list[list[Version]]] = {kind: [] for kind in kinds}
    for (kind, uid), rows in sorted(by_object.items()):
        rows.sort(key=lambda row: row["valid_from"])
        starts = [microseconds(row["valid_from"]) for row in rows]
        found[kind].append(
            [
                Version(
                    row["name"],
                    row["namespace"],
                    uid,
                    start,
                    start if row["valid_to"] is not None else end,
                    row["valid_to"] is not None,
                    msgspec.json.decode(row["spec"] or "{}"),
                )
                for row, start, end in zip(rows, starts, [*starts[1:], OPEN_END], strict=True)
            ]
        )
    return found


def without_the_dead(history: pa.Table, kind: str, window: HourWindow) -> pa.Table:
    """Return the rows without a kind's objects that were gone before the window: old ones cost nothing."""
    start = pa.scalar(window.start, history.schema.field("valid_to").type)
    is_dead = pc.and_(pc.equal(history["kind"], kind), pc.less_equal(history["valid_to"], start))
    dead = history.filter(is_dead)["uid"].combine_chunks()
    gone = pc.and_(pc.equal(history["kind"], kind), pc.is_in(history["uid"], value_set=dead))
    return history.filter(pc.invert(gone))


def contacts(history: pa.Table) -> list[int]:
    """Return the moments at which the inventory was complete, ascending."""
    rows = history.filter(pc.equal(history["kind"], CONTACT_KIND))
    return sorted(microseconds(moment) for moment in rows["valid_from"].to_pylist())


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970."""
    return round(moment.timestamp() * 1e6)
