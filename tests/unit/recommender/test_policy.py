import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.profile_sets import profile_set

from models.profiles.build import ProfileOptions
from models.vocabulary.recommendation import NoRecommendation, Recommendation, SilenceReason
from recommender.policy import recommend, recommend_each
from recommender.presets import PRESETS, PolicySettings
from recommender.subject import Constraints, Subject, UnitPrices

NOW = datetime(2026, 9, 21, tzinfo=UTC)
PRICES = UnitPrices(Decimal("0.03"), Decimal("0.004"), "EUR")


def subject_of(
    container: Container,
    days: float = 14,
    constraints: Constraints | None = None,
    options: ProfileOptions | None = None,
) -> Subject:
    found = profile_set([container], days=days, options=options)
    return Subject(found.profiles[0], found.evidence[0], constraints or Constraints(), PRICES)


def advise(container: Container, preset: str = "balanced", settings=None, **more):
    return recommend(subject_of(container, **more), PRESETS[preset], settings or PolicySettings(), NOW)


def test_an_oversized_container_is_asked_for_less():
    answer = advise(
        Container(cpu=constant(0.4), memory=constant(600 * MIB), cpu_request=1.0, memory_request=GIB)
    )
    assert isinstance(answer, Recommendation)
    assert 0.4 * 1.15 <= answer.advised.cpu_request_cores <= 0.4 * 1.15 * 1.08
    assert answer.advised.memory_request_bytes == 690 * MIB
    assert answer.advised.memory_limit_bytes == 690 * MIB
    assert answer.requested_saving_per_month > 0
    assert answer.currency == "EUR"
    assert "not money until" in answer.explanation
    assert "720 hours" in answer.explanation
    assert " cores" in answer.explanation
    assert not re.search(r"\d(m|Mi|Gi)\b", answer.explanation), "Kubernetes quantities are for patches"
    assert answer.statistic == "cpu p95 +15 %, memory max +15 %"


def test_the_saving_is_reduction_times_price_times_replicas_times_720_hours():
    answer = advise(
        Container(cpu=constant(0.4), memory=constant(600 * MIB), pods=3, cpu_request=1.0, memory_request=GIB)
    )
    cpu = Decimal(repr(round(1.0 - answer.advised.cpu_request_cores, 6))) * Decimal("0.03")
    memory = Decimal(1024 - 690) / 1024 * Decimal("0.004")
    assert answer.requested_saving_per_month == pytest.approx((cpu + memory) * 3 * 720, abs=Decimal("1e-5"))


def test_one_suggestion_takes_no_more_than_the_largest_cut():
    answer = advise(Container(cpu=constant(0.02), cpu_request=4.0, memory_request=GIB))
    assert answer.advised.cpu_request_cores == pytest.approx(4.0 * 0.4)
    assert {rail.name for rail in answer.guard_rails} >= {"largest_cut"}
    assert "at most 60% less at once" in answer.explanation


def test_an_increase_has_no_step_limit():
    answer = advise(Container(cpu=constant(2.0), cpu_request=0.1))
    assert answer.advised.cpu_request_cores > 2.0
    assert answer.is_increase


def test_memory_is_never_advised_below_its_largest_use_once():
    spike = Container(memory=lambda h: np.where(np.abs(h - 100) < 0.04, 900 * MIB, 100 * MIB))
    answer = advise(spike)
    memory = answer.advised if isinstance(answer, Recommendation) else spike
    assert (getattr(memory, "memory_request_bytes", GIB)) >= 900 * MIB


def test_after_an_oom_kill_memory_rises_above_the_size_of_the_kill():
    killed = Container(
        memory=constant(400 * MIB),
        memory_request=512 * MIB,
        memory_limit=512 * MIB,
        oom_hours=frozenset({200}),
    )
    answer = advise(killed)
    assert answer.advised.memory_limit_bytes >= 614 * MIB
    assert answer.advised.memory_request_bytes >= 612 * MIB
    assert "oom_floor" in {rail.name for rail in answer.guard_rails}


