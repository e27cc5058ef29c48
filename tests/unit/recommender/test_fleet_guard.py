from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recommendations import suggestion

from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import NoRecommendation, Recommendation, SilenceReason
from recommender.data_breaker import BreakerLimits, SpanSums, find_data_fault
from recommender.fleet_guard import Capacity, FleetContext, FleetLimits, guard_fleet
from recommender.fleet_reductions import reduction_of
from recommender.subject import UnitPrices

DAY = date(2026, 11, 20)
GIB = 2.0**30
LIMITS = FleetLimits(0.2, 0.1, 0.1, free_workload_count=0)
PRICES = UnitPrices(Decimal("0.03"), Decimal("0.004"), "EUR")


def lower(name: str, *, saving: str = "10", cpu: float = 0.5, replicas: float = 1.0) -> Recommendation:
    key = ContainerKey(WorkloadKey("alpha", "shop", "Deployment", name), "app")
    return replace(
        suggestion(cpu=cpu), key=key, requested_saving_per_month=Decimal(saving), replica_count_mean=replicas
    )


def fleet(count: int, **changes) -> FleetContext:
    return replace(FleetContext(DAY, count, Capacity(100.0, 100 * GIB)), **changes)


def reduced(answers) -> list[str]:
    return [
        answer.key.workload.name
        for answer in answers
        if isinstance(answer, Recommendation) and reduction_of(answer) != Capacity()
    ]


def store(answers, context: FleetContext) -> FleetContext:
    """The context of a later run of the same day, after these answers were stored."""
    said = [answer for answer in answers if isinstance(answer, Recommendation)]
    new = {one.key: reduction_of(one) for one in said if one.key not in context.open_advice}
    return replace(
        context,
        open_advice={**context.open_advice, **{one.key: one for one in said}},
        proposed_today={**context.proposed_today, **new},
    )


def test_a_day_changes_no_more_workloads_than_its_share_and_the_largest_saving_per_risk_goes_first():
    answers = [lower("a", saving="1"), lower("b", saving="9"), lower("c", saving="5")]
    risky = replace(answers[1].risk, cpu_over_request_ratio=0.5)
    answers[1] = replace(answers[1], risk=risky)
    guarded = guard_fleet(answers, fleet(10), LIMITS)
    assert reduced(guarded) == ["a", "c"]
    held = guarded[1]
    assert isinstance(held, NoRecommendation)
    assert held.reason is SilenceReason.FLEET_GUARD
    assert "expected on 21 Nov 2026" in held.sentence


def test_a_day_takes_away_no_more_cpu_and_memory_than_its_share():
    answers = [lower(f"w{n}", saving=str(100 - n), replicas=8.0) for n in range(4)]  # 4 cores, 8 GiB each
    guarded = guard_fleet(answers, fleet(100), LIMITS)
    assert reduced(guarded) == ["w0"]  # a second would take 16 of the 10 GiB
    days = [answer.sentence for answer in guarded[1:]]
    assert [f"expected on {21 + n} Nov" in text for n, text in enumerate(days)] == [True] * 3


def test_what_is_alone_more_than_a_day_allows_is_told_so_and_does_not_stop_the_others():
    answers = [lower("huge", saving="999", replicas=50.0), lower("small")]
    guarded = guard_fleet(answers, fleet(100), LIMITS)
    assert reduced(guarded) == ["small"]
    assert "alone it is more" in guarded[0].sentence


def test_small_clusters_are_not_limited_but_their_breaker_works():
    answers = [lower(f"w{n}") for n in range(50)]
    limits = replace(LIMITS, free_workload_count=100)
    assert guard_fleet(answers, fleet(50), limits) == answers
    assert reduced(guard_fleet(answers, fleet(50, breaker="half is zero"), limits)) == []


def test_an_increase_passes_whatever_was_spent():
    spent = {ContainerKey(WorkloadKey("alpha", "x", "Deployment", str(n)), "c"): Capacity(9, 9) for n in "12"}
    up = lower("hot", cpu=3.0)
    up = replace(up, advised=replace(up.advised, memory_request_bytes=2 * GIB))
    for context in (fleet(10, proposed_today=spent), fleet(10, breaker="odd")):
        assert guard_fleet([up], context, LIMITS) == [up]


