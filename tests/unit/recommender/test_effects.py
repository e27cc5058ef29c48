"""The replay of hours: what is applied, how a soak is counted, and what ends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import EventReason, RecommendationState
from models.vocabulary.windows import HOUR
from recommender.effects import (
    EffectRules,
    HourSeen,
    Watched,
    find_application,
    find_waiting,
    lowers,
    runs_with,
)
from recommender.effects_soak import find_baseline, replay_soak

MIB = float(1 << 20)
START = datetime(2026, 10, 1, tzinfo=UTC)
OLD = ResourceValues(1.0, 2.0, 1024 * MIB, 1024 * MIB)
NEW = ResourceValues(0.5, 1.0, 512 * MIB, 512 * MIB)
RAISED = ResourceValues(2.0, 4.0, 2048 * MIB, 2048 * MIB)
RULES = EffectRules()
STATE = RecommendationState


def hour(offset, values=NEW, **fields):
    return HourSeen(START + offset * HOUR, ((values, 7200.0),), pod_count=2, **fields)


def watched(state=STATE.APPLIED, wanted=NEW, **fields):
    applied = START if state is STATE.APPLIED else None
    return Watched("id", state, START, OLD, wanted, applied, **fields)


def replay(hours, *, until=None, of=None, complete=None):
    last = max(seen.hour for seen in hours) + HOUR if until is None else START + until * HOUR
    stored = frozenset(START + n * HOUR for n in range(-400, 800)) if complete is None else complete
    return replay_soak(of or watched(), hours, stored, RULES, last)


def before(**fields):
    return [hour(-n, OLD, **fields) for n in range(168, 0, -1)]


@pytest.mark.parametrize(
    ("seen", "is_same"),
    [
        (NEW, True),
        (replace(NEW, cpu_request_cores=0.5009), True),
        (replace(NEW, cpu_request_cores=0.501), False),
        (replace(NEW, memory_limit_bytes=513 * MIB - 10), True),
        (replace(NEW, memory_limit_bytes=513 * MIB), False),
        (replace(NEW, cpu_limit_cores=None), False),
    ],
)
def test_less_than_a_millicore_and_a_mebibyte_apart_is_the_same(seen, is_same):
    assert runs_with(seen, NEW) is is_same


def test_a_limit_without_a_request_is_the_request_too():
    assert runs_with(ResourceValues(None, 1.0, None, MIB), ResourceValues(1.0, 1.0, MIB, MIB))


def test_hours_before_the_decision_prove_nothing():
    waiting = replace(watched(STATE.ACCEPTED), since=START + timedelta(minutes=30))
    assert find_application(waiting, [hour(0)]) is None
    assert find_application(waiting, [hour(0), hour(1)]).applied_from == START + HOUR


def test_one_pod_of_many_with_old_values_is_not_applied():
    mixed = HourSeen(START, ((NEW, 36_000.0), (OLD, 3_600.0)), pod_count=11)
    waiting = watched(STATE.ACCEPTED)
    assert find_application(waiting, [mixed]) is None
    (finding,) = find_waiting(waiting, [mixed], RULES, START + HOUR)
    assert finding.reason is EventReason.PARTIALLY_APPLIED
    assert finding.numbers["share_ratio"] == 0.91


def test_it_verifies_at_the_end_of_the_seventh_clean_day_and_not_before():
    assert replay([hour(n) for n in range(167)]) == []
    (finding,) = replay([hour(n) for n in range(168)])
    assert finding.state is STATE.VERIFIED
    assert finding.at == START + 168 * HOUR
    assert finding.replica_count_mean == 2.0


def test_an_hour_that_is_not_stored_completely_makes_its_day_not_clean():
    complete = frozenset(START + n * HOUR for n in range(300) if n != 30)
    assert replay([hour(n) for n in range(168)], complete=complete) == []
    (finding,) = replay([hour(n) for n in range(192)], complete=complete)
    assert finding.at == START + 192 * HOUR


def test_an_hour_that_was_hardly_measured_makes_its_day_not_clean():
    hours = [hour(n, is_measured=n != 30) for n in range(168)]
    assert replay(hours) == []


def test_a_job_between_runs_is_clean_and_a_day_without_any_run_is_not():
    runs = [hour(24 * day) for day in range(7)]
    (finding,) = replay(runs, until=168)
    assert finding.state is STATE.VERIFIED
    assert replay(runs[:3] + runs[4:], until=168) == []


@pytest.mark.parametrize(
    ("incident", "reason"),
    [({"oom_killed_count": 1, "restart_count": 1}, "oom_killed"), ({"restart_count": 1}, "restarted")],
)
def test_an_incident_of_what_was_lowered_rolls_back(incident, reason):
    hours = [*before(), *(hour(n) for n in range(10)), hour(10, **incident), hour(11)]
    (finding,) = replay(hours)
    assert (finding.state, finding.reason) == (STATE.ROLLED_BACK, reason)
    assert finding.at == START + 11 * HOUR


def test_as_many_restarts_as_on_the_worst_day_before_are_no_incident():
    was = [hour(-n, OLD, restart_count=int(n == 50)) for n in range(168, 0, -1)]
    assert find_baseline(was, START, RULES).restarts_per_pod_day == 0.5
    assert replay([*was, *(hour(n, restart_count=int(n == 5)) for n in range(12))]) == []
    found = replay([*was, *(hour(n, restart_count=int(n in (5, 9))) for n in range(12))])
    assert found[0].reason is EventReason.RESTARTED


def test_throttling_counts_only_above_before_and_above_the_threshold():
    def throttled(was, now):
        return replay([*before(throttled_ratio=was), *(hour(n, throttled_ratio=now) for n in range(30))])

    assert throttled(0.0, 0.09) == []
    assert throttled(0.5, 0.4) == []
    (finding,) = throttled(0.05, 0.3)
    assert (finding.state, finding.reason) == (STATE.ROLLED_BACK, EventReason.THROTTLED)


def test_cpu_above_the_request_alone_is_no_incident():
    busy = [hour(n, memory_usage_bytes_max=500 * MIB) for n in range(168)]
    assert [finding.state for finding in replay(busy)] == [STATE.VERIFIED]


def test_an_incident_that_a_raise_cannot_have_caused_begins_the_soak_again():
    up = watched(wanted=RAISED)
    hours = [hour(n, RAISED, oom_killed_count=int(n == 100)) for n in range(300)]
    first, second = replay(hours, of=up)
    assert (first.state, first.reason) == (STATE.APPLIED, EventReason.SOAK_RESTARTED)
    assert second.state is STATE.VERIFIED
    assert second.at == START + (101 + 168) * HOUR


@pytest.mark.parametrize(
    ("offset", "values", "state", "reason"),
    [
        (24, OLD, STATE.OVERWRITTEN, EventReason.PUT_BACK),
        (25, OLD, STATE.ROLLED_BACK, EventReason.PUT_BACK),
        (24, RAISED, STATE.OVERWRITTEN, EventReason.CHANGED_AGAIN),
        (25, RAISED, STATE.SUPERSEDED, EventReason.CHANGED_AGAIN),
    ],
)
def test_what_people_undo_within_a_day_is_overwritten_and_later_not(offset, values, state, reason):
    (finding,) = replay([*(hour(n) for n in range(offset)), hour(offset, values)])
    assert (finding.state, finding.reason) == (state, reason)


def test_a_newer_suggestion_in_force_supersedes_even_within_a_day():
    hours = [hour(0), hour(1, RAISED)]
    (finding,) = replay(hours, of=watched(newer=(RAISED,)))
    assert (finding.state, finding.reason) == (STATE.SUPERSEDED, EventReason.NEWER_SUGGESTION)


def test_a_container_that_went_expires_after_a_fortnight():
    assert replay([hour(0)], until=24 * 14 - 1) == []
    (finding,) = replay([hour(0)], until=24 * 14)
    assert (finding.state, finding.reason) == (STATE.EXPIRED, EventReason.GONE)


def test_an_acceptance_is_reminded_of_and_expires():
    waiting = watched(STATE.ACCEPTED)

    def after(days):
        return [f.reason for f in find_waiting(waiting, [], RULES, START + timedelta(days=days))]

    assert after(6.9) == []
    assert after(7) == [EventReason.REMINDED]
    assert after(30) == [EventReason.NOT_APPLIED]


def test_memory_use_over_the_agreed_limit_warns_before_it_is_applied():
    seen = hour(1, OLD, memory_usage_bytes_max=600 * MIB)
    (finding,) = find_waiting(watched(STATE.ACCEPTED), [seen], RULES, START + 2 * HOUR)
    assert finding.reason is EventReason.DANGEROUS
    assert find_waiting(watched(STATE.ACCEPTED, RAISED), [seen], RULES, START + 2 * HOUR) == []


def test_a_new_limit_lowers_and_a_removed_one_does_not():
    unlimited = replace(OLD, memory_limit_bytes=None)
    assert lowers(replace(watched(), old=unlimited, wanted=OLD), "memory")
    assert not lowers(replace(watched(), old=OLD, wanted=unlimited), "memory")
