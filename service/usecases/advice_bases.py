"""What the policy reads of each container's days: its statistic, what rivals would say, its past risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from models.profiles.container_day import KEY
from models.profiles.histogram import read_percentiles
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import PastRisk, RivalQuote
from models.vocabulary.windows import day_start
from recommender.basis import Bases, RiskModel, fit_risk
from recommender.presets import PolicySettings, Preset
from recommender.rival_quotes import quote_rivals
from recommender.subject import SubjectBasis
from service.usecases.daily_use import daily_use
from service.usecases.profiles import History

_P95 = 0.95


@dataclass(frozen=True, eq=False)
class PastUse:
    """Everything about the whole days of a history that does not depend on risk classes.

    Parameters
    ----------
    history : History
    model : RiskModel
        Fitted on all containers, one row each.
    rivals : list of tuple of RivalQuote
    cpu_p95_last_day_cores : list of float or None
    """

    history: History
    model: RiskModel
    rivals: list[tuple[RivalQuote, ...]]
    cpu_p95_last_day_cores: list[float | None]


def read_past(history: History, settings: PolicySettings) -> PastUse | None:
    """Return what whole days say; a day that the event time cuts counts in the guard rails only.

    Returns
    -------
    PastUse or None
        None before the first day is over.
    """
    use = daily_use(history)
    is_cut = history.window.end != day_start(history.window.end.date())
    whole_days = use.day_count - int(is_cut)
    if whole_days < 1 or not use.size:
        return None
    use = use.days(0, whole_days)
    last_day = read_percentiles(np.asarray(use.cpu_counts[:, -1], np.float64), [_P95], CPU_BUCKETS)[:, 0]
    return PastUse(history, fit_risk(use, settings), quote_rivals(use), _values(last_day))


def subject_bases(
    past: PastUse | None, wanted: Sequence[ContainerKey], presets: Sequence[Preset]
) -> list[SubjectBasis | None]:
    """Return one row per wanted container; None where nothing of it is in the past.

    Parameters
    ----------
    past : PastUse or None
    wanted : sequence of ContainerKey
    presets : sequence of Preset
        One per wanted container.
    """
    if past is None or not wanted:
        return [None] * len(wanted)
    size = past.model.use.size
    keys = list(wanted) if size == len(wanted) else _row_keys(past.history, wanted[0].workload.cluster)
    preset_of = dict(zip(wanted, presets, strict=True))
    bases = past.model.advise([preset_of.get(key, presets[0]) for key in keys])
    columns = zip(
        _values(bases.cpu_request_cores),
        _values(bases.memory_request_bytes),
        bases.cpu_statistics,
        bases.memory_statistics,
        _past_risks(bases),
        past.rivals,
        past.cpu_p95_last_day_cores,
        strict=True,
    )
    found = {key: SubjectBasis(*row) for key, row in zip(keys, columns, strict=True)}
    return [found.get(key) for key in wanted]


def _row_keys(history: History, cluster: str) -> list[ContainerKey]:
    """Return the container of each row of the daily use: all that have a summary or a histogram, in order."""
    names = list(KEY)
    parts = [
        pa.table({name: table.column(name).cast(pa.string()) for name in names})
        for table in (history.summaries, history.histograms)
    ]
    rows = pa.concat_tables(parts).group_by(names).aggregate([])
    ordered = rows.sort_by([(name, "ascending") for name in names]).select(names).to_pylist()
    return [
        ContainerKey(
            WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]),
            row["container"],
        )
        for row in ordered
    ]


def _past_risks(bases: Bases) -> list[PastRisk]:
    columns = zip(
        bases.cpu_over_request_ratios_stated.tolist(),
        bases.memory_over_day_ratios_stated.tolist(),
        _values(bases.cpu_over_request_ratios_seen),
        _values(bases.memory_over_day_ratios_seen),
        bases.replayed_days.tolist(),
        strict=True,
    )
    return [PastRisk(*row) for row in columns]


def _values(column: FloatArray) -> list[float | None]:
    """Return a column as plain values, None where it is NaN."""
    return [None if value != value else value for value in column.tolist()]