def test_of_a_mixed_answer_only_the_raise_is_kept_with_its_saving_stated_anew():
    mixed = lower("mixed", cpu=2.0)  # CPU 1 -> 2 cores, memory 2 -> 1 GiB
    prices = {mixed.key.workload: PRICES}
    (kept,) = guard_fleet([mixed], fleet(10, breaker="odd", prices=prices), LIMITS)
    assert isinstance(kept, Recommendation)
    assert kept.advised.cpu_request_cores == 2.0
    assert kept.advised.memory_request_bytes == 2 * GIB
    assert kept.requested_saving_per_month == -Decimal("0.03") * 720
    assert kept.guard_rails[-1].name == "data_breaker"


def test_a_proposal_that_stands_is_not_withdrawn_and_a_smaller_cut_replaces_it_freely():
    old = lower("a", cpu=0.5)
    bolder, meeker = lower("a", cpu=0.2), lower("a", cpu=0.8)
    context = fleet(10, open_advice={old.key: old}, breaker="odd")
    assert guard_fleet([bolder], context, LIMITS) == [old]
    assert guard_fleet([meeker], context, LIMITS) == [meeker]


def test_what_is_accepted_or_was_rejected_costs_nothing():
    a, b, c = lower("a"), lower("b"), lower("c")
    context = fleet(5, quiet=frozenset({a.key}), refused={b.key: frozenset({b.content_hash()})})
    assert guard_fleet([a, b, c], context, LIMITS) == [a, b, c]


_fleets = st.lists(
    st.tuples(st.integers(1, 100), st.floats(0.05, 1.5), st.floats(0.5, 12)), min_size=1, max_size=25
)


@given(_fleets, st.integers(1, 60))
def test_no_day_ever_takes_more_than_its_budget_and_a_second_run_changes_nothing(drawn, count):
    answers = [
        lower(f"w{n}", saving=str(saving), cpu=cpu, replicas=replicas)
        for n, (saving, cpu, replicas) in enumerate(drawn)
    ]
    context = fleet(count)
    first = guard_fleet(answers, context, LIMITS)
    said = [one for one in first if isinstance(one, Recommendation)]
    taken = sum((reduction_of(one) for one in said), Capacity())
    assert taken.is_within(Capacity(10.0, 10 * GIB))
    assert len(reduced(first)) <= max(1, int(0.2 * count))
    again = guard_fleet(answers, store(first, context), LIMITS)
    assert reduced(again) == reduced(first)
    shuffled = guard_fleet(answers[::-1], context, LIMITS)
    assert sorted(reduced(shuffled)) == sorted(reduced(first))


def spans(newest: SpanSums) -> list[SpanSums]:
    usual = [SpanSums(ago, 100.0 if ago % 7 else 80.0, 1000.0, 0.99, 0.02) for ago in range(1, 29)]
    return [newest, *usual]


@pytest.mark.parametrize(
    ("newest", "words"),
    [
        (SpanSums(0, 79.0, 1000.0, 0.99, 0.02), None),
        (SpanSums(0, 55.0, 1000.0, 0.99, 0.02), "69% of its usual"),
        (SpanSums(0, 55.0, 700.0, 0.99, 0.02), None),
        (SpanSums(0, 79.0, 1000.0, 0.99, 0.52), "52% of the containers"),
        (SpanSums(0, 79.0, 1000.0, 0.60, 0.02), "measured for 60%"),
    ],
    ids=["as usual", "use fell", "pods went too", "zeros", "gaps"],
)
def test_data_look_wrong_when_use_falls_without_pods_when_zeros_rise_and_when_samples_are_missing(
    newest, words
):
    found = find_data_fault(spans(newest), BreakerLimits())
    assert (found is None) if words is None else (found is not None and words in found)


def test_three_earlier_days_are_needed_to_call_data_wrong():
    assert find_data_fault(spans(SpanSums(0, 1.0, 1000.0, 0.1, 0.9))[:3], BreakerLimits()) is None
