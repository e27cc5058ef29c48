import pytest

from recommender.backtest_matched import match_rivals
from recommender.backtest_scores import PolicyScore


def score(policy, over, saved, advised, oom=None):
    return PolicyScore(
        policy,
        cpu_saved_ratio=saved,
        cpu_samples_over_ratio=over,
        cpu_advised_core_days=advised,
        cpu_changes_per_day=0.05,
        oom_day_ratio=oom,
    )


CURVE = [score("a", 0.01, 0.50, 50.0), score("b", 0.03, 0.60, 40.0), score("c", 0.05, 0.70, 30.0)]


def test_ours_is_read_between_two_points_at_the_rivals_risk():
    (match,) = match_rivals([score("rival", 0.02, 0.45, 60.0)], CURVE)
    assert match.resource == "cpu"
    assert match.our_saved_ratio == pytest.approx(0.55)
    assert match.footprint_ratio == pytest.approx(45.0 / 60.0)
    assert match.our_risk_ratio == match.risk_ratio == 0.02
    assert match.is_inside


def test_beyond_the_risky_end_ours_stays_at_the_end():
    (match,) = match_rivals([score("rival", 0.20, 0.80, 20.0)], CURVE)
    assert match.our_saved_ratio == 0.70
    assert match.our_risk_ratio == 0.05
    assert not match.is_inside


def test_a_rival_safer_than_our_safest_has_no_match():
    assert match_rivals([score("rival", 0.001, 0.1, 90.0)], CURVE) == []


def test_without_requests_footprints_are_compared_all_the_same():
    curve = [score("a", 0.01, None, 50.0), score("b", 0.03, None, 40.0)]
    (match,) = match_rivals([score("rival", 0.03, None, 80.0)], curve)
    assert match.our_saved_ratio is None
    assert match.footprint_ratio == 0.5
