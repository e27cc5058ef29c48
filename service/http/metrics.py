"""Millicore's own metrics in Prometheus' text format: states of hours, freshness, gaps, suggestions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from models.vocabulary.identity import Principal
from models.vocabulary.windows import HourWindow
from service.boards.coverage import list_gaps, newest_complete
from service.boards.freshness import age_of
from service.boards.headers import last_final_day, read_final_days
from service.runtime import Runtime
from warehouse.reads.costs import CostReads
from warehouse.reads.coverage import CoverageReads

_LOOK_BACK = timedelta(days=35)

Sample = tuple[dict[str, str], float]


def write_metrics(runtime: Runtime, principal: Principal) -> str:
    """Return all metrics as text.

    Raises
    ------
    StorageError
        If the warehouse cannot be read: a scrape then fails, which is what an alert needs.
    """
    coverage = CoverageReads(runtime.warehouse.database)
    now = runtime.now()
    stored = coverage.stored_window(principal)
    hours = []
    if stored is not None:
        hours = coverage.hours(principal, HourWindow(max(stored.start, stored.end - _LOOK_BACK), stored.end))
    states = Counter((hour.source, hour.cluster, str(hour.state)) for hour in hours)
    gaps: Counter[str] = Counter()
    for gap in list_gaps(hours, now):
        gaps[gap.cluster] += gap.hour_count
    newest = newest_complete(hours)
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    final, _ = read_final_days(runtime, principal, costs)
    age = age_of(last_final_day(final), now, runtime.settings.zone)
    suggestions = Counter(str(one.state) for one in runtime.warehouse.recommendations.list(principal))
    parts = (
        _metric(
            "millicore_window_hours",
            "Hours of the last 35 days by source, cluster and state of the ledger.",
            (
                ({"source": source, "cluster": cluster, "state": state}, count)
                for (source, cluster, state), count in sorted(states.items())
            ),
        ),
        _metric(
            "millicore_data_freshness_seconds",
            "Seconds since the newest complete hour of a cluster ended.",
            (({"cluster": cluster}, (now - end).total_seconds()) for cluster, end in sorted(newest.items())),
        ),
        _metric(
            "millicore_ingest_gap_hours",
            "Hours of the last 35 days that are not complete.",
            (({"cluster": cluster}, gaps[cluster]) for cluster in sorted(newest)),
        ),
        _metric(
            "millicore_final_day_age_seconds",
            "Seconds since the newest final billing day ended.",
            [] if age is None else [({}, age.total_seconds())],
        ),
        _metric(
            "millicore_final_days",
            "Billing days that are final.",
            [({}, sum(final.values()))],
        ),
        _metric(
            "millicore_recommendations",
            "Suggestions by state.",
            (({"state": state}, count) for state, count in sorted(suggestions.items())),
        ),
    )
    return "".join(parts)


def _metric(name: str, help_text: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{shown}}} {value:g}" if shown else f"{name} {value:g}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
