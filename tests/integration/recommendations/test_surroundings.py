"""What stands around a container in a real cluster, from its stored objects to the advice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from support.cluster_objects import autoscaler, limit_range, resource_quota, store_objects, workload
from support.container_usage import MIB, Container, constant, observed

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import Recommendation, SilenceReason
from models.vocabulary.windows import HOUR
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.profiles import build_histograms
from service.usecases.recommendations import (
    group_suggestions,
    list_recommendations,
    list_silences,
    preview_recommendations,
    recommend_all,
)
from service.usecases.workload_constraints import read_rules
from warehouse.database.audit import AuditNote

START = datetime(2026, 9, 7, tzinfo=UTC)
HOURS = 10 * 24
END = START + HOURS * HOUR
PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))


def app(deployment: str, namespace: str = "shop", **more: object) -> Container:
    """Return an oversized container unless told otherwise."""
    values = {"cpu": constant(0.2), "memory": constant(200 * MIB), "cpu_request": 1.0, **more}
    return Container(workload=deployment, namespace=namespace, **values)


CONTAINERS = (
    app("plain"),
    app("risky"),
    app("labelled"),
    app("out"),
    app("bounded"),
    app("scaled"),
    app("java"),
    app("old", last_hour=100),
    app("new", first_hour=100),
    app("meshed"),
    app("meshed", name="istio-proxy", container_kind="sidecar", cpu=constant(0.05), cpu_request=0.5),
    app("hungry", "tight", cpu=constant(3.0)),
    app("small", "ruled", cpu=constant(0.02)),
    app("huge", cpu=lambda h: np.full(h.shape, 20.0), cpu_request=4.0),
    app("greedy", "full", cpu=constant(3.0), memory=constant(900 * MIB), pods=2),
)
JAVA = {"name": "app", "env": [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx640m"}]}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A priced cluster of ten days with objects of every kind, judged at its end."""
    runtime = Runtime.for_test(
        tmp_path_factory.mktemp("around"),
        now=END,
        reporting_currency="EUR",
        risk_class_rules=[{"label_selector": "tier=core", "risk_class": "safe"}],
    )
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        runtime.warehouse.record(observed(CONTAINERS, ["node-1", "node-2"], START, HOURS), held.lease)
    runtime.warehouse.prices.replace([PriceRow("m5.2xlarge", "EUR", Decimal("0.40"), START)])
    store_objects(
        runtime,
        START,
        workload("plain", START),
        workload("risky", START, annotations={"millicore.io/risk-class": "cost"}),
        workload("labelled", START, labels={"tier": "core"}),
        workload("out", START, annotations={"millicore.io/opt-out": "true"}),
        workload(
            "bounded",
            START,
            annotations={"millicore.io/cpu-minimum.app": "700m", "millicore.io/memory-minimum": "not a size"},
        ),
        workload("scaled", START),
        autoscaler("scaled", START),
        workload("java", START, containers=(JAVA,)),
        workload("new", START, annotations={"millicore.io/renamed-from": "old"}),
        workload("meshed", START),
        limit_range(START, {"type": "Container", "max": {"cpu": "2"}}, namespace="tight"),
        limit_range(START, {"type": "Container", "min": {"cpu": "500m"}}, namespace="ruled"),
        resource_quota(START, namespace="full", requests_cpu="5"),
        workload("greedy", START, namespace="full"),
    )
    allocate(runtime)
    recommend_all(runtime)
    yield runtime
    runtime.warehouse.close()


@pytest.fixture(scope="module")
def advised(world):
    found = [stored.recommendation for stored in list_recommendations(world, PLATFORM)]
    return {(one.key.workload.name, one.key.container): one for one in found}


@pytest.fixture(scope="module")
def silent(world):
    found = [stored.silence for stored in list_silences(world, PLATFORM)]
    return {(one.key.workload.name, one.key.container): one for one in found}


def test_each_container_has_an_answer_and_never_both(advised, silent):
    expected = {(one.workload, one.name) for one in CONTAINERS}
    assert set(advised) | set(silent) == expected
    assert not set(advised) & set(silent)