def test_the_oom_floor_does_not_run_away_after_the_limit_was_raised():
    raised = Container(
        memory=constant(400 * MIB), memory_request=615 * MIB, memory_limit=615 * MIB, cpu_request=0.12
    )
    subject = subject_of(raised)
    known = replace(subject.profile, oom_killed_count=1, memory_oom_bytes_max=512 * MIB)
    again = recommend(replace(subject, profile=known), PRESETS["balanced"], PolicySettings(), NOW)
    assert isinstance(again, NoRecommendation)
    assert again.reason is SilenceReason.WITHIN_HYSTERESIS


def test_less_than_a_week_of_history_lowers_nothing():
    answer = advise(Container(cpu=constant(0.2)), days=3)
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.TOO_LITTLE_HISTORY
    assert "7 are needed" in answer.sentence


def test_a_day_of_history_is_enough_to_raise():
    answer = advise(Container(cpu=constant(2.0), cpu_request=0.5), days=1.5)
    assert answer.advised.cpu_request_cores > 2.0


def test_less_than_a_day_of_history_says_nothing():
    answer = advise(Container(cpu=constant(2.0)), days=0.5)
    assert answer.reason is SilenceReason.TOO_LITTLE_HISTORY


def test_small_changes_are_not_suggested():
    answer = advise(Container(cpu=constant(0.9), memory=constant(900 * MIB), cpu_request=1.05))
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.WITHIN_HYSTERESIS


def test_a_throttled_container_keeps_its_request_and_gets_a_higher_limit():
    throttled = Container(cpu=constant(0.3), cpu_request=0.5, cpu_limit=0.6, throttled=0.3)
    answer = advise(throttled)
    assert answer.advised.cpu_request_cores == 0.5
    assert answer.advised.cpu_limit_cores == pytest.approx(0.75)


def test_a_guaranteed_container_stays_guaranteed():
    pinned = Container(
        cpu=constant(0.3), cpu_request=1.0, cpu_limit=1.0, memory=constant(300 * MIB), throttled=0.0
    )
    advised = advise(pinned).advised
    assert advised.cpu_request_cores == advised.cpu_limit_cores
    assert advised.memory_request_bytes == advised.memory_limit_bytes


def test_the_ratio_of_limit_to_request_is_kept():
    container = Container(memory=constant(200 * MIB), memory_request=GIB, memory_limit=2 * GIB)
    advised = advise(container).advised
    assert advised.memory_limit_bytes == pytest.approx(2 * advised.memory_request_bytes, rel=0.01)


def test_a_cpu_limit_stays_above_the_peak():
    spiky = Container(
        cpu=lambda h: np.where(np.abs(h - 100) < 0.04, 1.9, 0.2), cpu_request=1.0, cpu_limit=2.0
    )
    assert advise(spiky).advised.cpu_limit_cores >= 1.9


def test_no_limit_stays_no_limit():
    advised = advise(Container(cpu_limit=None, memory_limit=None)).advised
    assert advised.cpu_limit_cores is None
    assert advised.memory_limit_bytes is None


def test_a_limit_range_binds():
    answer = advise(Container(cpu=constant(0.05)), constraints=Constraints(cpu_minimum_cores=0.5))
    assert answer.advised.cpu_request_cores == 0.5


def test_java_memory_is_never_lowered():
    answer = advise(Container(cpu=constant(0.2), memory=constant(200 * MIB)), preset="jvm")
    assert answer.advised.memory_request_bytes == GIB
    assert answer.advised.cpu_request_cores < 1.0


