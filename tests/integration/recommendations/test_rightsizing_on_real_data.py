"""The aim of the policy, on recorded use: more saved than rivals at their own risk, with fewer changes."""

from functools import cache
from pathlib import Path

import pytest
from support.real_usage import READERS

from recommender.backtest import replay
from recommender.backtest_matched import Match, match_rivals
from recommender.backtest_policies import frontier, ours, rivals
from recommender.backtest_scores import PolicyScore
from recommender.presets import PRESETS, PolicySettings

TOLERATED = 0.005


@cache
def results(folder: Path, name: str) -> tuple[dict[str, PolicyScore], dict[tuple[str, str], Match]]:
    use = READERS[name](folder)
    others, curve = rivals()[:2], frontier(PRESETS["balanced"])
    own = [ours(PRESETS[each]) for each in ("cost", "balanced", "safe")]
    scores = [done.score() for done in replay(use, [*others, *own, *curve], PolicySettings())]
    matches = match_rivals(scores[:2], scores[5:])
    return {score.policy: score for score in scores}, {
        (match.rival, match.resource): match for match in matches
    }


@pytest.mark.parametrize("name", ["azure", "bitbrains", "pools"])
def test_more_cpu_is_saved_than_by_vpa_at_its_violations_with_fewer_changes(shared_data, name):
    match = results(shared_data, name)[1]["VPA style", "cpu"]
    assert match.is_inside
    assert match.footprint_ratio < 1
    assert match.our_saved_ratio > match.rival_saved_ratio
    assert match.our_changes_per_day < match.rival_changes_per_day


@pytest.mark.parametrize("name", ["pools", "openshift"])
def test_more_memory_is_saved_than_by_krr_at_its_oom_days(shared_data, name):
    match = results(shared_data, name)[1]["KRR style (simple)", "memory"]
    assert match.is_inside
    assert match.footprint_ratio < 1
    assert match.our_saved_ratio > match.rival_saved_ratio


def test_memory_of_real_pools_changes_less_often_than_krrs(shared_data):
    match = results(shared_data, "pools")[1]["KRR style (simple)", "memory"]
    assert match.our_changes_per_day < match.rival_changes_per_day


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("risk_class", ["cost", "balanced", "safe"])
def test_the_stated_risk_is_kept_on_real_data(shared_data, name, risk_class):
    score = results(shared_data, name)[0][f"millicore {risk_class}"]
    assert score.cpu_samples_over_ratio <= score.cpu_stated_ratio + TOLERATED
    if score.oom_day_ratio is not None:
        assert score.oom_day_ratio <= score.memory_stated_ratio + TOLERATED
