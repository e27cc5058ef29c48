"""The calendar of days that are not like others, and which workloads they concern."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

import numpy as np

from models.events.spans import EventSpan
from models.vocabulary.errors import InputError
from models.vocabulary.windows import HOUR, HourWindow, to_utc


class EventKind(StrEnum):
    """Why an event is not an ordinary time."""

    SALE = "sale"
    HOLIDAY = "holiday"
    MONTH_END = "month_end"
    LOAD_TEST = "load_test"
    INCIDENT = "incident"


@dataclass(frozen=True)
class EventScope:
    """Which workloads an event concerns: shell patterns, ``*`` for all.

    ``workload`` is a name or ``kind/name``.
    """

    cluster: str = "*"
    namespace: str = "*"
    workload: str = "*"

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return (self.cluster, self.namespace, self.workload) == ("*", "*", "*")

    def covers(self, cluster: str, namespace: str, workload_kind: str, workload_name: str) -> bool:
        """Return whether a workload is concerned."""
        workload = workload_name if "/" not in self.workload else f"{workload_kind}/{workload_name}"
        return (
            fnmatchcase(cluster, self.cluster)
            and fnmatchcase(namespace, self.namespace)
            and fnmatchcase(workload, self.workload)
        )

    def __str__(self) -> str:
        """Return the three patterns with slashes between."""
        return f"{self.cluster}/{self.namespace}/{self.workload}"


@dataclass(frozen=True)
class CalendarEvent:
    """A named range of time that is not ordinary.

    Parameters
    ----------
    name : str
        Events of one name are alike: what the past ones did is expected of the next.
    scope : EventScope
    start, end : datetime
        Half-open, aware.
    kind : EventKind
    include_in_baseline : bool
        Whether its hours count as ordinary history; False leaves them out of forecasts' and profiles' past.
    expected_factor : float or None
        What its owner expects as a multiple of an ordinary time; None takes what past events of its name did.

    Raises
    ------
    InputError
        If the name is empty, the end is not after the start, or the factor is not a number above 0.
    """

    name: str
    scope: EventScope
    start: datetime
    end: datetime
    kind: EventKind = EventKind.SALE
    include_in_baseline: bool = False
    expected_factor: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no event."""
        if not self.name.strip():
            raise InputError("is missing", field="name")
        if to_utc(self.end) <= to_utc(self.start):
            raise InputError("is not after start", field="end", value=self.end.isoformat())
        if self.expected_factor is not None and not 0 < self.expected_factor < float("inf"):
            raise InputError("is not above 0", field="expected_factor", value=str(self.expected_factor))

    @property
    def id(self) -> str:
        """Twelve characters made of name, scope and start: storing the same event again replaces it."""
        text = repr((self.name, str(self.scope), to_utc(self.start).isoformat()))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def window(self) -> HourWindow:
        """The whole hours that it touches."""
        start, end = to_utc(self.start), to_utc(self.end)
        first = start.replace(minute=0, second=0, microsecond=0)
        last = end.replace(minute=0, second=0, microsecond=0)
        return HourWindow(first, last if last == end else last + HOUR)


@dataclass(frozen=True)
class SeriesOf:
    """The workload that a series tells about."""

    cluster: str
    namespace: str
    workload_kind: str
    workload_name: str


def hourly_spans(
    events: Sequence[CalendarEvent], start: datetime, series: Sequence[SeriesOf]
) -> list[EventSpan]:
    """Return events as hours of series that begin at ``start``; events of no series are left out.

    Parameters
    ----------
    events : sequence of CalendarEvent
    start : datetime
        The first hour.
    series : sequence of SeriesOf
    """
    spans = []
    for event in events:
        rows = np.array(
            [
                event.scope.covers(one.cluster, one.namespace, one.workload_kind, one.workload_name)
                for one in series
            ],
            dtype=np.bool_,
        )
        if rows.any():
            window = event.window
            spans.append(_span(event, (window.start - start) // HOUR, (window.end - start) // HOUR, rows))
    return spans


def step_spans(
    events: Sequence[CalendarEvent], starts: Sequence[datetime], last_step: timedelta
) -> list[EventSpan]:
    """Return events of every workload as steps whose starts are given.

    A step counts as inside when an event covers at least half of it.

    Parameters
    ----------
    events : sequence of CalendarEvent
        Those with a narrower scope are left out: nobody knows their share of the whole.
    starts : sequence of datetime
        Ascending, as days of a billing zone.
    last_step : timedelta
        Length of the last one.
    """
    ends = [*starts[1:], starts[-1] + last_step] if starts else []
    spans = []
    for event in events:
        if not event.scope.is_everything:
            continue
        inside = [
            2 * (min(end, event.end) - max(begin, event.start)) >= end - begin
            for begin, end in zip(starts, ends, strict=True)
        ]
        if any(inside):
            first = inside.index(True)
            spans.append(_span(event, first, first + sum(inside), None))
    return spans


def _span(event: CalendarEvent, first: int, end: int, rows: np.ndarray | None) -> EventSpan:
    return EventSpan(event.name, first, end, rows, event.include_in_baseline, event.expected_factor)
