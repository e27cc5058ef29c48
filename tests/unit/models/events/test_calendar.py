from datetime import UTC, datetime

import numpy as np
import pytest

from models.events.calendar import CalendarEvent, EventScope, SeriesOf, hourly_spans, step_spans
from models.events.spans import EventSpan, future_factor, learn_factors, leave_out_events
from models.vocabulary.errors import InputError
from models.vocabulary.windows import DAY, HOUR

START = datetime(2026, 11, 1, tzinfo=UTC)
SHOP = SeriesOf("prod", "shop", "Deployment", "web")


def event(first: float, last: float, name: str = "sale", **fields: object) -> CalendarEvent:
    scope = fields.pop("scope", EventScope())
    return CalendarEvent(name, scope, START + first * HOUR, START + last * HOUR, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        (EventScope(), True),
        (EventScope("prod"), True),
        (EventScope("dev"), False),
        (EventScope("p*", "sh?p", "w*"), True),
        (EventScope(workload="Deployment/web"), True),
        (EventScope(workload="StatefulSet/web"), False),
    ],
)
def test_a_scope_covers_what_its_patterns_match(scope: EventScope, *, is_covered: bool) -> None:
    assert scope.covers("prod", "shop", "Deployment", "web") is is_covered


def test_an_event_is_the_same_whoever_declares_it_and_another_at_another_start() -> None:
    assert event(1, 2).id == event(1, 3, expected_factor=2.0).id
    assert len({event(1, 2).id, event(2, 3).id, event(1, 2, "holiday").id}) == 3


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"first": 2, "last": 2}, "end"),
        ({"first": 1, "last": 2, "expected_factor": 0.0}, "expected_factor"),
        ({"first": 1, "last": 2, "expected_factor": float("nan")}, "expected_factor"),
        ({"first": 1, "last": 2, "name": " "}, "name"),
    ],
)
def test_what_is_no_event_is_refused(fields: dict[str, float], problem: str) -> None:
    with pytest.raises(InputError) as refused:
        event(**fields)  # type: ignore[arg-type]
    assert refused.value.field == problem


def test_an_event_touches_whole_hours() -> None:
    window = event(1.5, 3.25).window
    assert (window.start, window.end) == (START + HOUR, START + 4 * HOUR)
    assert event(1, 3).window.end == START + 3 * HOUR


def test_hours_of_events_count_from_the_start_of_the_series_and_only_for_those_concerned() -> None:
    other = SeriesOf("prod", "books", "Deployment", "api")
    events = [
        event(-5, 2),
        event(4, 6, scope=EventScope(namespace="shop")),
        event(4, 6, scope=EventScope("x")),
    ]
    spans = hourly_spans(events, START, [SHOP, other])
    assert [(one.first, one.end) for one in spans] == [(-5, 2), (4, 6)]
    assert [one.rows.tolist() for one in spans if one.rows is not None] == [[True, True], [True, False]]


def test_a_day_is_inside_when_an_event_covers_half_of_it() -> None:
    days = [START + step * DAY for step in range(5)]
    spans = step_spans([event(10, 60), event(13, 14), event(24, 48, scope=EventScope("prod"))], days, DAY)
    assert [(one.first, one.end) for one in spans] == [(0, 3)]
    assert step_spans([event(100, 130)], days, DAY)[0].end == 5


def test_steps_of_events_become_missing_unless_they_count_as_ordinary() -> None:
    series = np.arange(12.0).reshape(2, 6)
    rows = np.array([True, False])
    cleaned = leave_out_events(
        series, [EventSpan("a", 1, 3, rows), EventSpan("b", 5, 9), EventSpan("c", 0, 1, is_learned_from=True)]
    )
    assert np.isnan(cleaned).tolist() == [[False, True, True, False, False, True], [False] * 5 + [True]]
    assert not np.isnan(series).any()


def test_the_factor_of_a_name_is_the_median_of_its_past_events() -> None:
    ordinary = np.full((2, 10), 2.0)
    was = ordinary.copy()
    was[0, 0:2], was[0, 3:4], was[0, 5:6] = 4.0, 8.0, 6.0
    spans = [
        EventSpan("sale", 0, 2),
        EventSpan("sale", 3, 4),
        EventSpan("sale", 5, 6),
        EventSpan("new", 20, 30),
    ]
    learned = learn_factors(was, ordinary, spans)
    assert learned["sale"].tolist() == [3.0, 1.0]
    assert "new" not in learned


def test_an_owners_factor_goes_before_the_learned_one_and_overlaps_multiply() -> None:
    learned = {"sale": np.array([3.0, np.nan])}
    ahead = [
        EventSpan("sale", 11, 13),
        EventSpan("feast", 12, 14, expected_factor=2.0),
        EventSpan("x", 10, 20),
    ]
    factor = future_factor((2, 5), 10, ahead, learned)
    assert factor.tolist() == [[1, 3, 6, 2, 1], [1, 1, 2, 2, 1]]
    given = [EventSpan("sale", 10, 11, expected_factor=5.0)]
    assert future_factor((2, 1), 10, given, learned).tolist() == [[5], [5]]


def test_a_factor_of_nothing_is_not_known() -> None:
    learned = learn_factors(np.ones((1, 3)), np.zeros((1, 3)), [EventSpan("sale", 0, 2)])
    assert np.isnan(learned["sale"]).all()
