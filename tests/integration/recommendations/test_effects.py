"""What stored hours show of suggestions: applied, partly, overwritten, verified, rolled back, not known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from support.life import (
    MADE,
    OLD,
    OWNER,
    RAISED,
    STRANGER,
    WANTED,
    advice,
    copied_world,
    only,
    pods,
    priced_world,
    record,
    save,
    states,
)

from models.vocabulary.suggestion_life import EventReason, RecommendationState
from models.vocabulary.windows import HOUR
from service.usecases.allocation import allocate
from service.usecases.decisions import accept
from service.usecases.edited_values import parse_edits
from service.usecases.effects import observe_effects
from service.usecases.regret import read_regret

DAY = 24


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = tmp_path_factory.mktemp("template")
    priced_world(home).warehouse.close()
    return home


@pytest.fixture
def world(template, tmp_path):
    runtime = copied_world(template, tmp_path / "world")
    yield runtime
    runtime.warehouse.close()


def accepted(world, **fields):
    stored = only(world)
    accept(world, OWNER, stored.id, stored.etag, **fields)
    return stored.id


def look(world, at):
    """Look twice: the second time must find nothing new."""
    found = observe_effects(world.at(at), "alpha", at)
    again = observe_effects(world.at(at), "alpha", at)
    assert (again.moved, again.noted_count) == ({}, 0)
    return found


def last(world, identity):
    return world.warehouse.recommendations.events(identity)[-1]


def test_nothing_is_applied_while_the_cluster_runs_with_the_old_values(world):
    accepted(world)
    end = record(world, [pods(OLD)], MADE, 3)
    assert look(world, end).moved == {}
    assert only(world).state is RecommendationState.ACCEPTED


def test_it_is_applied_when_every_pod_runs_with_the_values(world):
    identity = accepted(world)
    end = record(world, [pods(OLD)], MADE, 2)
    end = record(world, [pods(WANTED, revision="r2")], end, 1)
    assert look(world, end).applied_count == 1
    stored = only(world)
    assert stored.applied_from == MADE + 2 * HOUR
    event = last(world, identity)
    assert (event.principal, event.occurred_at) == ("millicore", MADE + 3 * HOUR)
    assert event.evidence["in_force"]["cpu_request_cores"] == 0.5


def test_a_roll_out_to_some_pods_stays_accepted_and_says_its_share_once(world):
    identity = accepted(world)
    both = [pods(OLD, pods=3), pods(WANTED, revision="r2", pods=1, first_hour=1)]
    end = record(world, both, MADE, 3)
    assert look(world, end).noted_count == 1
    event = last(world, identity)
    assert (event.state, event.reason) == ("accepted", EventReason.PARTIALLY_APPLIED)
    assert event.evidence["share_ratio"] == 0.25


def test_a_proposal_that_somebody_applied_by_hand_counts(world):
    identity = only(world).id
    end = record(world, [pods(WANTED)], MADE, 1)
    assert look(world, end).applied_count == 1
    assert states(world, identity) == ["proposed", "applied"]


def test_the_rounding_of_a_patch_is_the_same_value(world):
    accepted(world)
    rounded = replace(
        WANTED, cpu_request_cores=0.5004, memory_request_bytes=WANTED.memory_request_bytes + 9e5
    )
    end = record(world, [pods(rounded)], MADE, 1)
    assert look(world, end).applied_count == 1


def test_agreed_values_count_and_not_the_advised_ones(world):
    accepted(world, edits=parse_edits({"cpu_request_cores": "600m"}))
    end = record(world, [pods(WANTED)], MADE, 1)
    assert look(world, end).applied_count == 0
    end = record(world, [pods(replace(WANTED, cpu_request_cores=0.6))], end, 1)
    assert look(world, end).applied_count == 1


def test_seven_clean_days_verify_the_saving_that_the_price_and_the_replicas_give(world):
    identity = accepted(world)
    end = record(world, [pods(WANTED)], MADE, 7 * DAY)
    allocate(world.at(end))
    found = look(world, end)
    assert found.moved == {RecommendationState.APPLIED: 1, RecommendationState.VERIFIED: 1}
    stored = only(world)
    # The node costs 0.40 an hour: 9 parts of 9 x 8 + 32 per core, 1 part per GiB; two replicas, 720 hours.
    hourly = (Decimal("0.5") * 9 + Decimal("0.5")) * Decimal("0.40") / 104
    assert float(stored.verified_saving_per_month) == pytest.approx(float(hourly * 2 * 720), rel=1e-3)
    assert stored.verified_currency == "EUR"
    assert last(world, identity).evidence["clean_days"] == 7


def test_six_days_and_23_hours_are_not_seven_days(world):
    accepted(world)
    end = record(world, [pods(WANTED)], MADE, 7 * DAY - 1)
    assert look(world, end).moved == {RecommendationState.APPLIED: 1}


def test_a_day_without_data_is_no_clean_day(world):
    accepted(world)
    end = record(world, [pods(WANTED)], MADE, 3 * DAY)
    end = record(world, [pods(WANTED)], end + 5 * HOUR, 5 * DAY - 5)
    assert look(world, end).moved == {RecommendationState.APPLIED: 1, RecommendationState.VERIFIED: 1}
    assert only(world).state_since == MADE + timedelta(days=8)


def test_a_day_without_data_delays_and_does_not_verify(world):
    accepted(world)
    end = record(world, [pods(WANTED)], MADE, 3 * DAY)
    end = record(world, [pods(WANTED)], end + 5 * HOUR, 4 * DAY - 5)
    assert look(world, end).moved == {RecommendationState.APPLIED: 1}


def test_an_oom_kill_in_the_soak_rolls_back_with_the_old_values_ready(world):
    identity = accepted(world)
    end = record(world, [pods(WANTED, oom_hours=frozenset({30}))], MADE, 3 * DAY)
    assert look(world, end).moved == {RecommendationState.APPLIED: 1, RecommendationState.ROLLED_BACK: 1}
    event = last(world, identity)
    assert event.reason == EventReason.OOM_KILLED
    assert event.occurred_at == MADE + 31 * HOUR
    assert event.evidence["old_values"]["memory_limit_bytes"] == OLD.memory_limit_bytes


def test_throttling_above_what_it_was_before_rolls_back(world):
    limited = replace(WANTED, cpu_limit_cores=0.5)
    save(world, advice(advised=limited), at=MADE)
    stored = next(
        one
        for one in world.warehouse.recommendations.list(OWNER)
        if one.state is RecommendationState.PROPOSED
    )
    accept(world, OWNER, stored.id, stored.etag)
    end = record(world, [pods(limited, throttled=0.4)], MADE, 2 * DAY)
    assert look(world, end).moved[RecommendationState.ROLLED_BACK] == 1
    assert last(world, stored.id).reason == EventReason.THROTTLED


def test_an_oom_kill_after_a_raise_begins_the_soak_again_and_lets_a_further_raise_through(world):
    save(world, advice(advised=RAISED), at=MADE)
    stored = next(
        one
        for one in world.warehouse.recommendations.list(OWNER)
        if one.state is RecommendationState.PROPOSED
    )
    accept(world, OWNER, stored.id, stored.etag)
    end = record(world, [pods(RAISED, oom_hours=frozenset({40}))], MADE, 3 * DAY)
    found = look(world, end)
    assert found.moved == {RecommendationState.APPLIED: 1}
    event = last(world, stored.id)
    assert (event.state, event.reason) == ("applied", EventReason.SOAK_RESTARTED)
    more = replace(RAISED, memory_request_bytes=2 * RAISED.memory_request_bytes, memory_limit_bytes=2**33)
    save(world, advice(old=RAISED, advised=more, as_of=end), at=end)
    (proposed,) = world.warehouse.recommendations.list(OWNER, states={RecommendationState.PROPOSED})
    assert proposed.recommendation.advised == more
    after = record(world, [pods(more)], end, 2)
    moved = look(world, after).moved
    assert moved == {RecommendationState.SUPERSEDED: 1, RecommendationState.APPLIED: 1}


def test_a_change_undone_within_a_day_is_overwritten_and_says_that_nobody_is_named(world):
    identity = accepted(world)
    end = record(world, [pods(WANTED)], MADE, 5)
    end = record(world, [pods(OLD)], end, 2)
    assert look(world, end).moved[RecommendationState.OVERWRITTEN] == 1
    event = last(world, identity)
    assert event.reason == EventReason.PUT_BACK
    assert "within 5 hours" in event.note
    assert "unknown" in event.evidence["cause"]


def test_a_change_undone_after_days_was_rolled_back_by_people(world):
    identity = accepted(world)
    end = record(world, [pods(WANTED)], MADE, 50)
    end = record(world, [pods(OLD)], end, 2)
    assert look(world, end).moved[RecommendationState.ROLLED_BACK] == 1
    assert last(world, identity).reason == EventReason.PUT_BACK


def test_values_that_people_changed_again_after_days_supersede(world):
    accepted(world)
    end = record(world, [pods(WANTED)], MADE, 50)
    end = record(world, [pods(replace(WANTED, cpu_request_cores=0.7))], end, 2)
    assert look(world, end).moved[RecommendationState.SUPERSEDED] == 1


def test_hourly_looks_and_one_look_after_two_days_find_the_same(world, template, tmp_path):
    late = copied_world(template, tmp_path / "late")
    for runtime in (world, late):
        accepted(runtime)
        record(runtime, [pods(WANTED)], MADE, 5)
        record(runtime, [pods(OLD)], MADE + 5 * HOUR, 43)
    for hour in range(1, 48):
        observe_effects(world, "alpha", MADE + hour * HOUR)
    observe_effects(late, "alpha", MADE + 48 * HOUR)

    def life(runtime):
        events = runtime.warehouse.recommendations.events(only(runtime).id)
        return [(e.state, e.occurred_at, e.reason, e.note) for e in events]

    assert life(world) == life(late)
    late.warehouse.close()


def test_an_acceptance_that_nobody_applies_is_reminded_of_once_and_expires(world):
    identity = accepted(world)
    end = record(world, [pods(OLD)], MADE, 8 * DAY)
    assert look(world, end).noted_count == 1
    assert last(world, identity).reason == EventReason.REMINDED
    later = MADE + timedelta(days=31)
    assert look(world, later).moved == {RecommendationState.EXPIRED: 1}
    assert last(world, identity).reason == EventReason.NOT_APPLIED


def test_an_oom_kill_after_the_acceptance_warns(world):
    identity = accepted(world)
    end = record(world, [pods(OLD, oom_hours=frozenset({3}))], MADE, 6)
    assert look(world, end).noted_count == 1
    event = last(world, identity)
    assert (event.state, event.reason) == ("accepted", EventReason.DANGEROUS)


def test_regret_counts_what_was_taken_back_and_shows_it_to_its_owners_only(world):
    assert read_regret(world, OWNER)[0].regret_ratio is None
    accepted(world)
    end = record(world, [pods(WANTED)], MADE, 5)
    record(world, [pods(OLD)], end, 2)
    observe_effects(world, "alpha", end + 2 * HOUR)
    by = {(row.dimension, row.value): row for row in read_regret(world, OWNER)}
    assert by["all", "all"].applied_count == by["all", "all"].overwritten_count == 1
    assert by["resource", "cpu"].regret_ratio == 1.0
    assert by["risk_class", "balanced"].low_ratio < 0.3
    assert read_regret(world, STRANGER)[0].applied_count == 0


def test_a_look_at_a_past_time_knows_nothing_of_what_was_decided_later(world):
    identity = accepted(world)
    for days in (1, 8, 60):
        assert look(world, MADE - timedelta(days=days)).moved == {}
    assert states(world, identity) == ["proposed", "accepted"]
