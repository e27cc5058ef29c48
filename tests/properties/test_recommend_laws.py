from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from support.random_subjects import NOW, cpu_use, memory_use, subject_of, subjects

from models.vocabulary.recommendation import Recommendation, ResourceValues
from recommender.policy import recommend, recommend_each
from recommender.presets import PRESETS, PolicySettings, Preset
from recommender.subject import Subject

BY_RISK = [PRESETS[name] for name in ("cost", "balanced", "safe")]
FREE = replace(PRESETS["balanced"], cpu_largest_cut_ratio=1.0, memory_largest_cut_ratio=1.0)


def values_after(subject: Subject, preset: Preset) -> ResourceValues:
    answer = recommend(subject, preset, PolicySettings(), NOW)
    return answer.advised if isinstance(answer, Recommendation) else subject.current


def is_guaranteed(values: ResourceValues) -> bool:
    return (
        None not in (values.cpu_request_cores, values.memory_request_bytes)
        and values.cpu_request_cores == values.cpu_limit_cores
        and values.memory_request_bytes == values.memory_limit_bytes
    )


@settings(deadline=None)
@given(subjects())
def test_more_risk_never_asks_for_more(subject):
    cost, balanced, safe = (values_after(subject, preset) for preset in BY_RISK)
    for name in ("cpu_request_cores", "memory_request_bytes", "memory_limit_bytes"):
        found = [getattr(values, name) or 0.0 for values in (cost, balanced, safe)]
        assert found[0] <= found[1] * (1 + 1e-9)
        assert found[1] <= found[2] * (1 + 1e-9)


@settings(deadline=None)
@given(subjects(), st.sampled_from(list(PRESETS.values())))
def test_a_request_never_exceeds_its_limit(subject, preset):
    advised = values_after(subject, preset)
    for request, limit in (
        (advised.cpu_request_cores, advised.cpu_limit_cores),
        (advised.memory_request_bytes, advised.memory_limit_bytes),
    ):
        assert request is None or limit is None or request <= limit * (1 + 1e-9)


@settings(deadline=None)
@given(subjects(), st.sampled_from(list(PRESETS.values())))
def test_the_quality_of_service_class_stays(subject, preset):
    advised = values_after(subject, preset)
    assert is_guaranteed(advised) == is_guaranteed(subject.current)
    for name in ("cpu_limit_cores", "memory_limit_bytes"):
        assert (getattr(advised, name) is None) == (getattr(subject.current, name) is None)


@settings(deadline=None)
@given(subjects(), st.floats(1e7, 5e10), st.sampled_from(list(PRESETS.values())))
def test_an_oom_kill_never_lowers_memory(subject, at_kill, preset):
    before = values_after(subject, preset)
    killed = replace(subject.profile, oom_killed_count=1, memory_oom_bytes_max=at_kill)
    after = values_after(replace(subject, profile=killed), preset)
    assert after.memory_request_bytes >= before.memory_request_bytes
    assert (after.memory_limit_bytes or 0) >= (before.memory_limit_bytes or 0)


@settings(deadline=None)
@given(subjects(), st.sampled_from(list(PRESETS.values())))
def test_memory_limits_cover_everything_that_was_used(subject, preset):
    answer = recommend(subject, preset, PolicySettings(), NOW)
    if isinstance(answer, Recommendation) and answer.advised.memory_limit_bytes is not None:
        raised_or_same = answer.advised.memory_limit_bytes >= (subject.current.memory_limit_bytes or 0)
        assert raised_or_same or answer.risk.memory_over_limit_day_ratio == 0


@settings(deadline=None)
@given(cpu_use, memory_use, st.floats(1.5, 4.0))
def test_scaling_use_scales_the_answer(cpu, memory, factor):
    cpu = [max(value, 0.2) for value in cpu]
    memory = [max(value, 1e8) for value in memory]
    now = ResourceValues(1000.0, None, 1e15, None)
    plain = values_after(subject_of(cpu, memory, now), FREE)
    more = values_after(
        subject_of([value * factor for value in cpu], [value * factor for value in memory], now), FREE
    )
    assert abs(more.cpu_request_cores / (plain.cpu_request_cores * factor) - 1) < 0.08
    assert abs(more.memory_request_bytes / (plain.memory_request_bytes * factor) - 1) < 0.02


@settings(deadline=None)
@given(subjects())
def test_advice_that_was_followed_is_not_repeated(subject):
    answer = recommend(subject, FREE, PolicySettings(), NOW)
    if not isinstance(answer, Recommendation) or subject.profile.cpu_throttled_ratio_p95:
        return
    advised = answer.advised
    followed = replace(
        subject.profile,
        cpu_request_cores=advised.cpu_request_cores,
        cpu_limit_cores=advised.cpu_limit_cores,
        memory_request_bytes=advised.memory_request_bytes,
        memory_limit_bytes=advised.memory_limit_bytes,
    )
    again = recommend(replace(subject, profile=followed), FREE, PolicySettings(), NOW)
    assert not isinstance(again, Recommendation)


@settings(max_examples=20, deadline=None)
@given(st.lists(subjects(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_containers_does_not_matter(several, random):
    pairs = [(subject, PRESETS["balanced"]) for subject in several]
    order = list(range(len(pairs)))
    random.shuffle(order)
    straight = recommend_each(pairs, PolicySettings(), NOW)
    shuffled = recommend_each([pairs[index] for index in order], PolicySettings(), NOW)
    assert shuffled == [straight[index] for index in order]
