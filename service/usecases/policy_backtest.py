"""Right-sizing policies replayed on the stored past of every cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from models.vocabulary.identity import ContainerKey
from models.vocabulary.windows import HourWindow, day_start, floor_hour, to_utc
from recommender.backtest import MINIMUM_DAYS, Replay, plan_replay, replay
from recommender.backtest_matched import Match, match_rivals
from recommender.backtest_policies import Policy, frontier, orientation, ours, rivals
from recommender.backtest_scores import PolicyScore
from recommender.basis_use import DailyUse
from recommender.presets import PRESETS, find_preset
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.daily_use import daily_use, list_keys
from service.usecases.profiles import build_histograms, cluster_names, read_history
from service.usecases.risk_classes import policy_settings

__all__ = ["ClusterBacktest", "backtest_rightsizing", "daily_use"]

LONGEST_DAYS = 42
"""Days that are replayed at most unless asked otherwise."""


@dataclass(frozen=True, eq=False)
class ClusterBacktest:
    """What replaying policies on one cluster's past gave.

    Parameters
    ----------
    cluster : str
    first_day, end : datetime or None
        Stored whole days that were read; None without any.
    warm_up_days, scored_days : int
    scores : list of PolicyScore
        By policy: for orientation, ours in each class asked for, the rivals.
    frontier : list of PolicyScore
        Ours at rising stated risk.
    matches : list of Match
        Ours at each rival's own risk, read off the frontier.
    missing_days : int
        Whole days that must still be stored before anything can be replayed; 0 when it was.
    keys : list of ContainerKey
        One per container, in the order of the replays.
    replays : list of Replay
        Behind the scores, in their order.
    """

    cluster: str
    first_day: datetime | None
    end: datetime | None
    warm_up_days: int
    scored_days: int
    scores: list[PolicyScore]
    frontier: list[PolicyScore]
    matches: list[Match]
    missing_days: int
    keys: list[ContainerKey]
    replays: list[Replay]


def backtest_rightsizing(
    runtime: Runtime,
    *,
    as_of: datetime | None = None,
    cluster: str | None = None,
    risk_classes: Sequence[str] = (),
    longest_days: int = LONGEST_DAYS,
    progress: Progress | None = None,
) -> dict[str, ClusterBacktest]:
    """Return by cluster what each policy would have done on the stored days before an event time.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        The newest stored hour of each cluster by default; a day that it cuts is left out.
    cluster : str, optional
    risk_classes : sequence of str
        Presets of our policy; cost, balanced and safe by default.
    longest_days : int
        Newest days that are read.
    progress : Progress, optional

    Raises
    ------
    UsageError
        If a risk class is unknown.
    """
    presets = [find_preset(name) for name in risk_classes or ("cost", "balanced", "safe")]
    found = {}
    for name in cluster_names(runtime, cluster):
        window = _window(runtime, name, as_of, longest_days)
        if window is None:
            found[name] = _too_short(name, None)
            continue
        build_histograms(runtime, cluster=name, window=window, progress=progress)
        history = read_history(runtime, name, window.end, window=window, progress=progress)
        if history is None or not history.summaries.num_rows or plan_replay(_day_count(window)) is None:
            found[name] = _too_short(name, window)
            continue
        use = daily_use(history, with_memory_counts=True)
        policies = [*orientation(use), *(ours(preset) for preset in presets), *rivals()]
        found[name] = _replay(
            runtime, name, window, use, policies, list_keys(history, name), progress or SilentProgress()
        )
    return found


def _window(runtime: Runtime, cluster: str, as_of: datetime | None, longest_days: int) -> HourWindow | None:
    """Return the whole stored days before an event time, None without any."""
    span = runtime.warehouse.ledger.span(cluster)
    if span is None:
        return None
    end = min(span.end, floor_hour(to_utc(as_of))) if as_of else span.end
    last = day_start(end.date())
    first = max(day_start(span.start.date()), last - timedelta(days=longest_days))
    return HourWindow(first, last) if first < last else None


def _day_count(window: HourWindow | None) -> int:
    return len(list(window.days())) if window is not None else 0


def _too_short(cluster: str, window: HourWindow | None) -> ClusterBacktest:
    days = _day_count(window)
    return ClusterBacktest(
        cluster,
        window.start if window else None,
        window.end if window else None,
        *(0, 0, [], [], []),
        missing_days=max(MINIMUM_DAYS - days, 1),
        keys=[],
        replays=[],
    )


def _replay(
    runtime: Runtime,
    cluster: str,
    window: HourWindow,
    use: DailyUse,
    policies: list[Policy],
    keys: list[ContainerKey],
    progress: Progress,
) -> ClusterBacktest:
    plan = plan_replay(use.day_count)
    assert plan is not None
    curve = frontier(PRESETS["balanced"])
    replays = replay(
        use,
        [*policies, *curve],
        policy_settings(runtime),
        window_days=runtime.settings.profile_window_days,
        track=partial(tracked, progress, description=f"{cluster}: replaying days"),
    )
    scores = [done.score() for done in replays]
    own, on_curve = scores[: len(policies)], scores[len(policies) :]
    others = [score for score, policy in zip(own, policies, strict=True) if policy.is_rival]
    return ClusterBacktest(
        cluster,
        window.start,
        window.end,
        plan.first_scored,
        plan.scored_days,
        own,
        on_curve,
        match_rivals(others, on_curve),
        0,
        keys,
        replays[: len(policies)],
    )
