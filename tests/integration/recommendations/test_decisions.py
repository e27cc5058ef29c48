"""Owners decide: edited values, groups, bulk, exclusions and signatures, within their rights."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from support.container_usage import GIB
from support.life import (
    FINANCE,
    MADE,
    NOBODY,
    OLD,
    OWNER,
    PLATFORM,
    RAISED,
    STRANGER,
    WANTED,
    advice,
    copied_world,
    key_of,
    only,
    pods,
    priced_world,
    record,
    save,
    store_object,
)

from models.vocabulary.errors import Conflict, Forbidden, InputError, NotFound
from models.vocabulary.exclusions import ExcludedResource
from models.vocabulary.suggestion_life import EventReason, RecommendationState, StaleContent
from models.vocabulary.windows import HOUR
from service.usecases.bulk_decisions import BulkScope, accept_bulk, plan_bulk
from service.usecases.decisions import accept, accept_group, explain, withdraw
from service.usecases.edited_values import parse_edits
from service.usecases.effects import observe_effects
from service.usecases.exclusions import (
    ExclusionRequest,
    add_exclusion,
    list_exclusions,
    read_exclusions,
    read_signatures,
    remove_exclusion,
    sign_peak,
)

STATE = RecommendationState
MIB = GIB / 1024


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = tmp_path_factory.mktemp("template")
    runtime = priced_world(home)
    limits = {"type": "Container", "max": {"memory": "2Gi"}, "min": {"cpu": "100m"}}
    store_object(runtime, "LimitRange", "bounds", {"limits": [limits]})
    runtime.warehouse.close()
    return home


@pytest.fixture
def world(template, tmp_path):
    runtime = copied_world(template, tmp_path / "world")
    yield runtime
    runtime.warehouse.close()


def edit(world, principal=OWNER, *, sign=False, **texts):
    stored = only(world)
    edits = parse_edits(texts)
    return accept(world, principal, stored.id, stored.etag, edits=edits, is_signed=sign)


def test_edited_values_are_agreed_with_their_own_risk_and_saving(world):
    edit(world, cpu_request_cores="250m", memory_limit_bytes="768Mi")
    stored = only(world)
    assert stored.wanted == replace(WANTED, cpu_request_cores=0.25, memory_limit_bytes=768 * MIB)
    assert stored.recommendation.advised == WANTED
    # it used a tenth of a core in all of eight days
    assert (stored.agreed_risk.cpu_over_request_ratio, stored.agreed_risk.day_count) == (0.0, 16)
    hourly = (Decimal("0.75") * 9 + Decimal("0.5")) * Decimal("0.40") / 104
    assert float(stored.agreed_saving_per_month) == pytest.approx(float(hourly * 2 * 720), rel=1e-3)
    event = explain(world, OWNER, stored.id).events[-1]
    assert event.evidence["agreed"]["cpu_request_cores"] == 0.25


def test_the_risk_of_edited_values_is_counted_on_the_own_past(world):
    edit(world, cpu_request_cores="100m", memory_request_bytes="100Mi", memory_limit_bytes="100Mi")
    risk = only(world).agreed_risk
    assert risk.memory_over_limit_day_ratio == 1.0
    assert risk.cpu_over_request_ratio > 0.9


def test_a_limit_can_be_taken_away(world):
    runtime_values = parse_edits({"memory_limit_bytes": "none", "cpu_limit_cores": None}).values
    assert runtime_values == {"memory_limit_bytes": None}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"memory_request_bytes": "1Gi"}, "above the limit"),
        ({"memory_limit_bytes": "3Gi"}, "LimitRange"),
        ({"cpu_request_cores": "50m"}, "LimitRange"),
        ({"cpu_request_cores": "many"}, "not a Kubernetes quantity"),
        ({"cpu_request_cores": "0"}, "above zero"),
        ({"cpu_request_cores": "-1"}, "above zero"),
        ({"memory_request_bytes": "1e40"}, "is the unit right"),
        ({"memory_request_bytes": "512"}, "is the unit right"),
        ({"cpu_request_cores": "2500"}, "is the unit right"),
    ],
)
def test_edited_values_that_cannot_be_are_refused_and_nothing_is_decided(world, texts, words):
    with pytest.raises(InputError, match=words):
        edit(world, **texts)
    assert only(world).state is STATE.PROPOSED


def test_memory_under_the_oom_floor_needs_a_signature(world):
    killed = replace(pods(OLD), oom_hours=frozenset({3}))
    end = record(world, [killed], MADE, 6)
    later = world.at(end)
    with pytest.raises(InputError, match=r"OOM-killed.*sign for it"):
        edit(later, memory_limit_bytes="700Mi")
    edit(later, sign=True, memory_limit_bytes="700Mi")
    assert only(world).wanted.memory_limit_bytes == 700 * MIB


@pytest.mark.parametrize(
    ("principal", "refusal"), [(STRANGER, NotFound), (FINANCE, Forbidden), (NOBODY, Forbidden)]
)
def test_who_has_no_right_learns_nothing_by_editing(world, principal, refusal):
    with pytest.raises(refusal) as problem:
        edit(world, principal, memory_limit_bytes="3Gi")
    assert "LimitRange" not in str(problem.value)


def test_editing_a_stale_or_decided_suggestion_is_a_conflict(world):
    stored = only(world)
    edits = parse_edits({"cpu_request_cores": "300m"})
    with pytest.raises(StaleContent):
        accept(world, OWNER, stored.id, "0" * 16, edits=edits)
    accept(world, OWNER, stored.id, stored.etag)
    with pytest.raises(Conflict, match="cannot become"):
        accept(world, OWNER, stored.id, stored.etag, edits=edits)


def test_a_withdrawal_keeps_what_was_agreed_in_its_event(world):
    edit(world, cpu_request_cores="300m")
    stored = only(world)
    event = withdraw(world, OWNER, stored.id, stored.etag, note="wrong week")
    assert (event.state, event.note) == (STATE.PROPOSED, "wrong week")
    assert event.evidence["agreed"]["cpu_request_cores"] == 0.3
    assert only(world).agreed is None


def test_an_applied_suggestion_cannot_be_withdrawn(world):
    end = record(world, [pods(WANTED)], MADE, 1)
    observe_effects(world.at(end), "alpha", end)
    stored = only(world)
    with pytest.raises(Conflict, match="applied cannot become proposed"):
        withdraw(world, OWNER, stored.id, stored.etag)


def test_one_decision_accepts_the_same_thing_in_every_cluster(world):
    save(world, advice(cluster="beta"), advice("other", cluster="beta"), clusters=("beta",))
    first = world.warehouse.recommendations.list(OWNER, cluster="alpha")[0]
    events = accept_group(world, OWNER, first.id, first.etag)
    assert len(events) == 2
    assert {event.evidence["decided_on"] for event in events} == {first.id}
    by = {str(s.recommendation.key): s.state for s in world.warehouse.recommendations.list(OWNER)}
    assert by == {
        str(key_of()): STATE.ACCEPTED,
        str(key_of(cluster="beta")): STATE.ACCEPTED,
        str(key_of("other", "beta")): STATE.PROPOSED,
    }


def risky(name):
    suggestion = advice(name)
    return replace(suggestion, risk=replace(suggestion.risk, cpu_over_request_ratio=0.2))


def test_a_bulk_acceptance_takes_what_is_low_risk_and_says_why_it_left_the_rest(world):
    save(world, advice(), advice("calm"), risky("hot"), advice("up", advised=RAISED))
    plan = plan_bulk(world, OWNER, BulkScope(team="shop"))
    assert {one.recommendation.key.workload.name for one in plan.accepted} == {"web", "calm", "up"}
    ((stored, because),) = [(one.stored, one.because) for one in plan.left_out]
    assert (stored.recommendation.key.workload.name, "20.0%" in because) == ("hot", True)
    assert {s.state for s in world.warehouse.recommendations.list(OWNER)} == {STATE.PROPOSED}
    result = accept_bulk(world, OWNER, plan)
    assert len(result.accepted) == 3
    assert only(world, "hot").state is STATE.PROPOSED


def test_a_bulk_acceptance_leaves_out_what_changed_since_its_preview(world):
    save(world, advice(), advice("calm"))
    plan = plan_bulk(world, OWNER, BulkScope())
    save(world, advice(advised=replace(WANTED, cpu_request_cores=0.4)), advice("calm"), at=MADE + HOUR)
    result = accept_bulk(world, OWNER, plan)
    assert len(result.accepted) == 1
    assert ["superseded" in one.because for one in result.left_out] == [True]


def test_a_bulk_acceptance_looks_only_at_what_its_filters_name(world):
    save(world, advice(), advice("up", advised=RAISED))
    plan = plan_bulk(world, OWNER, BulkScope(is_increase_only=True))
    assert [one.recommendation.key.workload.name for one in plan.accepted] == ["up"]
    assert plan_bulk(world, OWNER, BulkScope(maximum_risk_ratio=0.0, cluster="alpha")).left_out


@pytest.mark.parametrize("principal", [STRANGER, FINANCE, NOBODY])
def test_nobody_accepts_in_bulk_for_a_team_of_others(world, principal):
    with pytest.raises(Forbidden):
        plan_bulk(world, principal, BulkScope(team="shop"))


def test_a_bulk_acceptance_of_a_large_fleet_stays_within_the_guards_daily_share(world):
    names = [f"w{number}" for number in range(20)]
    record(world, [pods(OLD, name) for name in names], MADE, 24)
    settings = world.settings.model_copy(
        update={"fleet_guard_free_workloads": 5, "fleet_guard_workload_ratio_per_day": 0.2}
    )
    tight = replace(world, settings=settings).at(MADE + 24 * HOUR)
    save(tight, *(advice(name) for name in names), at=MADE + 24 * HOUR)
    plan = plan_bulk(tight, PLATFORM, BulkScope())
    assert 0 < len(plan.accepted) <= 4
    accept_bulk(tight, PLATFORM, plan)
    again = plan_bulk(tight, PLATFORM, BulkScope())
    assert again.accepted == ()
    assert {"guard" in one.because for one in again.left_out} == {True}


@pytest.mark.parametrize(("advised", "left"), [(replace(OLD, cpu_request_cores=0.01), 0), (RAISED, 4)])
def test_what_was_accepted_one_by_one_today_counts_as_far_as_it_lowers(world, advised, left):
    names = [f"w{number}" for number in range(20)]
    record(world, [pods(OLD, name) for name in names], MADE, 24)
    shares = {"fleet_guard_cpu_ratio_per_day": 0.04, "fleet_guard_memory_ratio_per_day": 1.0}
    tight_limits = {"fleet_guard_free_workloads": 5, "fleet_guard_workload_ratio_per_day": 0.2, **shares}
    if left:
        tight_limits["fleet_guard_cpu_ratio_per_day"] = 1.0
    settings = world.settings.model_copy(update=tight_limits)
    tight = replace(world, settings=settings).at(MADE + 24 * HOUR)
    single = [advice(f"w{number}", advised=advised) for number in range(5)]
    save(tight, *single, *(advice(name) for name in names[5:]), at=MADE + 24 * HOUR)
    for number in range(5):
        stored = only(tight, f"w{number}")
        accept(tight, PLATFORM, stored.id, stored.etag)
    assert len(plan_bulk(tight, PLATFORM, BulkScope()).accepted) == left


def excluded(world, resource=ExcludedResource.ALL, at=MADE):
    return read_exclusions(world, "alpha", at).find(key_of(), resource)


def test_an_owner_excludes_workloads_of_the_own_teams_only(world):
    team = world.warehouse.recommendations.list(PLATFORM)[0].team
    assert team == "shop"
    rule = add_exclusion(world, OWNER, ExclusionRequest("rebuilt in May", workload="we*"))
    assert rule.teams == ("shop",)
    assert excluded(world) == rule
    assert rule.sentence == "excluded by ann: rebuilt in May"
    add_exclusion(world, STRANGER, ExclusionRequest("mine", workload="web"))
    assert [one.created_by for one in list_exclusions(world, OWNER)] == ["ann"]
    remove_exclusion(world, OWNER, rule.id)
    assert excluded(world) is None


def test_the_platform_team_excludes_anywhere_and_only_it_ends_that(world):
    rule = add_exclusion(
        world,
        PLATFORM,
        ExclusionRequest("freeze", namespace="sh*", resource=ExcludedResource.CPU, until=MADE + HOUR),
    )
    assert excluded(world) is None
    assert excluded(world, ExcludedResource.CPU) == rule
    assert excluded(world, ExcludedResource.CPU, MADE + HOUR) is None
    with pytest.raises(Forbidden):
        remove_exclusion(world, OWNER, rule.id)
    remove_exclusion(world, PLATFORM, rule.id)
    assert list_exclusions(world, OWNER, is_history_wanted=True)[0].removed_by == "pat"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (ExclusionRequest(" "), "reason"),
        (ExclusionRequest("x", workload=""), "workload"),
        (ExclusionRequest("x", until=MADE), "until"),
    ],
)
def test_an_exclusion_that_says_nothing_is_refused(world, asked, field):
    with pytest.raises(InputError, match=field):
        add_exclusion(world, OWNER, asked)


def test_exclusions_of_others_are_neither_made_nor_seen_nor_ended(world):
    with pytest.raises(Forbidden):
        add_exclusion(world, OWNER, ExclusionRequest("x", team="bank"))
    for principal in (FINANCE, NOBODY):
        with pytest.raises(Forbidden):
            add_exclusion(world, principal, ExclusionRequest("x"))
    rule = add_exclusion(world, OWNER, ExclusionRequest("x"))
    with pytest.raises(NotFound):
        remove_exclusion(world, STRANGER, rule.id)
    with pytest.raises(Forbidden):
        remove_exclusion(world, FINANCE, rule.id)
    assert list_exclusions(world, STRANGER) == []


def test_an_owner_signs_a_calendar_peak_of_the_own_workload(world):
    web = key_of().workload
    sign_peak(world, OWNER, web, event="singles-day", days=30, note="load-tested")
    (signature,) = read_signatures(world, "alpha", MADE)
    assert signature.is_for(web, "singles-day", MADE)
    assert read_signatures(world, "alpha", MADE + timedelta(days=30)) == ()
    with pytest.raises(NotFound):
        sign_peak(world, STRANGER, web)
    with pytest.raises(Forbidden):
        sign_peak(world, FINANCE, web)
    with pytest.raises(NotFound):
        sign_peak(world, PLATFORM, key_of("nothing").workload)
    with pytest.raises(InputError):
        sign_peak(world, OWNER, web, days=0)


def test_what_git_writes_is_named_as_the_cause_when_a_change_is_undone(world):
    labels = {"labels": {"argocd.argoproj.io/instance": "shop"}}
    store_object(world, "Deployment", "web", labels)
    end = record(world, [pods(WANTED)], MADE, 2)
    end = record(world, [pods(OLD)], end, 1)
    observe_effects(world.at(end), "alpha", end)
    event = explain(world, OWNER, only(world).id).events[-1]
    assert (event.state, event.reason) == (STATE.OVERWRITTEN, EventReason.PUT_BACK)
    assert "Argo CD application shop" in event.evidence["cause"]
