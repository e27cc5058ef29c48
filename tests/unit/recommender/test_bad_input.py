"""Containers that other recommenders stumble over: each has a defined outcome with its reason."""

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.subjects import advise, judge, subject_of

from models.vocabulary.recommendation import NoRecommendation, Recommendation, SilenceReason
from recommender.constraints import Constraints

UNSET = {"cpu_request": None, "memory_request": None, "memory_limit": None}


def test_no_requests_is_silence_that_says_how_to_ask():
    answer = advise(Container(**UNSET))
    assert answer.reason is SilenceReason.WITHOUT_REQUESTS
    assert "BestEffort" in answer.sentence
    assert "millicore.io/allow-qos-change" in answer.sentence


def test_no_requests_and_the_owner_allows_it_gives_requests_and_states_the_change_of_class():
    answer = advise(Container(cpu=constant(0.2), **UNSET), constraints=Constraints(allows_qos_change=True))
    assert answer.advised.cpu_request_cores > 0.2
    assert answer.advised.memory_request_bytes > 200 * MIB
    assert answer.advised.cpu_limit_cores is None
    assert any("BestEffort to Burstable" in note for note in answer.record.notes)
    assert answer.requested_saving_per_month < 0
    assert answer.is_increase


def test_two_hours_old_is_silence_with_its_age():
    answer = advise(Container(cpu=constant(2.0), cpu_request=0.5), days=2 / 24)
    assert answer.reason is SilenceReason.TOO_LITTLE_HISTORY
    assert answer.sentence.startswith("2 hours of history; 1 days are needed to raise")


def test_gone_is_silence():
    subject = subject_of(Container())
    gone = replace(subject, profile=replace(subject.profile, last_seen_hours_ago=30.0))
    answer = judge(gone)
    assert answer.reason is SilenceReason.GONE
    assert "30 hours" in answer.sentence


def test_renamed_is_silence_that_names_the_new_one():
    subject = subject_of(Container(), constraints=Constraints(renamed_to="shop/store"))
    answer = judge(replace(subject, profile=replace(subject.profile, last_seen_hours_ago=30.0)))
    assert answer.reason is SilenceReason.RENAMED
    assert "runs as shop/store now" in answer.sentence


def test_oom_from_the_start_gets_more_memory_although_nothing_else_is_known():
    """VPA has no answer here: a container that never lives long enough never gathers samples."""
    subject = subject_of(
        Container(
            memory=constant(510 * MIB),
            memory_request=512 * MIB,
            memory_limit=512 * MIB,
            oom_hours=frozenset({0, 1}),
        ),
        days=2 / 24,
    )
    answer = judge(subject)
    assert isinstance(answer, Recommendation)
    assert answer.advised.memory_limit_bytes >= 612 * MIB
    assert answer.advised.cpu_request_cores == answer.current.cpu_request_cores
    assert "oom_floor" in {rail.name for rail in answer.guard_rails}
    assert answer.record.cpu.kept is SilenceReason.TOO_LITTLE_HISTORY
    assert any("OOM-killed" in note for note in answer.record.notes)


def test_killed_before_any_sample_gets_more_than_its_limit():
    nothing = constant(np.nan)
    subject = subject_of(
        Container(
            cpu=nothing, memory=nothing, memory_request=GIB, memory_limit=GIB, oom_hours=frozenset({0, 1})
        ),
        days=2 / 24,
    )
    answer = judge(subject)
    assert answer.advised.memory_limit_bytes >= 1.2 * GIB
    assert answer.record.memory.statistic == "size at its OOM kill"


def test_a_raise_that_did_not_help_is_followed_by_a_larger_one():
    values = []
    limit = 512 * MIB
    for _ in range(3):
        container = Container(
            memory=constant(limit - MIB), memory_request=limit, memory_limit=limit, oom_hours=frozenset({1})
        )
        limit = judge(subject_of(container, days=2 / 24)).advised.memory_limit_bytes
        values.append(limit)
    assert values == sorted(set(values))


def test_leaking_memory_is_not_lowered_and_the_owner_is_warned():
    leaking = Container(cpu=constant(0.2), memory=lambda h: 50 * MIB + MIB * h)
    answer = advise(leaking)
    assert isinstance(answer, Recommendation), "CPU may go down all the same"
    assert answer.advised.memory_request_bytes == GIB
    assert answer.record.memory.kept is SilenceReason.LEAKING_MEMORY
    assert any("look for a leak" in note for note in answer.record.notes)


def test_a_leak_that_kills_still_gets_the_floor():
    leaking = Container(
        memory=lambda h: 50 * MIB + MIB * h,
        memory_request=400 * MIB,
        memory_limit=400 * MIB,
        oom_hours=frozenset({330}),
    )
    answer = advise(leaking)
    assert answer.advised.memory_limit_bytes >= 500 * MIB
    assert any("look for a leak" in note for note in answer.record.notes)


def test_throttled_flat_against_its_limit_gets_a_raise():
    flat = Container(cpu=constant(0.2), cpu_request=0.2, cpu_limit=0.2, memory_limit=None, throttled=0.9)
    answer = advise(flat)
    assert answer.advised.cpu_limit_cores >= 0.25
    assert answer.advised.cpu_request_cores >= 0.25


def test_jobs_that_are_too_short_say_so():
    subject = subject_of(Container(kind="CronJob"), days=1.5)
    short = replace(subject.profile, cpu_sample_count=9, is_short_lived=True, run_count=3)
    answer = judge(replace(subject, profile=short), "batch")
    assert answer.reason is SilenceReason.SHORT_LIVED
    assert "over 3 runs" in answer.sentence


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_hardly_observed_is_silence(share):
    subject = subject_of(Container())
    seen = replace(subject.profile, sample_coverage_ratio=share)
    answer = judge(replace(subject, profile=seen))
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.TOO_FEW_SAMPLES


def test_an_injected_sidecar_is_judged_and_marked_for_the_platform_team():
    proxy = Container(name="istio-proxy", container_kind="sidecar", cpu=constant(0.02))
    answer = advise(proxy, constraints=Constraints(is_injected=True))
    assert isinstance(answer, Recommendation)
    assert answer.is_injected
    assert any("platform team" in note for note in answer.record.notes)
