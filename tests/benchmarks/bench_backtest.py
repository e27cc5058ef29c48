"""The statistic and the back-test: how long they take, and what policies did on recorded traces.

    python tests/benchmarks/bench_backtest.py --containers 10000 --days 14
    python tests/benchmarks/bench_backtest.py --data ../shared/data

The first prints CPU seconds on made-up use: the statistic of one day for a whole fleet, and a back-test of
every policy over four weeks. The second prints the tables of docs/backtest.md.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.daily_use import made_up  # noqa: E402
from support.real_usage import READERS  # noqa: E402

from recommender.backtest import replay  # noqa: E402
from recommender.backtest_matched import match_rivals  # noqa: E402
from recommender.backtest_policies import frontier, orientation, ours, rivals  # noqa: E402
from recommender.basis import find_bases  # noqa: E402
from recommender.basis_use import DailyUse  # noqa: E402
from recommender.presets import PRESETS, PolicySettings  # noqa: E402

_LINE = "{:<38}{:>10}{:>9}{:>9}{:>9}{:>11}{:>10}{:>9}"


def timed(name: str, work: Callable[[], object]) -> None:
    """Run and print CPU seconds."""
    start = time.process_time()
    work()
    print(f"{name:<58}{time.process_time() - start:8.2f} cpu-s")


def time_fleet(containers: int, days: int) -> None:
    """Print how long a fleet takes."""
    use, settings = made_up(containers, days), PolicySettings()
    presets = [PRESETS["balanced"]] * containers
    timed(f"statistic of {containers:,} containers x {days} days", lambda: find_bases(use, presets, settings))
    longer = made_up(max(containers // 10, 1), 28)
    policies = [*(ours(PRESETS[name]) for name in ("cost", "balanced", "safe")), *rivals()]
    timed(f"9 policies x 14 days on {longer.size:,} containers", lambda: replay(longer, policies, settings))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def compare(name: str, use: DailyUse) -> None:
    """Print every policy on one trace, and ours at the rivals' own risk."""
    policies = [*orientation(use), *(ours(PRESETS[each]) for each in ("cost", "balanced", "safe")), *rivals()]
    curve = frontier(PRESETS["balanced"])
    scores = [done.score() for done in replay(use, [*policies, *curve], PolicySettings())]
    print(f"\n{name}: {use.size} series, {use.day_count} days")
    print(_LINE.format("policy", "CPU saved", "over", "excess", "chg/d", "mem saved", "OOM days", "chg/d"))
    for score in scores[: len(policies)]:
        ratios = (score.cpu_saved_ratio, score.cpu_samples_over_ratio, score.cpu_excess_ratio)
        memory = (score.memory_saved_ratio, score.oom_day_ratio)
        print(
            _LINE.format(
                score.policy,
                *map(_percent, ratios),
                _rate(score.cpu_changes_per_day),
                *map(_percent, memory),
                _rate(score.memory_changes_per_day),
            )
        )
    others = [score for score, policy in zip(scores, policies, strict=False) if policy.is_rival]
    for match in match_rivals(others, scores[len(policies) :]):
        print(
            f"  at the risk of {match.rival:<26}{match.resource:<8}{_percent(match.risk_ratio):>8}: "
            f"saved {_percent(match.our_saved_ratio)} against {_percent(match.rival_saved_ratio)}, "
            f"requests {match.footprint_ratio - 1:+.1%}, "
            f"changes {_rate(match.our_changes_per_day)} against {_rate(match.rival_changes_per_day)}"
            f"{'' if match.is_inside else ' (beyond our riskiest)'}"
        )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument(
        "--data", type=Path, help="folder of recorded traces: print what policies did on them"
    )
    chosen = parser.parse_args()
    if chosen.data is None:
        time_fleet(chosen.containers, chosen.days)
        return
    for name, read in READERS.items():
        compare(name, read(chosen.data))


if __name__ == "__main__":
    main()
