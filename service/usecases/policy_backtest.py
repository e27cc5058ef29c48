"""Right-sizing policies replayed on the stored past of every cluster."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from models.profiles.buckets import CPU_BUCKETS, FloatArray, IntArray
from models.profiles.container_day import KEY
from models.profiles.encoding import group_rows, read_floats
from models.profiles.histogram import merge_lists
from models.vocabulary.windows import floor_hour, to_utc
from recommender.backtest import DailyUse, PolicyScore, list_policies, score_policies
from recommender.presets import find_preset
from service.progress import Progress
from service.runtime import Runtime
from service.usecases.profiles import History, build_histograms, cluster_names, profile_window, read_history
from service.usecases.recommendations import policy_settings


def backtest_rightsizing(
    runtime: Runtime,
    *,
    as_of: datetime | None = None,
    cluster: str | None = None,
    risk_class: str | None = None,
    progress: Progress | None = None,
) -> dict[str, list[PolicyScore]]:
    """Return the score of each policy by cluster, over the profile window before an event time.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Now by default; a day that it cuts is left out.
    cluster : str, optional
    risk_class : str, optional
        Preset of our policy; that of the settings by default.
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    preset = find_preset(risk_class or runtime.settings.risk_class)
    policies = list_policies(preset, policy_settings(runtime))
    scores = {}
    for name in cluster_names(runtime, cluster):
        build_histograms(runtime, cluster=name, window=profile_window(runtime, moment), progress=progress)
        history = read_history(runtime, name, moment.replace(hour=0), progress=progress)
        if history is not None and history.summaries.num_rows:
            scores[name] = score_policies(daily_use(history), policies)
    return scores


def daily_use(history: History) -> DailyUse:
    """Return the use of each container per day, from its day summaries and histograms."""
    days = {day: index for index, day in enumerate(history.window.days())}
    summaries, histograms = history.summaries, history.histograms
    parts = [
        pa.table({name: table.column(name).cast(pa.string()) for name in KEY})
        for table in (summaries, histograms)
    ]
    groups = group_rows(pa.concat_tables(parts), list(KEY))
    cell = groups.code * len(days) + np.array(
        [days[day] for table in (summaries, histograms) for day in table.column("day").to_pylist()],
        dtype=np.int64,
    )
    summary_cell, histogram_cell = cell[: summaries.num_rows], cell[summaries.num_rows :]
    shape = (groups.count, len(days))
    statistic = np.array(histograms.column("statistic").cast(pa.string()).to_pylist(), dtype=object)
    is_cpu = np.flatnonzero([name.startswith("cpu_mean_5m") for name in statistic])
    is_memory = np.flatnonzero([name.startswith("memory_max_5m") for name in statistic])
    cpu = histograms.take(pa.array(is_cpu))
    counts = merge_lists(
        cpu.column("bucket_index"),
        cpu.column("bucket_count"),
        histogram_cell[is_cpu],
        (groups.count * len(days), CPU_BUCKETS.count),
    )
    maximum = read_floats(histograms.column("maximum"))[is_memory]
    seconds = read_floats(summaries.column("running_seconds"))
    return DailyUse(
        cpu_counts=counts.reshape(*shape, CPU_BUCKETS.count),
        memory_maxima=_largest(histogram_cell[is_memory], maximum, shape),
        cpu_requests=_placed(summary_cell, read_floats(summaries.column("cpu_request_cores")), shape),
        memory_requests=_placed(summary_cell, read_floats(summaries.column("memory_request_bytes")), shape),
        replicas=_placed(summary_cell, seconds / 86_400.0, shape),
    )


def _largest(cell: IntArray, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    best = np.full(shape[0] * shape[1], np.nan)
    np.fmax.at(best, cell, values)
    return best.reshape(shape)


def _placed(cell: IntArray, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    placed = np.full(shape[0] * shape[1], np.nan)
    placed[cell] = values
    return placed.reshape(shape)