def test_the_risk_class_comes_from_annotation_then_label_rule(advised):
    assert advised["risky", "app"].risk_class == "cost"
    assert advised["labelled", "app"].risk_class == "safe"
    assert advised["plain", "app"].risk_class == "balanced"


def test_an_owner_opts_out_and_sets_bounds_and_one_that_is_malformed_stops_nothing(advised, silent):
    assert silent["out", "app"].reason is SilenceReason.OPTED_OUT
    assert advised["bounded", "app"].advised.cpu_request_cores == pytest.approx(0.7)


def test_a_limit_range_that_forbids_the_answer_gives_the_nearest_it_allows(advised):
    hungry = advised["hungry", "app"]
    assert hungry.advised.cpu_request_cores == pytest.approx(2.0)
    assert {"limit_range_maximum"} <= {rail.name for rail in hungry.guard_rails}
    assert advised["small", "app"].advised.cpu_request_cores == pytest.approx(0.5)


def test_no_answer_exceeds_the_largest_node(advised):
    huge = advised["huge", "app"]
    assert huge.advised.cpu_request_cores == pytest.approx(8.0)
    assert "node_size" in {rail.name for rail in huge.guard_rails}


def test_a_quota_limits_the_increase_to_what_a_rollout_can_start(advised):
    # two pods of one core, five allowed, one more pod while rolling out
    greedy = advised["greedy", "app"]
    assert greedy.advised.cpu_request_cores == pytest.approx(5 / 3, abs=1e-3)
    assert "resource_quota" in {rail.name for rail in greedy.guard_rails}


def test_an_autoscaled_request_moves_only_together_with_its_target(advised):
    scaled = advised["scaled", "app"]
    before, after = scaled.current.cpu_request_cores, scaled.advised.cpu_request_cores
    if after != before:
        (target,) = scaled.hpa.targets
        assert target.target_after == int(60 * before / after) or not scaled.hpa.is_possible
    else:
        assert scaled.record.cpu.kept is SilenceReason.SCALED_BY_HPA


def test_a_heap_in_the_template_is_a_floor_and_its_setting_is_advised(advised):
    java = advised["java", "app"]
    assert java.advised.memory_limit_bytes >= 800 * MIB
    assert java.record.runtime.found_in == "JAVA_TOOL_OPTIONS"
    assert "-Xmx" in java.record.runtime.sentence


def test_a_renamed_workload_says_so(silent):
    assert silent["old", "app"].reason is SilenceReason.RENAMED
    assert "shop/new" in silent["old", "app"].sentence


def test_a_container_that_is_not_in_the_template_is_the_platform_teams(advised):
    assert advised["meshed", "istio-proxy"].is_injected
    assert not advised["meshed", "app"].is_injected


def test_every_record_is_whole_and_priced(advised):
    for one in advised.values():
        record = one.record
        assert record.cpu.statistic
        assert record.memory.statistic
        assert {rival.policy for rival in record.rivals} == {"vpa", "krr"}
        assert record.past_risk.day_count >= 0
        assert record.savings.requested_per_month is not None
        assert record.savings.bankable
        assert record.rollback.values == one.current
        assert record.sentence == one.explanation


def test_what_would_have_been_advised_is_what_a_run_at_that_time_stores(world):
    before = [list_recommendations(world, PLATFORM), list_silences(world, PLATFORM)]
    then = END - timedelta(days=1, hours=5)
    preview = preview_recommendations(world, PLATFORM, then)
    assert [list_recommendations(world, PLATFORM), list_silences(world, PLATFORM)] == before
    assert all(advice.window_end <= then for advice, _ in preview.advised)
    assert preview.advised


def test_an_owner_sees_the_past_of_own_teams_only(world):
    eve = Principal("eve", frozenset({Role.OWNER}), frozenset({"nobody"}))
    preview = preview_recommendations(world, eve, END)
    assert preview.advised == ()
    assert preview.silent == ()


