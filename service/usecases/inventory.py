"""The inventory of a cluster's API: taken into the lake, and used to make observed hours exact."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

import pyarrow as pa

from ingest.kubernetes.history import CONTACT_KIND, OBSERVED_BY, InventoryRows
from ingest.kubernetes.inventory import KubernetesInventory
from ingest.kubernetes.refine import CONTACT_MEMORY, OWNER_KINDS, OWNER_MEMORY, refine_hours
from models.vocabulary.errors import LeaseLost, SourceError
from models.vocabulary.windows import HourWindow
from service.leasing import holding
from service.runtime import Runtime
from service.setting_parts import ClusterSettings
from service.sources import MeasuredSource, OpenSource, SourceLoad, kubernetes_settings
from warehouse.fencing import Lease
from warehouse.lake.observed_tables import OBJECT_HISTORY
from warehouse.lake.reading import TableScan
from warehouse.observed import ObservedWindow

_log = logging.getLogger(__name__)

_HISTORY_SQL: Final = """
WITH mine AS (SELECT * FROM rows WHERE observed_by = $source),
ends AS (SELECT kind, uid, max(valid_to) AS died FROM mine WHERE valid_to IS NOT NULL GROUP BY kind, uid),
marks AS (
    SELECT min(valid_from) AS first_mark, max(valid_from) FILTER (valid_from <= $marks) AS last_mark
    FROM mine WHERE kind = $contact
)
SELECT mine.* FROM mine LEFT JOIN ends USING (kind, uid) CROSS JOIN marks
WHERE CASE
    WHEN kind = $contact
    THEN valid_from = first_mark OR valid_from >= coalesce(last_mark, first_mark)
    WHEN list_contains($owners, kind) THEN died IS NULL OR died > $owners_since
    ELSE died IS NULL OR died > $start
END
"""

INVENTORY_JOB = "inventory"
"""Job whose lease lets one process at a time write a cluster's inventory: a watch, or one listing."""


class RefinedSource:
    """A source whose hours are made exact by the stored inventory of the cluster.

    Parameters
    ----------
    runtime : Runtime
    inner : OpenSource
        Source of the observed hours; this one keeps its name.
    """

    def __init__(self, runtime: Runtime, inner: OpenSource) -> None:
        self._runtime = runtime
        self._inner = inner

    @property
    def name(self) -> str:
        """Name of the inner source."""
        return self._inner.name

    def oldest(self, cluster: str) -> datetime | None:
        """Return what the inner source returns."""
        return self._inner.oldest(cluster)

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        """Return the inner source's hours, refined where the inventory is certain."""
        observed = self._inner.observe(cluster, window)
        history = read_history(self._runtime, cluster, window)
        return refine_hours(observed, history) if history.num_rows else observed

    @property
    def load(self) -> SourceLoad | None:
        """What the inner source asked of its server, None where it asks none."""
        return self._inner.load if isinstance(self._inner, MeasuredSource) else None

    def close(self) -> None:
        """Close the inner source."""
        self._inner.close()


def read_history(runtime: Runtime, cluster: str, window: HourWindow) -> pa.Table:
    """Return the versions of objects that can matter for a window, however long the history is.

    These are all versions of the objects that had not gone before the window, and of the owners of pods
    (which may go earlier than their pods), and the moments at which the inventory was complete: the first
    one, the last one before the window and those after it.
    """
    return runtime.warehouse.lake.query(
        _HISTORY_SQL,
        tables={"rows": TableScan("object_history", cluster)},
        parameters={
            "start": window.start,
            "marks": window.start - CONTACT_MEMORY,
            "owners": sorted(OWNER_KINDS),
            "owners_since": window.start - OWNER_MEMORY,
            "source": OBSERVED_BY,
            "contact": CONTACT_KIND,
        },
    ).cast(OBJECT_HISTORY.schema)


def refresh_inventory(runtime: Runtime, cluster: ClusterSettings) -> tuple[str, ...]:
    """List the cluster's objects once and store what is new, unless a watch is doing so all the time.

    Returns
    -------
    tuple of str
        What could not be read and why. Hours are then stored as exactly as metrics allow.
    """
    if kubernetes_settings(cluster) is None:
        return ()
    try:
        with holding(runtime, cluster.name, INVENTORY_JOB) as held:
            return _list_once(runtime, cluster, held.lease)
    except LeaseLost:
        return ()  # a watch holds the lease and keeps the inventory fresh
    except SourceError as problem:
        _log.warning("inventory of %s: %s", cluster.name, problem)
        return (f"no inventory of the Kubernetes API: {problem}",)


def _list_once(runtime: Runtime, cluster: ClusterSettings, lease: Lease) -> tuple[str, ...]:
    inventory = open_inventory(runtime, cluster)
    if inventory is None:
        return ()
    try:
        store_inventory(runtime, inventory.snapshot(), lease)
        return tuple(f"{kind} is not readable: {reason}" for kind, reason in inventory.state.missing.items())
    finally:
        inventory.close()


def open_inventory(runtime: Runtime, cluster: ClusterSettings) -> KubernetesInventory | None:
    """Return the inventory of a cluster with what is stored taken up, or None without a connection.

    Raises
    ------
    SourceRefused
        If there are no usable credentials.
    """
    settings = kubernetes_settings(cluster)
    if settings is None:
        return None
    inventory = KubernetesInventory(settings, cluster.name)
    lake = runtime.warehouse.lake
    inventory.remember(
        lake.scan("object_history", cluster=cluster.name), lake.scan("label_set", cluster=cluster.name)
    )
    return inventory


def store_inventory(runtime: Runtime, rows: InventoryRows, lease: Lease) -> None:
    """Add new versions and label sets to the lake."""
    lake = runtime.warehouse.lake
    if rows.label_set.num_rows:
        lake.add_absent("label_set", rows.label_set, fence=lease)
    if rows.object_history.num_rows:
        lake.add_absent("object_history", rows.object_history, fence=lease)
        _log.info("%s: %s new versions of objects", lease.cluster, rows.object_history.num_rows)
