"""What is stored of a cluster's containers before an event time: day summaries and daily histograms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase

import pyarrow as pa

from models.events.calendar import CalendarEvent
from models.profiles.rows import BoolArray
from models.vocabulary.windows import DAY, HourWindow, day_start, floor_hour
from service.jobs.container_days import ContainerDay, ContainerDayTask, summarise_partition
from service.jobs.histograms import HISTOGRAMS, SUMMARIES, TEXT_COLUMNS
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.events import list_events
from warehouse.lake.partition_files import read_partition
from warehouse.lake.tables import TABLES
from warehouse.pins import Pin

_CODED = frozenset({*TEXT_COLUMNS, "statistic"})


@dataclass(frozen=True, eq=False)
class History:
    """Day summaries and daily histograms of a cluster, and the window that they come from.

    Parameters
    ----------
    window : HourWindow
        From the midnight of the first stored day.
    summaries, histograms : pyarrow.Table
        Columns of ``container_day`` and ``container_histogram_day``; text may be dictionaries.
    """

    window: HourWindow
    summaries: pa.Table
    histograms: pa.Table

    def keep(self, histograms: BoolArray | None) -> History:
        """Return the history with some of its histogram rows, as `ProfileSet.kept_histograms` names them."""
        if histograms is None or histograms.all():
            return self
        return replace(self, histograms=self.histograms.filter(pa.array(histograms)))


def profile_window(runtime: Runtime, as_of: datetime) -> HourWindow:
    """Return the window that profiles read: whole hours, whole first day, up to the event time."""
    end = floor_hour(as_of)
    first = (end - timedelta(days=runtime.settings.profile_window_days)).date()
    return HourWindow(day_start(first), end)


def read_history(
    runtime: Runtime,
    cluster: str,
    as_of: datetime,
    *,
    window: HourWindow | None = None,
    progress: Progress | None = None,
) -> History | None:
    """Return what is stored of a cluster's containers in the profile window, None when nothing is.

    Stored days serve as they are. Counted anew from their hours are the day that ``as_of`` cuts and days with
    an event of the calendar that does not count as ordinary history (its usage is then missing); days that
    were stored before summaries were are summarised anew. A ``window`` is read in place of the profile window
    that ends with ``as_of``.
    """
    window = window or profile_window(runtime, as_of)
    span = runtime.warehouse.ledger.span(cluster)
    if span is None or span.start >= window.end:
        return None
    window = HourWindow(day_start(max(span.start.date(), window.start.date())), window.end)
    pin = runtime.warehouse.pin()
    events = [event for event in list_events(runtime, window) if not event.include_in_baseline]
    events = [event for event in events if fnmatchcase(cluster, event.scope.cluster)]
    whole = [day for day in window.days() if _serves_as_stored(day, window, events)]
    built = runtime.warehouse.derived.registered(SUMMARIES, cluster)
    summarised = [day for day in whole if day in built]
    anew = {day: day not in whole for day in window.days() if day not in summarised}
    tasks = _tasks(runtime, cluster, anew, window.end, events, pin)
    counted = _count_anew(runtime, cluster, tasks, progress or SilentProgress())
    return History(
        window,
        _joined([_stored(runtime, SUMMARIES, cluster, summarised, pin), *(day.summaries for day in counted)]),
        _joined(
            [
                _stored(runtime, HISTOGRAMS, cluster, whole, pin),
                *(day.histograms for day in counted if day.histograms is not None),
            ]
        ),
    )


def _serves_as_stored(day: date, window: HourWindow, events: Sequence[CalendarEvent]) -> bool:
    """Return whether all hours of a stored day count."""
    start = day_start(day)
    touched = any(event.window.start < start + DAY and event.window.end > start for event in events)
    return start + DAY <= window.end and not touched


def _tasks(
    runtime: Runtime,
    cluster: str,
    days: Mapping[date, bool],
    end: datetime,
    events: Sequence[CalendarEvent],
    pin: Pin,
) -> list[ContainerDayTask]:
    """Return a task per day; the value says whether its histograms are counted anew too."""
    lake, options = runtime.warehouse.lake, dict(runtime.warehouse.location.storage_options)
    return [
        ContainerDayTask(
            cluster,
            day,
            tuple(lake.files("container_hour", cluster=cluster, window=HourWindow.of_day(day), pin=pin)),
            end,
            with_histograms=with_histograms,
            left_out=tuple(events),
            storage_options=options,
        )
        for day, with_histograms in days.items()
    ]


def _count_anew(
    runtime: Runtime, cluster: str, tasks: Sequence[ContainerDayTask], progress: Progress
) -> list[ContainerDay]:
    what = f"{cluster}: reading profiles"
    if len(tasks) <= 1:  # starting a worker process takes longer than a day
        return list(tracked(progress, map(summarise_partition, tasks), what, len(tasks)))
    with runtime.executor() as executor:
        return list(tracked(progress, executor.map(summarise_partition, tasks), what, len(tasks)))


def _stored(runtime: Runtime, table: str, cluster: str, days: Sequence[date], pin: Pin) -> pa.Table:
    """Return the stored rows of some days, text columns as dictionary codes."""
    warehouse = runtime.warehouse
    columns = [name for name in TABLES[table].columns if name != "cluster"]
    coded = [name for name in columns if name in _CODED]
    parts = [_typed_empty(table, columns)]
    for span in _runs(days):
        files = warehouse.lake.files(table, cluster=cluster, window=span, pin=pin)
        parts.extend(
            read_partition(
                files,
                columns,
                dictionary_columns=coded,
                storage_options=warehouse.location.storage_options,
            )
        )
    return _joined(parts)


def _typed_empty(table: str, columns: Sequence[str]) -> pa.Table:
    kinds = TABLES[table].columns
    return pa.schema([(name, kinds[name]) for name in columns]).empty_table()


def _runs(days: Sequence[date]) -> list[HourWindow]:
    """Return the windows of neighbouring days."""
    runs: list[HourWindow] = []
    for day in days:
        start = day_start(day)
        if runs and runs[-1].end == start:
            runs[-1] = HourWindow(runs[-1].start, start + DAY)
        else:
            runs.append(HourWindow(start, start + DAY))
    return runs


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Return one table; the same column as text and as codes becomes codes."""
    parts = list(tables)
    names = parts[0].column_names
    return pa.concat_tables([_with_codes(part.select(names)) for part in parts], promote_options="permissive")


def _with_codes(table: pa.Table) -> pa.Table:
    code = pa.dictionary(pa.int32(), pa.string())
    for position, name in enumerate(table.column_names):
        kind = table.schema.field(position).type
        if name in _CODED:
            column = table.column(name)
            coded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
            table = table.set_column(position, name, coded.cast(code))
        elif pa.types.is_dictionary(kind):
            table = table.set_column(position, name, table.column(name).cast(kind.value_type))
    return table