def test_later_data_do_not_change_what_would_have_been_advised(tmp_path):
    def judged(hours: int) -> list[Recommendation]:
        home = tmp_path / str(hours)
        home.mkdir()
        runtime = Runtime.for_test(home, now=START + hours * HOUR)
        runtime.warehouse.clusters.register("alpha")
        with holding(runtime, "alpha") as held:
            runtime.warehouse.record(observed([app("plain")], ["node-1"], START, hours), held.lease)
        if hours > HOURS:
            recommend_all(runtime)
        preview = preview_recommendations(runtime, PLATFORM, END)
        if hours == HOURS:
            recommend_all(runtime, END)
            stored = [one.recommendation for one in list_recommendations(runtime, PLATFORM)]
            assert stored == [advice for advice, _ in preview.advised]
        runtime.warehouse.close()
        return [advice for advice, _ in preview.advised]

    assert judged(HOURS) == judged(HOURS + 48)


def test_a_declared_peak_holds_back_reductions_until_its_owner_signs(tmp_path):
    runtime = Runtime.for_test(tmp_path, now=END)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        containers = [app("plain"), app("signed"), app("hot", cpu=constant(2.0))]
        runtime.warehouse.record(observed(containers, ["node-1"], START, HOURS), held.lease)
    store_objects(
        runtime, START, workload("signed", START, annotations={"millicore.io/signs-calendar": "ok"})
    )
    sale = CalendarEvent(
        "harvest",
        EventScope(namespace="shop"),
        END + timedelta(days=9),
        END + timedelta(days=10),
        EventKind.SALE,
    )
    runtime.warehouse.events.save([sale], AuditNote("pat", "save", "event", END, {}))
    recommend_all(runtime)
    silences = {one.silence.key.workload.name: one.silence for one in list_silences(runtime, PLATFORM)}
    suggestions = {one.recommendation.key.workload.name for one in list_recommendations(runtime, PLATFORM)}
    runtime.warehouse.close()
    assert silences["plain"].reason is SilenceReason.CALENDAR_PEAK_NOT_SEEN
    assert "harvest" in silences["plain"].sentence
    assert suggestions == {"signed", "hot"}


def test_a_peak_at_the_last_end_of_a_month_holds_back_reductions_before_the_next(tmp_path):
    start, hours = datetime(2026, 9, 27, tzinfo=UTC), 26 * 24
    turn = (datetime(2026, 10, 1, tzinfo=UTC) - start) / HOUR

    def at_month_end(h: np.ndarray) -> np.ndarray:
        return np.where(np.abs(h - turn) < 6, 0.8, 0.2)

    runtime = Runtime.for_test(tmp_path, now=start + hours * HOUR, profile_window_days=14)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        containers = [app("payroll", cpu=at_month_end), app("plain")]
        runtime.warehouse.record(observed(containers, ["node-1"], start, hours), held.lease)
    build_histograms(runtime)
    recommend_all(runtime)
    silences = {one.silence.key.workload.name: one.silence for one in list_silences(runtime, PLATFORM)}
    runtime.warehouse.close()
    assert silences["payroll"].reason is SilenceReason.CALENDAR_PEAK_NOT_SEEN
    assert "at the end of a month" in silences["payroll"].sentence
    assert "plain" not in silences


def test_the_same_container_in_two_clusters_is_one_group(tmp_path):
    runtime = Runtime.for_test(tmp_path, now=END)
    for cluster, cpu in (("alpha", 0.2), ("beta", 0.3)):
        runtime.warehouse.clusters.register(cluster)
        with holding(runtime, cluster) as held:
            window = observed([app("plain", cpu=constant(cpu))], ["node-1"], START, HOURS, cluster)
            runtime.warehouse.record(window, held.lease)
    recommend_all(runtime)
    found = [stored.recommendation for stored in list_recommendations(runtime, PLATFORM)]
    runtime.warehouse.close()
    (group,) = group_suggestions(found)
    assert len(group.members) == 2
    assert group.advised.cpu_request_cores == max(one.advised.cpu_request_cores for one in found)


def test_rules_are_read_from_the_objects_in_force(world):
    rules = read_rules(world, "alpha", END)
    assert rules.quotas == {"full": {"cpu_request_cores": 5.0}}
    assert set(rules.limit_rules) == {"tight", "ruled"}
    assert read_rules(world, "alpha", START - HOUR).specs == {}
