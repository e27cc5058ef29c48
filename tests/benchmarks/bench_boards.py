"""Time of each board on a year of daily costs of 200 teams, beside a plain pandas groupby of the same rows.

    python tests/benchmarks/bench_boards.py [--teams 200] [--days 366]

The first read is thrown away: what counts is a board that is opened again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import board_world  # noqa: E402

from models.vocabulary.windows import DAY  # noqa: E402
from service.boards.chargeback import read_chargeback, verify_sums  # noqa: E402
from service.boards.health import read_health  # noqa: E402
from service.boards.inbox import read_inbox  # noqa: E402
from service.boards.leadership import read_leadership, read_periods  # noqa: E402

_CLUSTERS = ("c1", "c2", "c3", "c4")
_WORKLOADS_PER_TEAM = 4


def build(home: Path, team_count: int, day_count: int) -> board_world.World:
    """Write the company: one row per day, workload and resource, and the ledger of every hour."""
    board_world.CLUSTERS = _CLUSTERS
    board_world.IDLE_CENTS = dict.fromkeys(_CLUSTERS, 19000)
    board_world.OVERHEAD_CENTS = dict.fromkeys(_CLUSTERS, 4000)
    board_world.WORKLOADS = tuple(
        board_world.WorkloadSpec(
            _CLUSTERS[number % len(_CLUSTERS)],
            f"namespace-{number % (2 * team_count)}",
            f"app-{number}",
            f"team-{number % team_count}",
            "rule",
            100 + number,
            50 + number,
        )
        for number in range(team_count * _WORKLOADS_PER_TEAM)
    )
    first = board_world.LAST_DAY - (day_count - 1) * DAY
    return board_world.build_world(home, first=first, with_suggestions=False)


def measure(read: Callable[[], object], repeats: int = 3) -> float:
    """Return the seconds of the fastest of some reads after a first one."""
    read()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        read()
        found.append(time.perf_counter() - began)
    return min(found)


def group_in_pandas(world: board_world.World) -> Callable[[], object]:
    """Return the plain version: read the same rows, group by day, team and kind."""
    lake = world.runtime.warehouse.lake
    columns = ["billing_date", "line_kind", "team", "cost_centre", "total_cost", "currency"]

    def group() -> object:
        frame = lake.scan("cost_day", columns=columns).to_pandas()
        frame["total_cost"] = frame["total_cost"].astype(float)
        return frame.groupby(["billing_date", "line_kind", "team"], dropna=False)["total_cost"].sum()

    return group


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--days", type=int, default=366)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        world = build(Path(folder), asked.teams, asked.days)
        rows = world.runtime.warehouse.lake.scan("cost_day", columns=["billing_date"]).num_rows
        sys.stdout.write(
            f"{rows:,} rows of cost_day, {asked.days} days, {asked.teams} teams, {len(_CLUSTERS)} clusters; "
            f"built in {timedelta(seconds=round(time.perf_counter() - began))}\n"
        )
        plain = measure(group_in_pandas(world), repeats=2)
        sys.stdout.write(f"{'plain pandas groupby':24s} {plain * 1000:8.0f} ms\n")
        runtime, leader, finance = world.runtime, board_world.LEADER, board_world.FINANCE
        boards: dict[str, Callable[[], object]] = {
            "periods": lambda: read_periods(runtime, leader),
            "leadership": lambda: read_leadership(runtime, leader),
            "chargeback": lambda: read_chargeback(runtime, finance, "2026-10"),
            "chargeback, sums check": lambda: verify_sums(runtime, finance, "2026-10"),
            "suggestions": lambda: read_inbox(runtime, leader),
            "data health": lambda: read_health(runtime, leader),
        }
        for name, read in boards.items():
            seconds = measure(read)
            sys.stdout.write(f"{name:24s} {seconds * 1000:8.0f} ms  {seconds / plain:6.2f} x pandas\n")
        world.runtime.warehouse.close()


if __name__ == "__main__":
    main()
