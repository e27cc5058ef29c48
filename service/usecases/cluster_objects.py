"""Objects of a cluster as they stood at an instant, from the stored inventory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from service.runtime import Runtime
from warehouse.lake.reading import TableScan

_AT = """
    SELECT kind, namespace, name, spec FROM object_history
    WHERE list_contains($kinds, kind) AND valid_from <= $at AND (valid_to IS NULL OR valid_to > $at)
      AND NOT EXISTS (
        SELECT 1 FROM object_history AS gone
        WHERE gone.kind = object_history.kind AND gone.uid = object_history.uid
          AND gone.valid_to IS NOT NULL AND gone.valid_to <= $at)
    QUALIFY row_number() OVER (PARTITION BY kind, namespace, name ORDER BY valid_from DESC, uid DESC) = 1
    ORDER BY kind, namespace, name"""

_SINCE = """
    SELECT kind, namespace, name, valid_from, valid_to, spec FROM object_history
    WHERE list_contains($kinds, kind) AND valid_from < $until
    ORDER BY kind, namespace, name, valid_from"""

StoredObject = tuple[str, str, str, Mapping[str, Any]]
"""Kind, namespace, name, kept part of the object."""


def objects_at(runtime: Runtime, cluster: str, at: datetime, kinds: Sequence[str]) -> list[StoredObject]:
    """Return the objects of some kinds that existed at an instant, by kind, namespace and name.

    An object whose end was seen by then is not returned.
    """
    rows = runtime.warehouse.lake.query(
        _AT,
        tables={"object_history": TableScan("object_history", cluster)},
        parameters={"kinds": list(kinds), "at": at},
    )
    return [
        (row["kind"], row["namespace"], row["name"], json.loads(row["spec"] or "{}"))
        for row in rows.to_pylist()
    ]


def object_versions(
    runtime: Runtime, cluster: str, until: datetime, kinds: Sequence[str]
) -> list[tuple[StoredObject, datetime, datetime | None]]:
    """Return all versions of objects of some kinds that began before an instant, oldest first per object.

    Returns
    -------
    list of (object, valid from, valid to)
        ``valid to`` is set on the last version of an object that went.
    """
    rows = runtime.warehouse.lake.query(
        _SINCE,
        tables={"object_history": TableScan("object_history", cluster)},
        parameters={"kinds": list(kinds), "until": until},
    )
    return [
        (
            (row["kind"], row["namespace"], row["name"], json.loads(row["spec"] or "{}")),
            row["valid_from"],
            row["valid_to"],
        )
        for row in rows.to_pylist()
    ]
