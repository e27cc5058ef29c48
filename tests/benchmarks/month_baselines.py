"""The job of bench_month.py as one would write it in DuckDB SQL and in pandas, over the same files.

Both price the nodes, split their cost to every container-hour by cause, keep these lines as Parquet and add
them up by day and workload. Neither knows price validity, owners, exact decimals, corrections or a proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

GIB = float(1 << 30)
PRICES = {"m6i.8xlarge": 1.1, "m6a.8xlarge": 1.3824}
_SOURCES = {
    "cpu": (
        "cpu_request_core_seconds",
        "cpu_usage_core_seconds",
        "cpu_capacity_cores",
        "cpu_allocatable_cores",
    ),
    "memory": (
        "memory_request_byte_seconds",
        "memory_usage_byte_seconds",
        "memory_capacity_bytes",
        "memory_allocatable_bytes",
    ),
}
_WEIGHT = {"cpu": "9 * cpu_capacity_cores", "memory": f"memory_capacity_bytes / {GIB}"}


def _files(lake: Path, table: str, days: Sequence[date]) -> list[str]:
    return [
        str(file)
        for day in days
        for file in sorted((lake / table).glob(f"cluster=bench/day={day}/*.parquet"))
    ]


def in_duckdb(lake: Path, days: Sequence[date], kept: Path) -> int:
    """Return the number of rows of daily costs; day by day, with two threads."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2, "memory_limit": "1500MB"})
    found = 0
    for day in days:
        nodes, containers = (_files(lake, table, [day]) for table in ("node_hour", "container_hour"))
        for resource in _SOURCES:
            lines = str(kept / f"{day}-{resource}.parquet")
            copy = f"COPY ({_lines_sql(resource)}) TO '{lines}' (FORMAT parquet, COMPRESSION zstd)"
            connection.execute(copy, {"nodes": nodes, "containers": containers})
            found += len(connection.execute(_DAY_SQL, {"lines": lines}).fetchall())
    return found


_DAY_SQL = """
    SELECT namespace, workload_kind, workload_name, node_pool, sum(used_cost), sum(unused_request_cost),
      sum(unmeasured_cost), sum(idle_cost), sum(overhead_cost)
    FROM read_parquet($lines) GROUP BY ALL"""


def _lines_sql(resource: str) -> str:
    request, usage, capacity, allocatable = _SOURCES[resource]
    price = " ".join(f"WHEN '{name}' THEN {cost}" for name, cost in PRICES.items())
    return f"""
        WITH node AS (
          SELECT hour, node_key, node_pool,
            CASE instance_type {price} END * running_seconds / 3600 * ({_WEIGHT[resource]})
              / ({" + ".join(_WEIGHT.values())}) AS cost,
            {capacity} * running_seconds AS capacity, {allocatable} * running_seconds AS allocatable
          FROM read_parquet($nodes)),
        line AS (
          SELECT hour, node_key, pod_uid, container, namespace, workload_kind, workload_name,
            {usage} AS used,
            greatest(coalesce({request}, 0), coalesce({usage}, 0)) AS billed
          FROM read_parquet($containers)),
        sold AS (SELECT hour, node_key, sum(billed) AS billed FROM line GROUP BY ALL),
        unit AS (
          SELECT node.*, coalesce(sold.billed, 0) AS sold,
            cost / greatest(capacity, coalesce(sold.billed, 0) + capacity - allocatable) AS price
          FROM node LEFT JOIN sold USING (hour, node_key))
        SELECT hour, node_key, pod_uid, container, namespace, workload_kind, workload_name, node_pool,
          price * used AS used_cost, price * (billed - used) AS unused_request_cost,
          CASE WHEN used IS NULL THEN price * billed END AS unmeasured_cost,
          NULL AS idle_cost, NULL AS overhead_cost
        FROM line JOIN unit USING (hour, node_key)
        UNION ALL
        SELECT hour, node_key, NULL, NULL, NULL, NULL, NULL, node_pool, NULL, NULL, NULL,
          price * greatest(allocatable - sold, 0), price * (capacity - allocatable)
        FROM unit"""


def in_pandas(lake: Path, days: Sequence[date], kept: Path) -> int:
    """Return the number of rows of daily costs: merges and groupbys, a day at a time."""
    import numpy as np
    import pandas as pd

    found = 0
    for day in days:
        nodes, containers = (
            pd.concat([pd.read_parquet(file) for file in _files(lake, table, [day])])
            for table in ("node_hour", "container_hour")
        )
        cost = nodes["instance_type"].astype(str).map(PRICES) * nodes["running_seconds"] / 3600
        weights = {name: nodes.eval(formula) for name, formula in _WEIGHT.items()}
        for resource, (request, usage, capacity, allocatable) in _SOURCES.items():
            facts = nodes[["hour", "node_key", "node_pool"]].assign(
                cost=cost * weights[resource] / sum(weights.values()),
                capacity=nodes[capacity] * nodes["running_seconds"],
                allocatable=nodes[allocatable] * nodes["running_seconds"],
            )
            about = ["pod_uid", "container", "namespace", "workload_kind", "workload_name"]
            names = ["hour", "node_key", *about, request, usage]
            lines = containers[names].merge(facts, on=["hour", "node_key"], how="left")
            lines["billed"] = lines[[request, usage]].max(axis=1).fillna(0)
            sold = lines.groupby(["hour", "node_key"], observed=True)["billed"].transform("sum")
            price = lines["cost"] / np.maximum(
                lines["capacity"], sold + lines["capacity"] - lines["allocatable"]
            )
            lines["used_cost"] = price * lines[usage]
            lines["unused_request_cost"] = price * (lines["billed"] - lines[usage])
            lines["unmeasured_cost"] = (price * lines["billed"]).where(lines[usage].isna())
            key = ["namespace", "workload_kind", "workload_name", "node_pool"]
            sums = ["used_cost", "unused_request_cost", "unmeasured_cost"]
            kept_columns = ["hour", "node_key", "node_pool", *about, *sums]
            lines[kept_columns].to_parquet(kept / f"{day}-{resource}.parquet")
            found += len(lines.groupby(key, observed=True)[sums].sum())
            spare = facts.merge(
                lines.groupby(["hour", "node_key"], observed=True)["billed"].sum().reset_index(),
                on=["hour", "node_key"],
                how="left",
            )
            spare["idle"] = (spare["allocatable"] - spare["billed"].fillna(0)).clip(lower=0)
            found += len(spare.groupby("node_pool", observed=True)["idle"].sum())
    return found
