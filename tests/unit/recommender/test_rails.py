"""One test per guard rail: it binds, it is named, and it moves the value as far as it says."""

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.subjects import advise, judge, rail_names, subject_of

from models.vocabulary.recommendation import NoRecommendation, Recommendation, ResourceValues, SilenceReason
from recommender.constraints import Constraints, QuotaRoom
from recommender.constraints_limit_range import LimitRule
from recommender.policy import recommend_each
from recommender.presets import PRESETS, PolicySettings
from recommender.runtime_hints import RuntimeFacts


def rail(answer, name):
    return next(one for one in answer.guard_rails if one.name == name)


def test_a_default_spec_app_that_is_throttled_gets_more_and_its_saving_is_negative():
    slow = Container(
        cpu=constant(0.95),
        memory=constant(700 * MIB),
        cpu_request=1.0,
        cpu_limit=1.0,
        memory_request=GIB,
        memory_limit=GIB,
        throttled=0.4,
    )
    answer = advise(slow)
    assert answer.advised.cpu_request_cores >= 1.25
    assert answer.advised.cpu_limit_cores == answer.advised.cpu_request_cores
    assert answer.requested_saving_per_month < 0
    assert answer.is_increase
    assert "throttled" in rail_names(answer)
    assert "more per month" in answer.explanation


def test_a_severely_throttled_cpu_whose_limit_is_its_request_rises_though_memory_is_burstable():
    slow = Container(cpu=constant(0.9), cpu_request=1.0, cpu_limit=1.0, memory_limit=None, throttled=0.3)
    answer = advise(slow)
    assert answer.advised.cpu_request_cores == pytest.approx(1.25)
    assert answer.advised.cpu_limit_cores == pytest.approx(1.25)
    assert answer.requested_saving_per_month < 0


def test_use_flat_against_the_limit_is_not_believed():
    flat = Container(cpu=constant(0.5), cpu_request=0.4, cpu_limit=0.5, throttled=0.6)
    answer = advise(flat)
    assert answer.advised.cpu_request_cores > 0.5
    assert answer.advised.cpu_limit_cores >= 0.625


def test_memory_of_the_last_24_hours_is_a_floor():
    subject = subject_of(Container(memory=constant(300 * MIB)))
    subject = replace(subject, profile=replace(subject.profile, memory_usage_bytes_max_24h=900 * MIB))
    basis_free = replace(subject, profile=replace(subject.profile, memory_usage_bytes_max=300 * MIB))
    answer = judge(basis_free, settings=PolicySettings(hysteresis_ratio=0.0))
    value = answer.advised.memory_request_bytes if isinstance(answer, Recommendation) else GIB
    assert value >= 900 * MIB


def test_memory_to_start_is_a_floor():
    def startup(hours):
        return np.where(hours < 0.5, 800 * MIB, 200 * MIB)

    answer = advise(Container(memory=startup))
    request = answer.advised.memory_request_bytes if isinstance(answer, Recommendation) else GIB
    assert request >= 800 * MIB


def test_minimum_and_maximum_of_the_owner_bind():
    low = advise(Container(cpu=constant(0.05)), constraints=Constraints(cpu_minimum_cores=0.7))
    assert low.advised.cpu_request_cores == pytest.approx(0.7)
    assert rail(low, "minimum").because == "set by its owner or the settings"
    high = advise(
        Container(cpu=constant(3.0), cpu_request=1.0), constraints=Constraints(cpu_maximum_cores=2.0)
    )
    assert high.advised.cpu_request_cores == pytest.approx(2.0)
    assert "maximum" in rail_names(high)


def test_no_answer_is_larger_than_the_largest_node():
    answer = advise(
        Container(cpu=constant(7.0), cpu_request=1.0), constraints=Constraints(node_cpu_cores=3.9)
    )
    assert answer.advised.cpu_request_cores == pytest.approx(3.9)
    assert "node_size" in rail_names(answer)


def test_a_quota_leaves_room_for_the_rollout():
    # 2 replicas of 1 core and one more while rolling out: 2 + 1.6 cores for 3 pods
    growing = Container(cpu=constant(2.0), cpu_request=1.0, pods=2)
    limits = Constraints(quota=QuotaRoom({"cpu_request_cores": 1.6}), surge_replicas=1.0)
    answer = advise(growing, constraints=limits)
    assert answer.advised.cpu_request_cores == pytest.approx(1.2)
    assert "resource_quota" in rail_names(answer)


