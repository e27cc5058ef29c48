import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.oversell.calibration import PeakReplay, calibrate
from models.oversell.peaks import TaskUsage, find_alive, predict_peaks
from models.oversell.ratio import RatioRules, Sold, advise_ratios
from models.packing.first_fit import pack_first_fit

HOURS = 24
amounts = st.lists(st.floats(0.0, 100.0), min_size=3, max_size=3)
rules = RatioRules(
    theta=0.8, maximum=3.0, is_stale=False, is_off=False, history_days=30.0, violation_target=0.01
)


def sold(requested: list[float], peak: list[float], earlier: list[float]) -> Sold:
    return Sold(
        np.full(3, 50.0),
        np.array(requested),
        np.array(peak),
        np.array(earlier),
        np.ones(3),
        np.full(3, np.nan),
    )


@settings(deadline=None)
@given(amounts, amounts)
def test_ratios_stay_between_one_and_the_maximum(requested, peak):
    found = advise_ratios(sold(requested, peak, [np.nan] * 3), rules)
    assert ((found.ratio >= 1.0) & (found.ratio <= 3.0)).all()


@settings(deadline=None)
@given(amounts, amounts, st.lists(st.floats(1.0, 3.0), min_size=3, max_size=3))
def test_ratios_grow_by_at_most_a_twentieth_a_day_and_shrink_at_once(requested, peak, earlier):
    held = advise_ratios(sold(requested, peak, earlier), rules).ratio
    free = advise_ratios(sold(requested, peak, [np.nan] * 3), rules).ratio
    assert (held <= np.array(earlier) + 0.05 + 1e-9).all()
    assert np.allclose(held, np.minimum(free, np.array(earlier) + 0.05))


@settings(deadline=None)
@given(amounts, amounts, st.floats(1.0, 3.0))
def test_a_higher_peak_never_sells_more(requested, peak, factor):
    low = advise_ratios(sold(requested, peak, [np.nan] * 3), rules).ratio
    high = advise_ratios(sold(requested, [max(p, 1e-6) * factor for p in peak], [np.nan] * 3), rules).ratio
    known = np.array(peak) > 1e-6
    assert (high[known] <= low[known] + 1e-12).all()


@st.composite
def usages(draw: st.DrawFn) -> TaskUsage:
    tasks = draw(st.integers(1, 6))
    values = draw(st.lists(st.floats(0, 4), min_size=tasks * HOURS, max_size=tasks * HOURS))
    return TaskUsage(
        np.repeat(np.arange(tasks), HOURS),
        np.tile(np.arange(HOURS), tasks),
        np.repeat(np.array(values)[:, None], 12, axis=1),
        np.arange(tasks),
        np.array(draw(st.lists(st.integers(0, 2), min_size=tasks, max_size=tasks))),
        np.ones(tasks),
        HOURS,
    )


@settings(deadline=None)
@given(usages())
def test_a_nodes_peak_lies_between_its_largest_task_and_the_sum_of_peaks(usage):
    peaks = predict_peaks(usage, find_alive(usage, HOURS - 1), 0, HOURS)
    own = usage.row_bins.reshape(-1, HOURS * 12).max(axis=1)
    for node in range(usage.node_count):
        mine = own[usage.task_node == node]
        assert peaks[node] >= mine.max(initial=0.0) - 1e-9
        assert peaks[node] <= mine.sum() + 1e-9


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 3.0), min_size=1, max_size=80), st.floats(0.01, 0.5))
def test_the_calibrated_factor_covers_its_own_sample(ratios, target):
    count = len(ratios)
    replay = PeakReplay(np.zeros(count), np.zeros(count), np.ones(count), np.array(ratios))
    factor = calibrate(replay, target).factor
    assert (np.array(ratios) > factor).mean() <= target


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 4), st.floats(0.1, 4)), max_size=20),
    st.integers(1, 8),
)
def test_packing_never_overfills_a_node(sizes, count):
    pods = np.array(sizes, dtype=float).reshape(-1, 2)
    nodes = np.full((count, 2), 4.0)
    packing = pack_first_fit(pods, nodes, np.arange(count))
    used = np.zeros((count, 2))
    placed = packing.node >= 0
    np.add.at(used, packing.node[placed], pods[placed])
    assert (used <= nodes + 1e-6).all()
