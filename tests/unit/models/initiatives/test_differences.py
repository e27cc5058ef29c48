import numpy as np
import pytest

from models.initiatives.differences import NotMeasurable, Peer, SavingEffect, Unmeasured, measure_effect

DAYS = 28


def bills(level: float, *, growth: float = 0.0, saving: float = 0.0, noise: float = 0.0, seed: int = 0):
    """Bills per day before and after a stage: growth of load and a saving from the stage on."""
    random = np.random.default_rng(seed)
    before = level * (1 + noise * random.standard_normal(DAYS))
    after = level * (1 + growth) * (1 - saving) * (1 + noise * random.standard_normal(DAYS))
    return before, after


def peers(count: int, *, growth: float = 0.0, noise: float = 0.0) -> list[Peer]:
    return [
        Peer(f"p{n}", *bills(50.0 + 10 * n, growth=growth, noise=noise, seed=100 + n)) for n in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_saving_of_12_percent_under_growth_of_8_percent_is_recovered(seed):
    before, after = bills(200.0, growth=0.08, saving=0.12, noise=0.01, seed=seed)
    found = measure_effect(before, after, peers(6, growth=0.08, noise=0.01))
    assert isinstance(found, SavingEffect)
    assert found.saving_ratio == pytest.approx(0.12, abs=0.01)
    assert found.saving_lower_80_ratio < 0.12 < found.saving_upper_80_ratio
    # before and after alone would have said 5 %
    assert 1 - after.mean() / before.mean() == pytest.approx(0.05, abs=0.01)


def test_money_is_what_the_bill_would_have_been_less_what_it_is():
    before, after = bills(100.0, growth=0.10, saving=0.20)
    found = measure_effect(before, after, peers(3, growth=0.10))
    assert isinstance(found, SavingEffect)
    assert found.counterfactual_per_day == pytest.approx(110.0)
    assert found.saving_per_day == pytest.approx(22.0)
    assert found.saving_lower_80_per_day == pytest.approx(found.saving_upper_80_per_day)


def test_nodes_that_stand_are_no_saving_whatever_requests_do():
    before, after = bills(100.0)
    found = measure_effect(before, after, peers(3))
    assert isinstance(found, SavingEffect)
    assert found.saving_per_day == pytest.approx(0.0)


def test_the_interval_is_as_wide_as_what_untouched_pools_do_by_chance():
    calm = [Peer(str(n), *bills(50.0, growth=g)) for n, g in enumerate((0.0, 0.01, -0.01))]
    wild = [Peer(str(n), *bills(50.0, growth=g)) for n, g in enumerate((0.0, 0.2, -0.2))]
    before, after = bills(100.0, saving=0.1)
    widths = []
    for group in (calm, wild):
        found = measure_effect(before, after, group)
        assert isinstance(found, SavingEffect)
        widths.append(found.saving_upper_80_ratio - found.saving_lower_80_ratio)
    assert widths[1] > 10 * widths[0]


@pytest.mark.parametrize(
    ("days", "group", "reason"),
    [
        ((6, 28), peers(3), NotMeasurable.TOO_FEW_DAYS_BEFORE),
        ((28, 6), peers(3), NotMeasurable.TOO_FEW_DAYS_AFTER),
        ((28, 28), [], NotMeasurable.NO_PEERS),
        ((28, 28), peers(1), NotMeasurable.ONE_PEER),
    ],
)
def test_what_cannot_be_measured_says_why(days, group, reason):
    before, after = bills(100.0, saving=0.1)
    assert measure_effect(before[: days[0]], after[: days[1]], group) == Unmeasured(reason)


def test_a_day_without_a_price_after_the_stage_is_no_bill_and_no_saving():
    before, after = bills(100.0, saving=0.1)
    after[3] = np.nan
    assert measure_effect(before, after, peers(3)) == Unmeasured(NotMeasurable.NO_BILL)


def test_peers_that_drifted_before_the_stage_do_not_count():
    drifting = [
        Peer(str(n), 50.0 * np.exp(0.01 * slope * np.arange(DAYS)), np.full(DAYS, 60.0))
        for n, slope in enumerate((1, 2, -1))
    ]
    before, after = bills(100.0, saving=0.1, noise=0.005)
    found = measure_effect(before, after, drifting)
    assert found == Unmeasured(NotMeasurable.NOT_PARALLEL, ("0", "1", "2"))
    found = measure_effect(before, after, [*drifting, *peers(2, noise=0.005)])
    assert isinstance(found, SavingEffect)
    assert (found.peers, found.left_out_peers) == (("p0", "p1"), ("0", "1", "2"))


def test_a_pool_without_a_bill_on_some_day_is_no_peer():
    before, after = bills(100.0, saving=0.1)
    unpriced = Peer("gap", np.where(np.arange(DAYS) == 3, np.nan, 50.0), np.full(DAYS, 50.0))
    found = measure_effect(before, after, [*peers(2), unpriced])
    assert isinstance(found, SavingEffect)
    assert found.left_out_peers == ("gap",)