@pytest.mark.parametrize(
    ("container", "more", "reason"),
    [
        (Container(), {"constraints": Constraints(is_opted_out=True)}, SilenceReason.OPTED_OUT),
        (Container(container_kind="(pod)"), {}, SilenceReason.NOT_A_CONTAINER),
        (Container(cpu=constant(0.001)), {}, SilenceReason.DORMANT),
        (
            Container(cpu_request=None, memory_request=None, memory_limit=None),
            {},
            SilenceReason.WITHOUT_REQUESTS,
        ),
        (
            Container(cpu=lambda h: np.full(h.shape, np.nan), memory=lambda h: np.full(h.shape, np.nan)),
            {},
            SilenceReason.NO_USAGE_MEASURED,
        ),
        (
            Container(cpu=constant(0.9), cpu_request=1.05, memory=lambda h: 100 * MIB + 2 * MIB * h),
            {},
            SilenceReason.LEAKING_MEMORY,
        ),
        (
            Container(cpu=constant(0.2), memory=constant(950 * MIB)),
            {"options": ProfileOptions(hpa_metrics={("shop", "Deployment", "web"): ("cpu",)})},
            SilenceReason.SCALED_BY_HPA,
        ),
    ],
)
def test_silence_has_its_reason(container, more, reason):
    answer = advise(container, **more)
    assert isinstance(answer, NoRecommendation), answer
    assert answer.reason is reason
    assert answer.sentence.endswith(".")


def test_a_container_that_left_is_gone():
    found = profile_set([Container(), Container(workload="old", last_hour=200)])
    subjects = [
        (Subject(profile, evidence), PRESETS["balanced"])
        for profile, evidence in zip(found.profiles, found.evidence, strict=True)
    ]
    reasons = {
        answer.key.workload.name: getattr(answer, "reason", None)
        for answer in recommend_each(subjects, PolicySettings(), NOW)
    }
    assert reasons["old"] is SilenceReason.GONE


def test_memory_of_an_autoscaled_workload_is_still_right_sized():
    options = ProfileOptions(hpa_metrics={("shop", "Deployment", "web"): ("cpu",)})
    answer = advise(Container(cpu=constant(0.1), memory=constant(100 * MIB)), options=options)
    assert answer.advised.cpu_request_cores == answer.current.cpu_request_cores
    assert answer.advised.memory_request_bytes < GIB


def test_without_a_price_there_is_no_saving_and_not_zero():
    subject = replace(subject_of(Container(cpu=constant(0.2))), prices=UnitPrices())
    answer = recommend(subject, PRESETS["balanced"], PolicySettings(), NOW)
    assert answer.requested_saving_per_month is None
    assert "not priced" in answer.explanation


def test_savings_below_the_minimum_are_small_changes():
    answer = advise(
        Container(cpu=constant(0.2)), settings=PolicySettings(minimum_monthly_saving=Decimal(1000))
    )
    assert answer.is_small_change


def test_increases_are_never_small_changes():
    settings = PolicySettings(minimum_monthly_saving=Decimal(1000))
    answer = advise(Container(cpu=constant(2.0), cpu_request=0.5), settings=settings)
    assert not answer.is_small_change


def test_a_limit_without_a_request_is_the_request():
    answer = advise(Container(cpu=constant(0.2), cpu_request=None, cpu_limit=1.0))
    assert answer.current.cpu_request_cores == 1.0


def test_the_risk_is_counted_on_the_past():
    container = Container(cpu=lambda h: np.where(h % 24 < 2, 3.0, 0.1), cpu_request=4.0, pods=3)
    answer = advise(container, preset="cost")
    over = answer.risk.cpu_over_request_ratio
    assert 0 <= over <= 0.10
    assert answer.risk.day_count == 14 * 3
    assert answer.risk.memory_over_limit_day_ratio == 0
    assert "42 container-days" in answer.risk.sentence
    assert "3 replicas" in answer.risk.sentence


def test_a_growing_workload_gets_room_to_grow():
    growing = Container(cpu=lambda h: 0.1 + 0.02 * h / 24, cpu_request=2.0)
    answer = advise(growing)
    assert "growth" in {rail.name for rail in answer.guard_rails}
