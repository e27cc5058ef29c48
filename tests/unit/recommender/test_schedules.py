"""Few steps of minimum replicas for the hours to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.vocabulary.errors import InputError
from recommender.schedules import ReplicaSchedule, ScheduleRules, join_hours

START = datetime(2026, 11, 22, tzinfo=UTC)
DAY = [2] * 6 + [3, 5, 8, 8, 8, 8, 7, 8, 8, 8, 7, 6, 5, 4, 3, 3, 2, 2]


def held(schedule: ReplicaSchedule) -> list[int]:
    """Return the largest minimum that any step asks for in each whole hour."""
    hours = [START + timedelta(hours=hour) for hour in range(len(schedule.needed))]
    return [max(step.replicas for step in schedule.steps if step.start <= h < step.end) for h in hours]


def test_every_hour_has_what_it_needs_in_few_steps() -> None:
    found = join_hours(START, DAY, ScheduleRules(slack_ratio=0.1))
    assert len(found.steps) <= 6
    assert all(one >= two for one, two in zip(held(found), DAY, strict=True))
    assert found.added_replica_hours == sum(held(found)) - sum(DAY)
    assert found.added_replica_hours <= 0.1 * sum(DAY)


def test_a_step_up_is_ready_when_its_hour_begins_and_a_step_down_is_not_early() -> None:
    found = join_hours(START, [2, 2, 6, 6, 2], ScheduleRules(ready_seconds=130))
    assert [(s.start, s.end, s.replicas) for s in found.steps] == [
        (START, START + timedelta(hours=2), 2),
        (START + timedelta(hours=2, minutes=-3), START + timedelta(hours=4), 6),
        (START + timedelta(hours=4), START + timedelta(hours=5), 2),
    ]
    assert found.base == 2


def test_one_step_holds_the_peak_all_day() -> None:
    found = join_hours(START, DAY, ScheduleRules(most_steps=1))
    assert [step.replicas for step in found.steps] == [8]


def test_the_cheapest_cut_is_found() -> None:
    found = join_hours(START, [1, 1, 9, 2, 2, 2], ScheduleRules(most_steps=2, slack_ratio=0.0))
    # [1 1] [9 9 9 9] costs 38, [9 9 9] [2 2 2] costs 33
    assert [step.replicas for step in found.steps] == [9, 2]
    assert found.added_replica_hours == 33 - 17


def test_no_hour_and_no_step_are_refused() -> None:
    with pytest.raises(InputError, match="no hour"):
        join_hours(START, [], ScheduleRules())
    with pytest.raises(InputError, match="steps"):
        ScheduleRules(most_steps=0)
    with pytest.raises(InputError, match="ready seconds"):
        ScheduleRules(ready_seconds=3600)