def test_a_full_quota_silences_an_increase_with_its_reason():
    growing = Container(cpu=constant(2.0), memory=constant(950 * MIB), cpu_request=1.0)
    answer = advise(growing, constraints=Constraints(quota=QuotaRoom({"cpu_request_cores": 0.0})))
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.FORBIDDEN_BY_QUOTA
    assert "quota" in answer.sentence


def test_increases_in_one_namespace_share_what_its_quota_has_left():
    subjects = [
        subject_of(
            Container(cpu=constant(2.0), cpu_request=1.0, workload=name),
            constraints=Constraints(quota=QuotaRoom({"cpu_request_cores": 1.8})),
        )
        for name in ("one", "two", "three")
    ]
    answers = recommend_each(
        [(one, PRESETS["balanced"]) for one in subjects], PolicySettings(), subjects[0].profile.window_end
    )
    added = [
        one.advised.cpu_request_cores - one.current.cpu_request_cores
        for one in answers
        if isinstance(one, Recommendation)
    ]
    assert sum(added) <= 1.8 + 1e-9
    assert min(added) == 0, "the last one finds nothing left"


def test_decreases_do_not_wait_for_a_quota():
    answer = advise(
        Container(cpu=constant(0.2)), constraints=Constraints(quota=QuotaRoom({"cpu_request_cores": -5.0}))
    )
    assert answer.advised.cpu_request_cores < 1.0


def test_a_daemonset_is_sized_by_its_largest_pod():
    subject = subject_of(Container(cpu=constant(0.2), kind="DaemonSet", pods=3))
    skewed = replace(subject, profile=replace(subject.profile, cpu_usage_cores_p95_pod_max=0.8))
    answer = judge(skewed)
    assert answer.advised.cpu_request_cores == pytest.approx(0.8)
    assert rail(answer, "daemonset_largest_pod").value_after == pytest.approx(0.8)
    assert any("largest" in note for note in answer.record.notes)


def test_a_cron_job_is_judged_by_its_runs():
    def nightly(hours):
        return np.where(hours % 24 < 2, 1.5, np.nan)

    subject = subject_of(
        Container(
            cpu=nightly,
            memory=lambda h: nightly(h) * GIB,
            kind="CronJob",
            memory_limit=4 * GIB,
            memory_request=4 * GIB,
            cpu_request=4.0,
        )
    )
    known = replace(subject, profile=replace(subject.profile, run_count=14))
    answer = judge(known, "batch")
    assert answer.advised.memory_request_bytes >= 1.5 * GIB
    assert any("14 runs" in note for note in answer.record.notes)


def test_before_a_peak_that_was_never_seen_nothing_is_lowered():
    ahead = Constraints(calendar_peak="the sale spring begins on 2026-10-01 and no sale is in its history")
    answer = advise(Container(cpu=constant(0.2), memory=constant(100 * MIB)), constraints=ahead)
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.CALENDAR_PEAK_NOT_SEEN
    assert "the sale spring" in answer.sentence
    raised = advise(Container(cpu=constant(2.0), cpu_request=1.0), constraints=ahead)
    assert raised.advised.cpu_request_cores > 2.0, "raises do not wait"


def test_an_excluded_resource_stays_and_the_other_is_advised():
    constraints = Constraints(
        excluded_because="excluded for cpu by pat: tuned by hand", excluded_resources=frozenset({"cpu"})
    )
    answer = advise(Container(cpu=constant(0.2), memory=constant(100 * MIB)), constraints=constraints)
    assert answer.advised.cpu_request_cores == 1.0
    assert answer.advised.memory_request_bytes < GIB
    assert answer.record.cpu.kept is SilenceReason.EXCLUDED


def test_an_excluded_container_is_silent_with_who_and_why():
    constraints = Constraints(excluded_because="excluded by pat: tuned by hand")
    answer = advise(Container(cpu=constant(0.2)), constraints=constraints)
    assert answer.reason is SilenceReason.EXCLUDED
    assert answer.sentence == "It is excluded by pat: tuned by hand."


def test_memory_is_never_lowered_below_a_heap_that_is_set():
    java = RuntimeFacts("jvm", "JAVA_TOOL_OPTIONS", heap_bytes=512 * MIB)
    container = Container(memory=constant(200 * MIB), memory_request=2 * GIB, memory_limit=2 * GIB)
    answer = advise(container, preset="cost", constraints=Constraints(runtime=java))
    assert answer.advised.memory_limit_bytes >= (512 + 128) * MIB
    settled = replace(subject_of(container), constraints=Constraints(runtime=java))
    now = replace(settled.profile, memory_request_bytes=GIB, memory_limit_bytes=GIB)
    again = judge(replace(settled, profile=now), "cost")
    assert again.advised.memory_limit_bytes == 640 * MIB


