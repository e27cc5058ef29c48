"""Profiles of containers whose use is a function of time, without a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from support.container_usage import Container, container_hours

from models.profiles.build import ProfileOptions, ProfileSet, build_profiles
from models.profiles.container_day import summarise_day
from models.profiles.daily import build_day_histograms
from models.vocabulary.windows import HourWindow

MONDAY = datetime(2026, 9, 7, tzinfo=UTC)


def profile_set(
    containers: Sequence[Container],
    days: float = 14,
    options: ProfileOptions | None = None,
    start: datetime = MONDAY,
) -> ProfileSet:
    """Return the profiles of containers that ran for some days from a Monday."""
    hours = round(days * 24)
    rows = container_hours(containers, start, hours)
    summaries, histograms = [], []
    for day in sorted(set(rows.column("day").to_pylist())):
        part = rows.filter(pa.array([value == day for value in rows.column("day").to_pylist()]))
        for found, made in ((summaries, summarise_day), (histograms, build_day_histograms)):
            table = made(part)
            found.append(table.append_column("day", pa.array([day] * table.num_rows, pa.date32())))
    window = HourWindow(start, start + timedelta(hours=hours))
    return build_profiles(
        "alpha",
        pa.concat_tables(summaries),
        pa.concat_tables(histograms),
        window,
        options or ProfileOptions(),
    )
