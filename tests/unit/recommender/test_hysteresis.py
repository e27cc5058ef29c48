"""Small raises are left alone, except where the request in force carries more risk than its class states."""

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.subjects import advise, judge, subject_of

from models.profiles.options import ProfileOptions
from models.vocabulary.recommendation import NoRecommendation, PastRisk, Recommendation, SilenceReason
from recommender.subject import Subject, SubjectBasis


def wanting(container: Container, cpu: float, memory: float) -> Subject:
    """Return a container whose statistics ask for given requests."""
    past = PastRisk(0.02, 0.015, None, None, 0)
    return replace(subject_of(container), basis=SubjectBasis(cpu, memory, "p95", "day maximum", past))


def memory_over(days: int) -> Container:
    """Return a container of fourteen days without a limit, above its 2 GiB on the first ``days`` of them."""

    def use(hours: np.ndarray) -> np.ndarray:
        return np.where(hours < days * 24, 2100 * MIB, 1900 * MIB)

    return Container(
        cpu=constant(0.5), cpu_request=0.5, memory=use, memory_request=2 * GIB, memory_limit=None
    )


def test_a_needed_raise_of_memory_is_said_however_small():
    answer = judge(wanting(memory_over(days=12), cpu=0.5, memory=2204 * MIB))
    assert isinstance(answer, Recommendation), answer
    assert answer.advised.memory_request_bytes == 2204 * MIB


def test_a_small_raise_of_memory_that_was_never_above_the_request_is_not():
    answer = judge(wanting(memory_over(days=0), cpu=0.5, memory=2204 * MIB))
    assert isinstance(answer, NoRecommendation)
    assert answer.reason is SilenceReason.WITHIN_HYSTERESIS


def test_too_little_memory_does_not_let_a_small_reduction_through():
    answer = judge(wanting(memory_over(days=1), cpu=0.5, memory=2000 * MIB))
    assert isinstance(answer, NoRecommendation)


@pytest.mark.parametrize(("use", "is_raised"), [(0.56, True), (0.49, False), (0.505, False)])
def test_a_needed_raise_of_cpu_is_said_and_the_bucket_of_the_request_is_no_proof(use, is_raised):
    container = Container(cpu=constant(use), cpu_request=0.5, memory=constant(950 * MIB))
    answer = judge(wanting(container, cpu=0.54, memory=GIB))
    assert isinstance(answer, Recommendation) is is_raised
    if is_raised:
        assert answer.advised.cpu_request_cores == pytest.approx(0.54)


@pytest.mark.parametrize(("metric", "is_kept"), [("external:http_cpu_time", False), ("cpu", True)])
def test_only_the_metric_of_the_resource_itself_keeps_the_request(metric, is_kept):
    options = ProfileOptions(hpa_metrics={("shop", "Deployment", "web"): (metric,)})
    answer = advise(Container(cpu=constant(0.1), memory=constant(100 * MIB)), options=options)
    assert (answer.advised.cpu_request_cores == answer.current.cpu_request_cores) is is_kept


def test_a_peak_that_was_measured_as_zero_is_not_taken_for_unknown():
    subject = subject_of(Container(cpu=constant(0.01), cpu_request=1.0, cpu_limit=1.0))
    idle = replace(
        subject.profile,
        cpu_usage_cores_max_1m=0.0,
        cpu_usage_cores_max_5m=0.9,
        cpu_startup_cores_max=None,
    )
    answer = judge(replace(subject, profile=idle))
    unknown = judge(replace(subject, profile=replace(idle, cpu_usage_cores_max_1m=None)))
    assert answer.advised.cpu_limit_cores < 0.9 <= unknown.advised.cpu_limit_cores