def test_a_jvm_that_follows_its_limit_keeps_it():
    java = RuntimeFacts("jvm", "its image", heap_ratio=0.75)
    container = Container(cpu=constant(0.2), memory=constant(200 * MIB))
    answer = advise(container, constraints=Constraints(runtime=java))
    assert answer.advised.memory_request_bytes == GIB
    assert "MaxRAMPercentage" in answer.record.runtime.sentence


LIMITS = [
    (LimitRule("Container", "cpu", minimum=0.5), Container(cpu=constant(0.05)), "cpu_request_cores", 0.5),
    (
        LimitRule("Container", "memory", maximum=2 * GIB, default_limit=2 * GIB),
        Container(memory=constant(3 * GIB), memory_request=GIB, memory_limit=GIB),
        "memory_limit_bytes",
        2 * GIB,
    ),
]


@pytest.mark.parametrize(("rule", "container", "name", "value"), LIMITS)
def test_a_limit_range_gives_the_nearest_value_it_allows(rule, container, name, value):
    answer = advise(container, constraints=Constraints(limit_rules=(rule,)))
    assert getattr(answer.advised, name) == pytest.approx(value)
    assert any(one.startswith("limit_range") for one in rail_names(answer))


def test_a_limit_range_that_is_not_on_whole_mebibytes_is_not_passed_by_rounding():
    rule = LimitRule("Container", "memory", maximum=1e9, default_limit=1e9)
    container = Container(memory=constant(950 * MIB), memory_request=800 * MIB, memory_limit=800 * MIB)
    answer = advise(container, constraints=Constraints(limit_rules=(rule,)))
    assert answer.advised.memory_limit_bytes <= 1e9
    assert answer.advised.memory_limit_bytes == 953 * MIB


def test_the_largest_ratio_of_limit_to_request_raises_the_request():
    spiky = Container(
        cpu=lambda h: np.where(np.abs(h - 100) < 0.04, 1.9, 0.1),
        cpu_request=1.0,
        cpu_limit=2.0,
        memory_limit=2 * GIB,
    )
    rule = LimitRule("Container", "cpu", largest_ratio=3.0)
    answer = advise(spiky, preset="cost", constraints=Constraints(limit_rules=(rule,)))
    assert answer.advised.cpu_limit_cores / answer.advised.cpu_request_cores <= 3.0 + 1e-9
    assert "limit_range_ratio" in rail_names(answer)


def test_an_answer_that_the_namespace_refuses_is_silence_with_its_reason():
    rule = LimitRule("Container", "memory", minimum=4 * GIB, maximum=4 * GIB)
    container = Container(
        cpu=constant(0.2), memory=constant(6 * GIB), memory_request=8 * GIB, memory_limit=8 * GIB
    )
    answer = advise(container, constraints=Constraints(limit_rules=(rule,)))
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.FORBIDDEN_BY_LIMIT_RANGE
    assert "above its maximum" in answer.sentence


def test_a_limit_range_for_pods_counts_the_other_containers():
    # two containers of one core: the pod may not exceed three
    rule = LimitRule("Pod", "cpu", maximum=3.0)
    sibling = ResourceValues(1.0, 1.0, GIB, GIB)
    hot = Container(cpu=constant(2.5), cpu_request=1.0, cpu_limit=1.0)
    answer = advise(hot, constraints=Constraints(limit_rules=(rule,), siblings=(sibling,)))
    assert answer.advised.cpu_limit_cores == pytest.approx(1.5), "each container takes half of what is left"


def test_compression_moves_the_request_and_leaves_the_limit():
    container = Container(cpu=constant(0.5), cpu_request=1.9, cpu_limit=2.0, memory=constant(900 * MIB))
    answer = advise(container, constraints=Constraints(compresses_requests=True))
    assert answer.advised.cpu_request_cores == pytest.approx((1.9 / 2 - 0.05) * 2)
    assert answer.advised.cpu_limit_cores == 2.0
    assert answer.advised.memory_request_bytes == answer.current.memory_request_bytes
    assert "compression" in rail_names(answer)
