"""The record under a suggestion holds everything that the suggestion rests on."""

from dataclasses import replace
from decimal import Decimal

import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.subjects import NOW, advise, judge, subject_of

from models.profiles.build import ProfileOptions
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import PastRisk, Recommendation, RivalQuote, SilenceReason
from models.vocabulary.replicas import Scaler, ScalerKind, ScalerMetric, TargetKind
from recommender.constraints import Constraints
from recommender.groups import group_id, group_suggestions
from recommender.presets import PolicySettings
from recommender.subject import SubjectBasis, UnitPrices

CONTAINER = Container(cpu=constant(0.4), memory=constant(600 * MIB), cpu_request=1.0, memory_request=GIB)
PAST = PastRisk(0.02, 0.015, 0.011, 0.0, 9)
RIVALS = (RivalQuote("vpa", "rule", 0.5, 700 * MIB), RivalQuote("krr", "rule", 0.4, 690 * MIB))


def with_basis(subject, cpu=0.5, memory=700 * MIB):
    return replace(subject, basis=SubjectBasis(cpu, memory, "p98 +5 %", "jump +8 %", PAST, RIVALS))


def test_the_statistic_of_the_basis_is_advised_and_named():
    answer = judge(with_basis(subject_of(CONTAINER)))
    assert answer.advised.cpu_request_cores == pytest.approx(0.5)
    assert answer.advised.memory_request_bytes == 700 * MIB
    assert answer.statistic == "cpu p98 +5 %, memory jump +8 %"
    record = answer.record
    assert record.cpu.statistic == "p98 +5 %"
    assert record.cpu.wanted == pytest.approx(0.5)
    assert record.cpu.headroom_ratio is None, "the percentile itself was chosen for the risk"
    assert record.memory.expected_peak == 600 * MIB
    assert record.memory.expected_peak * (1 + record.memory.headroom_ratio) == pytest.approx(700 * MIB)
    assert record.past_risk == PAST
    assert record.rivals == RIVALS


def test_window_samples_and_coverage_are_those_of_the_profile():
    subject = subject_of(CONTAINER)
    record = judge(subject).record
    assert (record.window_start, record.window_end) == (
        subject.profile.window_start,
        subject.profile.window_end,
    )
    assert record.sample_count == subject.profile.cpu_sample_count
    assert record.sample_coverage_ratio == subject.profile.sample_coverage_ratio


def test_every_rail_that_bound_has_its_value_before_and_after():
    answer = advise(Container(cpu=constant(0.02), cpu_request=4.0))
    (cut,) = [rail for rail in answer.record.cpu.guard_rails if rail.name == "largest_cut"]
    assert cut.value_before < cut.value_after == pytest.approx(1.6)
    assert cut.because in answer.record.sentence


def test_three_savings_stand_side_by_side_and_only_one_is_known():
    savings = advise(CONTAINER).record.savings
    assert savings.requested_per_month > Decimal(0)
    assert savings.currency == "EUR"
    assert savings.bankable
    assert savings.realised == "not measured yet"
    assert savings.unpriced_because is None


def test_without_a_price_the_reason_is_named():
    answer = judge(replace(subject_of(CONTAINER), prices=UnitPrices()))
    assert answer.record.savings.requested_per_month is None
    assert "no price" in answer.record.savings.unpriced_because


def test_a_decrease_always_knows_its_way_back():
    answer = advise(CONTAINER, settings=PolicySettings(runbook_url="https://wiki.example/rollback"))
    assert not answer.is_increase
    assert answer.record.rollback.values == answer.current
    assert answer.record.rollback.runbook == "https://wiki.example/rollback"
    assert "go back to the values given here" in advise(CONTAINER).record.rollback.runbook


def scaled(target: float) -> Constraints:
    metric = ScalerMetric(0, "cpu", None, TargetKind.UTILIZATION, target)
    kind = ScalerKind.HORIZONTAL_POD_AUTOSCALER
    return Constraints(scaler=Scaler(kind, "shop", "web", "Deployment", "web", 2, 10, (metric,)))


HPA = ProfileOptions(hpa_metrics={("shop", "Deployment", "web"): ("cpu",)})


def test_request_and_target_of_an_autoscaler_move_together():
    container = Container(cpu=constant(0.4), cpu_request=1.0, memory=constant(900 * MIB))
    answer = advise(container, options=HPA, constraints=scaled(40.0))
    assert answer.advised.cpu_request_cores < 1.0
    (target,) = answer.hpa.targets
    assert target.target_after == int(40 / answer.advised.cpu_request_cores)
    assert answer.hpa.is_possible


def test_a_target_that_cannot_follow_keeps_the_request_and_says_why():
    pinned = Container(
        cpu=constant(0.3), memory=constant(900 * MIB), cpu_request=1.0, cpu_limit=1.0, memory_request=GIB
    )
    answer = advise(pinned, options=HPA, constraints=scaled(90.0))
    assert answer.reason is SilenceReason.SCALED_BY_HPA
    assert "web" in answer.sentence


def test_a_group_is_the_same_container_wherever_it_runs_or_what_the_owner_calls_so():
    key = ContainerKey(WorkloadKey("alpha", "shop", "Deployment", "web"), "app")
    elsewhere = ContainerKey(WorkloadKey("beta", "shop", "Deployment", "web"), "app")
    staging = ContainerKey(WorkloadKey("alpha", "shop-staging", "Deployment", "web"), "app")
    assert group_id(key) == group_id(elsewhere) != group_id(staging)
    assert group_id(key, "web") == group_id(staging, "web")


def test_a_group_takes_the_largest_advised_value_of_each_field():
    one = advise(CONTAINER)
    other = advise(Container(cpu=constant(0.6), memory=constant(300 * MIB), cpu_request=2.0))
    assert isinstance(one, Recommendation)
    (group,) = group_suggestions([one, other])
    assert group.advised.cpu_request_cores == other.advised.cpu_request_cores
    assert group.advised.memory_request_bytes == one.advised.memory_request_bytes
    assert one.as_of == NOW


def test_a_group_has_a_limit_only_where_every_place_has_one_and_never_below_its_request():
    limited = Container(cpu=constant(0.1), memory=constant(100 * MIB), memory_limit=400 * MIB)
    free = Container(cpu=constant(0.6), memory=constant(900 * MIB), memory_limit=None, cpu_request=2.0)
    found = [advise(limited), advise(free)]
    limits = [one.advised.memory_limit_bytes for one in found]
    assert limits[0] is not None
    assert limits[1] is None
    (group,) = group_suggestions(found)
    assert group.advised.memory_limit_bytes is None
    (alone,) = group_suggestions(found[:1])
    assert alone.advised.memory_limit_bytes == limits[0]
