import numpy as np
import pytest

from models.oversell.calibration import calibrate, replay_peaks
from models.oversell.peaks import TaskUsage, find_alive, predict_peaks, realised_peaks
from models.oversell.ratio import RatioRules, Sold, advise_ratios

WEEK = 168


def usage_of(tasks: list[dict], hours: int) -> TaskUsage:
    """Each task: node, workload, request, first, last, value (a function of the hour)."""
    rows = [
        (index, hour, np.full(12, float(task["value"](hour))))
        for index, task in enumerate(tasks)
        for hour in range(task.get("first", 0), task.get("last", hours))
    ]
    return TaskUsage(
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.stack([row[2] for row in rows]),
        np.array([task.get("workload", index) for index, task in enumerate(tasks)]),
        np.array([task.get("node", 0) for task in tasks]),
        np.array([task.get("request", 1.0) for task in tasks], dtype=float),
        hours,
    )


def predict(usage: TaskUsage) -> np.ndarray:
    alive = find_alive(usage, usage.hours - 1)
    return predict_peaks(usage, alive, usage.hours - WEEK, usage.hours)


def test_the_peak_is_that_of_the_sum_not_the_sum_of_peaks():
    day = {"value": lambda hour: 2.0 if hour % 24 == 10 else 0.5}
    night = {"value": lambda hour: 3.0 if hour % 24 == 2 else 0.5}
    assert predict(usage_of([day, night], WEEK)) == pytest.approx([3.5])


def test_tasks_that_are_gone_do_not_count():
    gone = {"value": lambda hour: 9.0, "last": WEEK - 1}
    assert predict(usage_of([{"value": lambda hour: 1.0}, gone], WEEK)) == pytest.approx([1.0])


def test_a_young_task_takes_its_workloads_history():
    old = {"value": lambda hour: 4.0 if hour == 20 else 1.0, "workload": 0, "node": 0}
    young = {"value": lambda hour: 1.0, "workload": 0, "node": 1, "first": WEEK - 2}
    assert predict(usage_of([old, young], WEEK)) == pytest.approx([4.0, 4.0])


def test_a_task_of_a_young_workload_counts_its_request():
    old = {"value": lambda hour: 1.0, "node": 1}
    young = {"value": lambda hour: 0.1, "first": WEEK - 2, "request": 2.0}
    assert predict(usage_of([young, old], WEEK)) == pytest.approx([2.0, 1.0])


def test_hours_in_which_nobody_was_observed_are_left_out():
    usage = usage_of([{"value": lambda hour: 0.2, "request": 8.0}], WEEK)
    keep = usage.row_hour != 50
    cut = TaskUsage(
        usage.row_task[keep],
        usage.row_hour[keep],
        usage.row_bins[keep],
        usage.task_workload,
        usage.task_node,
        usage.task_request,
        usage.hours,
    )
    assert predict(cut) == pytest.approx([0.2])


def test_what_came_counts_only_tasks_alive_at_the_origin():
    late = {"value": lambda hour: 5.0, "first": WEEK + 3}
    usage = usage_of([{"value": lambda hour: 1.0}, late], WEEK + 24)
    alive = find_alive(usage, WEEK - 1)
    assert realised_peaks(usage, alive, WEEK, WEEK + 24) == pytest.approx([1.0])


def test_many_nodes_are_the_same_in_chunks(monkeypatch):
    tasks = [
        {"value": lambda hour, base=number % 7: base * (1 + hour % 5), "node": number * 5 % 9}
        for number in range(40)
    ]
    usage = usage_of(tasks, WEEK)
    whole = predict(usage)
    monkeypatch.setattr("models.oversell.peaks._CHUNK_TASKS", 3)
    assert predict(usage) == pytest.approx(whole)


def test_calibration_covers_what_came_and_reports_held_out_violations():
    tasks = [
        {"value": lambda hour, node=node: 1.0 + 0.01 * (hour // 24) + 0.1 * (node % 2), "node": node}
        for node in range(6)
    ]
    replay = replay_peaks(usage_of(tasks, WEEK + 24 * 6))
    assert len(replay.origin) == 6 * 6
    found = calibrate(replay, 0.01)
    assert found.factor >= (replay.realised / replay.predicted).max() - 1e-12
    assert found.violation_ratio == 0.0
    assert found.sample_count == 36


def test_without_a_held_out_day_a_fixed_safety_holds():
    found = calibrate(replay_peaks(usage_of([{"value": lambda hour: 1.0}], WEEK)), 0.01)
    assert found.factor == 1.15
    assert found.violation_ratio is None


RULES = RatioRules(
    theta=0.8, maximum=3.0, is_stale=False, is_off=False, history_days=10.0, violation_target=0.01
)


def sold(
    requested: float, peak: float, earlier: float = np.nan, days: float = 1.0, violation: float = np.nan
) -> Sold:
    return Sold(*(np.array([value]) for value in (10.0, requested, peak, earlier, days, violation)))


@pytest.mark.parametrize(
    ("amounts", "ratio", "rail"),
    [
        (sold(8.0, 4.0), 1.6, ""),
        (sold(8.0, 1.0), 3.0, "ratio_max"),
        (sold(8.0, 7.5), 1.0, "peak_near_requests"),
        (sold(8.0, 4.0, earlier=1.2), 1.25, "growth_limit"),
        (sold(8.0, 4.0, earlier=2.9), 1.6, ""),
        (sold(0.5, 0.1), 1.0, "low_requests"),
        (sold(8.0, 4.0, violation=0.015), 1.6, ""),
        (sold(8.0, 4.0, violation=0.083), 1.0, "risk_above_stated"),
    ],
)
def test_the_ratio_and_the_rail_that_bound(amounts, ratio, rail):
    found = advise_ratios(amounts, RULES)
    assert found.ratio[0] == pytest.approx(ratio)
    assert found.guard_rail[0] == rail


def test_a_nearly_empty_node_takes_its_pools_ratio():
    found = advise_ratios(sold(0.5, 0.1), RULES, np.array([1.4]))
    assert (found.ratio[0], found.guard_rail[0]) == (1.4, "low_requests")


@pytest.mark.parametrize(
    ("change", "rail"),
    [
        ({"is_stale": True}, "stale_data"),
        ({"is_off": True}, "memory_off"),
        ({"history_days": 6.9}, "too_little_history"),
    ],
)
def test_guard_rails_close_everything(change, rail):
    rules = RatioRules(**{**vars(RULES), **change})
    found = advise_ratios(sold(8.0, 1.0), rules)
    assert (found.ratio[0], found.guard_rail[0]) == (1.0, rail)
