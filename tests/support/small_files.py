"""A day of a small cluster as CSV files, written by hand: two teams, two nodes, one of unknown type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

DAY = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SmallFiles:
    """Paths of the files."""

    usage: Path
    nodes: Path
    prices: Path
    ownership: Path

    def arguments(self) -> list[str]:
        """Return the flags of ``millicore ingest files``."""
        names = ("usage", "nodes", "prices", "ownership")
        return [part for name in names for part in (f"--{name}", str(getattr(self, name)))]


def write_small_files(folder: Path, *, hours: int = 24, with_unknown_type: bool = False) -> SmallFiles:
    """Write the files; the second node's type has a price unless it is to be unknown."""
    files = SmallFiles(*(folder / f"{name}.csv" for name in ("usage", "nodes", "prices", "ownership")))
    second = "x9.mystery" if with_unknown_type else "m6i.large"
    rows = [
        f"prod,{team},Deployment,{team}-web,{team}-web-{node[-1]},main,{node},"
        f"{DAY + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ},3600,{cores},{2**30},1,{2**31}"
        for hour in range(hours)
        for team, node, cores in (("shop", "node-1", 0.5), ("search", "node-2", 0.25))
    ]
    head = (
        "cluster,namespace,workload_kind,workload_name,pod,container,node,interval_start,interval_seconds,"
        "cpu_usage_cores,memory_usage_bytes,cpu_request_cores,memory_request_bytes"
    )
    files.usage.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    files.nodes.write_text(
        "cluster,node,valid_from,valid_to,instance_type,region,zone,purchase_option,cpu_capacity_cores,"
        "memory_capacity_bytes,cpu_allocatable_cores,memory_allocatable_bytes,gpu_capacity,labels\n"
        f"prod,node-1,2026-09-01T00:00:00Z,,m6i.large,eu-1,,on_demand,2,{2**33},2,{2**33},,\n"
        f"prod,node-2,2026-09-01T00:00:00Z,,{second},eu-1,,on_demand,2,{2**33},2,{2**33},,\n",
        encoding="utf-8",
    )
    files.prices.write_text(
        "instance_type,region,purchase_option,currency,hourly_list_price,hourly_effective_price,"
        "valid_from,valid_to\n"
        "m6i.large,eu-1,on_demand,USD,0.10,0.10,2026-01-01T00:00:00Z,\n",
        encoding="utf-8",
    )
    files.ownership.write_text(
        "cluster,namespace,label_selector,team,cost_centre,share_ratio,priority,valid_from,valid_to\n"
        "*,shop,,checkout,CC-1,1,0,2026-01-01T00:00:00Z,\n",
        encoding="utf-8",
    )
    return files
