"""Rewrites ``month/usage.csv`` of the golden month; it is constant but for its times.

Run: ``.venv/bin/python tests/golden/write_usage.py``
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
GAP = (datetime(2026, 2, 20, tzinfo=UTC), datetime(2026, 2, 20, 6, tzinfo=UTC))
SPOT = (datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 2, 12, 12, tzinfo=UTC))
GIB = 1 << 30
HEADER = (
    "cluster,namespace,workload_kind,workload_name,pod,container,node,interval_start,interval_seconds,"
    "cpu_usage_cores,memory_usage_bytes,cpu_request_cores,memory_request_bytes,labels"
)
CONTAINERS = (
    ("shop", "Deployment", "web", "web-0", "n1", (START, END), "0.5", 3 * GIB // 2, "1", GIB, ""),
    ("shop", "StatefulSet", "db", "db-0", "n1", (START, END), "1", GIB // 2, "2", GIB, ""),
    ("tools", "DaemonSet", "agent", "agent-0", "n1", (START, END), "", "", "0.5", GIB // 4, ""),
    ("batch", "Job", "report", "report-0", "n2", SPOT, "1.5", GIB, "", "", '{"team": "green"}'),
)


def main() -> None:
    """Write the file."""
    path = Path(__file__).parent / "month" / "usage.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        out.write(f"{HEADER}\n")
        moment = START
        while moment < END:
            for namespace, kind, name, pod, node, (first, last), *amounts, labels in CONTAINERS:
                if first <= moment < last and not GAP[0] <= moment < GAP[1]:
                    place = ("golden", namespace, kind, name, pod, "app", node)
                    writer.writerow((*place, f"{moment:%Y-%m-%dT%H:%M:%SZ}", 3600, *amounts, labels))
            moment += timedelta(hours=1)


if __name__ == "__main__":
    main()
