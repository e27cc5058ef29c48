"""Shares, Shapley values and priorities: what must hold whatever the numbers are."""

from dataclasses import replace
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.initiatives.benefits import payback_months, split_by_ratios, split_by_shapley
from models.initiatives.initiative import AgreedShare
from models.initiatives.priorities import (
    Candidate,
    PilotRules,
    PriorityWeights,
    pick_pilot,
    rank_candidates,
)
from models.vocabulary.errors import InputError

MICRO = Decimal("0.000001")
amounts = st.decimals(-(10**9), 10**9, places=6)
ratios = st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=8).filter(any)


@given(amounts, ratios)
def test_agreed_shares_add_up_to_the_saving_exactly(saving, drawn):
    parts = split_by_ratios(saving, [AgreedShare(str(n), ratio) for n, ratio in enumerate(drawn)])
    assert sum(parts.values()) == saving
    whole = sum(drawn)
    for n, ratio in enumerate(drawn):
        assert abs(parts[str(n)] - saving * ratio / whole) <= MICRO


def coalitions(names: str, value) -> dict[frozenset[str], Decimal]:
    return {
        frozenset(chosen): value(frozenset(chosen))
        for size in range(len(names) + 1)
        for chosen in combinations(names, size)
    }


@st.composite
def games(draw, most: int = 5):
    names = "abcdefghij"[: draw(st.integers(1, most))]
    values = {key: draw(st.decimals(-1000, 1000, places=6)) for key in coalitions(names, lambda _: 0)}
    values[frozenset()] = Decimal(0)
    return names, values


@given(games())
@settings(max_examples=60)
def test_shapley_values_add_up_to_what_all_levers_save(game):
    names, values = game
    assert sum(split_by_shapley(values).values()) == values[frozenset(names)]


@given(games(4))
@settings(max_examples=60)
def test_a_lever_that_never_adds_anything_gets_nothing(game):
    _, values = game
    with_null = {**values, **{key | {"null"}: value for key, value in values.items()}}
    parts = split_by_shapley(with_null)
    assert abs(parts["null"]) <= MICRO
    for name, part in split_by_shapley(values).items():
        assert abs(part - parts[name]) <= MICRO


@given(st.lists(st.decimals(-1000, 1000, places=6), min_size=11, max_size=11), st.integers(2, 10))
@settings(max_examples=30, deadline=None)
def test_levers_that_do_the_same_get_the_same_up_to_ten_of_them(by_size, count):
    by_size[0] = Decimal(0)
    values = coalitions("abcdefghij"[:count], lambda chosen: by_size[len(chosen)])
    parts = split_by_shapley(values)
    assert max(parts.values()) - min(parts.values()) <= MICRO
    assert sum(parts.values()) == by_size[count]


def test_shapley_shares_what_two_levers_both_reach():
    compress, oversell = frozenset({"compress"}), frozenset({"oversell"})
    both = compress | oversell
    parts = split_by_shapley({compress: Decimal(60), oversell: Decimal(40), both: Decimal(70)})
    assert parts == {"compress": Decimal(45), "oversell": Decimal(25)}


def test_eleven_levers_and_a_missing_set_are_refused():
    with pytest.raises(InputError, match="1 to 10"):
        split_by_shapley({frozenset(str(n)): Decimal(1) for n in "abcdefghijk"})
    with pytest.raises(InputError, match="no saving in the table"):
        split_by_shapley({frozenset("a"): Decimal(1), frozenset("ab"): Decimal(2)})


def test_payback_is_invested_over_realised_and_none_when_nothing_is_realised():
    assert payback_months(Decimal(3000), Decimal(1500)) == Decimal("2.0")
    assert payback_months(Decimal(3000), Decimal(0)) is None
    assert payback_months(Decimal(3000), None) is None


unit = st.floats(0, 1)
candidate = st.builds(
    Candidate,
    name=st.just("x"),
    cost_ratio=unit,
    difficulty_ratio=unit,
    expected_saving=st.decimals(0, 10**6, places=2),
    confidence_ratio=st.floats(0.05, 1),
    is_core=st.booleans(),
)
weights = st.builds(PriorityWeights, *(st.floats(0.01, 1) for _ in range(4)))


def score_of(one: Candidate, others: list[Candidate], chosen: PriorityWeights) -> float:
    ranked = rank_candidates([replace(one, name="me"), *others], chosen)
    return next(found.score for found in ranked if found.candidate.name == "me")


@given(candidate, st.lists(candidate, max_size=6), weights, unit, st.decimals(0, 10**6, places=2))
@settings(max_examples=60)
def test_the_score_grows_with_cost_share_and_saving_and_falls_with_difficulty_and_core(
    one, others, chosen, other_ratio, more
):
    here = score_of(one, others, chosen)
    bigger = replace(one, cost_ratio=max(one.cost_ratio, other_ratio))
    assert score_of(bigger, others, chosen) >= here
    harder = replace(one, difficulty_ratio=max(one.difficulty_ratio, other_ratio))
    assert score_of(harder, others, chosen) <= here
    better = replace(one, expected_saving=one.expected_saving + more)
    assert score_of(better, others, chosen) >= here
    assert score_of(replace(one, is_core=True), others, chosen) <= score_of(
        replace(one, is_core=False), others, chosen
    )


BIG_EASY = Candidate("big easy", 0.2, 0.1, Decimal(900), 0.9, is_core=False)
WORSE = (
    replace(BIG_EASY, name="small", cost_ratio=0.01),
    replace(BIG_EASY, name="hard", difficulty_ratio=0.9),
    replace(BIG_EASY, name="little", expected_saving=Decimal(10)),
    replace(BIG_EASY, name="core", is_core=True),
)


@given(weights)
def test_big_easy_effective_and_not_core_comes_first_and_core_never_in_wave_one(chosen):
    ranked = rank_candidates([*WORSE, BIG_EASY], chosen)
    assert ranked[0].candidate.name == "big easy"
    assert [one.wave for one in ranked if one.candidate.is_core] == [2]


@given(st.lists(candidate, max_size=8), unit, unit)
def test_a_pilot_is_in_the_band_and_not_core_or_there_is_none(drawn, one, other):
    assume(one <= other)
    ranked = rank_candidates(drawn, PriorityWeights()) if drawn else []
    pilot = pick_pilot(ranked, PilotRules(one, other), frozenset())
    if pilot is None:
        good = [c for c in drawn if one <= c.cost_ratio <= other and not c.is_core and c.expected_saving > 0]
        assert good == []
    else:
        assert one <= pilot.candidate.cost_ratio <= other
        assert not pilot.candidate.is_core


def test_a_pilot_has_a_shape_that_stands_for_the_fleet():
    odd = replace(BIG_EASY, cost_ratio=0.03, workload_class="bursty")
    usual = replace(odd, name="usual", workload_class="daily", expected_saving=Decimal(5))
    ranked = rank_candidates([odd, usual], PriorityWeights())
    pilot = pick_pilot(ranked, PilotRules(), frozenset({"daily"}))
    assert pilot is not None
    assert pilot.candidate.name == "usual"
