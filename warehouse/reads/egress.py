"""What each workload of a cluster sent in a time, and who paid for it: by this, a bill's egress is shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.billing.egress import Payer, Sender
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_WORKLOAD = ("namespace", "workload_kind", "workload_name")
_SENDERS = """WITH pod_bytes AS (
    SELECT hour, node_key, namespace, coalesce(workload_kind, '') AS workload_kind,
           coalesce(workload_name, '') AS workload_name,
           sum(round(network_transmit_bytes)::HUGEINT) AS bytes
    FROM pod WHERE network_transmit_bytes > 0 AND hour >= $start AND hour < $end GROUP BY ALL
), sent AS (
    SELECT namespace, workload_kind, workload_name, sum(bytes) AS bytes FROM pod_bytes GROUP BY ALL
    UNION ALL
    SELECT NULL, NULL, NULL, sum(greatest(n.bytes - coalesce(p.bytes, 0), 0)) AS bytes
    FROM (SELECT hour, node_key, sum(round(network_transmit_bytes)::HUGEINT) AS bytes FROM node
          WHERE network_transmit_bytes > 0 AND hour >= $start AND hour < $end GROUP BY ALL) n
    LEFT JOIN (SELECT hour, node_key, sum(bytes) AS bytes FROM pod_bytes GROUP BY ALL) p
      USING (hour, node_key)
), paid AS (
    SELECT namespace, coalesce(workload_kind, '') AS workload_kind,
           coalesce(workload_name, '') AS workload_name, team, cost_centre, ownership_source,
           sum(round(container_hours * 1e6)::BIGINT)::BIGINT AS weight
    FROM cost WHERE line_kind = 'workload' AND resource = 'cpu' AND container_hours > 0
      AND billing_date BETWEEN $first AND $last GROUP BY ALL
)
SELECT namespace, nullif(workload_kind, '') AS workload_kind, nullif(workload_name, '') AS workload_name,
       sent.bytes::DOUBLE AS bytes, paid.team, paid.cost_centre, paid.ownership_source, paid.weight
FROM sent LEFT JOIN paid USING (namespace, workload_kind, workload_name)
WHERE sent.bytes > 0
ORDER BY ALL"""


@dataclass(frozen=True)
class EgressReads:
    """Reads of bytes sent.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    lake: Lake
    pin: Pin | None = None

    def clusters_with_flows(self, window: HourWindow) -> frozenset[str]:
        """Return the clusters with a source that tells bytes by class of traffic."""
        rows = self.lake.query(
            "SELECT DISTINCT cluster FROM flow ORDER BY ALL",
            tables={"flow": TableScan("network_flow_hour", None, window, ("cluster",))},
            pin=self.pin,
        )
        return frozenset(rows.column("cluster").to_pylist())

    def senders(
        self, cluster: str, window: HourWindow, until: datetime, days: tuple[date, date]
    ) -> list[Sender]:
        """Return who sent bytes in a month, ordered by name.

        What nodes sent beyond their pods (pods on the host's network, the node itself) is one sender without
        a namespace: per node-hour, the machine's bytes less those of its pods, at least 0.

        Parameters
        ----------
        cluster : str
        window : HourWindow
            Hours of the month.
        until : datetime
            Bytes from here on do not count: the bill ends.
        days : (date, date)
            First and last billing day of the month; container-hours charged on them divide a workload among
            its owners.
        """
        billed = HourWindow(day_start(days[0]), day_start(days[1] + DAY))
        sent = ("hour", "node_key", "network_transmit_bytes")
        payer = ("team", "cost_centre", "ownership_source", "container_hours")
        paid = ("billing_date", "line_kind", "resource", *_WORKLOAD, *payer)
        rows = self.lake.query(
            _SENDERS,
            tables={
                "pod": TableScan("pod_hour", cluster, window, (*sent, *_WORKLOAD)),
                "node": TableScan("node_hour", cluster, window, sent),
                "cost": TableScan("cost_day", cluster, billed, paid),
            },
            parameters={"start": window.start, "end": until, "first": days[0], "last": days[1]},
            pin=self.pin,
        ).to_pylist()
        found: dict[tuple[object, ...], list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(tuple(row[name] for name in _WORKLOAD), []).append(row)
        return [_sender(own) for own in found.values()]


def _sender(rows: list[dict[str, Any]]) -> Sender:
    names = ("team", "cost_centre", "ownership_source", "weight")
    payers = tuple(Payer(*(row[name] for name in names)) for row in rows if row["weight"] is not None)
    return Sender(**{name: rows[0][name] for name in _WORKLOAD}, byte_count=rows[0]["bytes"], payers=payers)
