"""More risk never costs more, and what is stated is what comes out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daily_use import from_samples, made_up

from recommender.backtest import replay
from recommender.backtest_policies import ours
from recommender.basis import find_bases, fit_risk
from recommender.presets import PRESETS, PolicySettings

SETTINGS = PolicySettings()
TOLERATED = 0.005


@st.composite
def fleets(draw):
    size, days = draw(st.integers(1, 9)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cpu = rng.lognormal(-1, draw(st.floats(0, 2)), (size, days, 24))
    cpu[rng.random((size, days)) < draw(st.floats(0, 0.6))] = np.nan
    memory = np.exp(rng.normal(20, draw(st.floats(0, 2)), (size, days)))
    memory[np.isnan(cpu).all(axis=2)] = np.nan
    return from_samples(cpu, memory)


@settings(max_examples=60, deadline=None)
@given(use=fleets(), risks=st.lists(st.floats(1e-4, 0.4), min_size=2, max_size=5))
def test_more_stated_risk_never_gets_a_larger_request(use, risks):
    model = fit_risk(use, SETTINGS)
    before = None
    for risk in sorted(risks):
        preset = replace(
            PRESETS["balanced"], cpu_over_request_ratio_target=risk, memory_over_day_ratio_target=risk
        )
        bases = model.advise([preset] * use.size, with_replay=False)
        asked = np.stack([bases.cpu_request_cores, bases.memory_request_bytes])
        if before is not None:
            known = ~np.isnan(asked)
            assert (asked[known] <= before[known]).all()
        before = asked


@settings(max_examples=30, deadline=None)
@given(use=fleets())
def test_a_riskier_class_never_advises_more_than_a_safer_one(use):
    found = {name: find_bases(use, [PRESETS[name]] * use.size, SETTINGS) for name in PRESETS}
    for riskier, safer in (
        ("cost", "balanced"),
        ("balanced", "safe"),
        ("cost", "batch"),
        ("balanced", "jvm"),
    ):
        cpu = (found[riskier].cpu_request_cores, found[safer].cpu_request_cores)
        memory = (found[riskier].memory_request_bytes, found[safer].memory_request_bytes)
        for less, more in (cpu, memory):
            assert ((less <= more) | np.isnan(less)).all()


@settings(max_examples=30, deadline=None)
@given(use=fleets(), order=st.randoms(use_true_random=False))
def test_the_order_of_containers_does_not_matter(use, order):
    rows = list(range(use.size))
    order.shuffle(rows)
    moved = find_bases(use.rows(np.array(rows)), [PRESETS["balanced"]] * use.size, SETTINGS)
    still = find_bases(use, [PRESETS["balanced"]] * use.size, SETTINGS)
    assert moved.cpu_request_cores == pytest.approx(still.cpu_request_cores[rows], nan_ok=True, rel=0.06)
    assert moved.memory_request_bytes == pytest.approx(
        still.memory_request_bytes[rows], nan_ok=True, rel=0.06
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["cost", "balanced", "safe"])
def test_the_stated_risk_holds_on_days_not_seen(name, seed):
    score = replay(made_up(120, 28, seed), [ours(PRESETS[name])], SETTINGS)[0].score()
    assert score.cpu_samples_over_ratio <= score.cpu_stated_ratio + TOLERATED
    assert score.oom_day_ratio <= score.memory_stated_ratio + TOLERATED


def test_less_stated_risk_saves_less():
    names = ("cost", "balanced", "safe")
    done = replay(made_up(120, 28), [ours(PRESETS[name]) for name in names], SETTINGS)
    scores = [each.score() for each in done]
    for name in ("cpu_saved_ratio", "memory_saved_ratio", "cpu_samples_over_ratio"):
        values = [getattr(score, name) for score in scores]
        assert values == sorted(values, reverse=True)
