from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from support.container_usage import GIB

from models.profiles.daily import build_day_histograms
from models.vocabulary.errors import Conflict, Forbidden, NotFound
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import SilenceReason
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason
from models.vocabulary.windows import HourWindow
from service.engine import open_executor
from service.usecases.decisions import accept, explain, reject, snooze
from service.usecases.profiles import build_histograms, build_profiles, read_profile_set
from service.usecases.recommendations import list_recommendations, list_silences, recommend_all

PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))


@pytest.fixture(scope="module")
def run(world):
    return recommend_all(world)


def stored_histograms(world):
    rows = world.warehouse.lake.scan("container_histogram_day", cluster="alpha")
    return sorted(map(repr, rows.to_pylist()))


def test_every_container_has_a_suggestion_or_a_reason(world, run):
    assert run.recommendation_count + sum(run.silences.values()) == 6
    suggested = {s.recommendation.key.workload.name for s in list_recommendations(world, PLATFORM)}
    silent = {s.silence.key.workload.name: s.silence.reason for s in list_silences(world, PLATFORM)}
    assert suggested >= {"web", "hot"}
    assert silent["young"] is SilenceReason.TOO_LITTLE_HISTORY
    assert silent["idle"] is SilenceReason.DORMANT
    assert suggested.isdisjoint(silent)


def test_savings_are_priced_from_the_workloads_own_cost(world, run):
    web = next(
        s for s in list_recommendations(world, PLATFORM) if s.recommendation.key.workload.name == "web"
    )
    saving = web.recommendation.requested_saving_per_month
    # The node costs 0.40 an hour: 9 parts of 9 x 8 + 32 per core, 1 part per GiB.
    cpu, memory = Decimal("0.4") * 9 / 104, Decimal("0.4") / 104
    current, advised = web.recommendation.current, web.recommendation.advised
    cores = Decimal(repr(current.cpu_request_cores - advised.cpu_request_cores))
    gib = Decimal(repr((current.memory_request_bytes - advised.memory_request_bytes) / GIB))
    assert float(saving) == pytest.approx(float((cores * cpu + gib * memory) * 3 * 720), rel=1e-3)
    assert web.recommendation.currency == "EUR"


def test_running_twice_changes_nothing(world, run):
    before = (stored_histograms(world), list_recommendations(world, PLATFORM))
    again = recommend_all(world)
    assert again == run
    assert (stored_histograms(world), list_recommendations(world, PLATFORM)) == before
    assert build_histograms(world).day_count == 0


def test_stored_histograms_are_those_of_the_kernel(world, run):
    day = HourWindow.of_day((world.now() - timedelta(days=3)).date())
    lake = world.warehouse.lake
    hours = lake.scan("container_hour", cluster="alpha", window=day)
    stored = lake.scan("container_histogram_day", cluster="alpha", window=day)
    made = build_day_histograms(hours)
    key = [(name, "ascending") for name in ("pod_uid", "container", "statistic")]
    assert made.sort_by(key).equals(stored.select(made.column_names).sort_by(key).cast(made.schema))


def test_as_of_uses_nothing_later(world, run):
    cut = world.now() - timedelta(days=10, hours=7)
    profiles = build_profiles(world, as_of=cut)
    assert {profile.key.workload.name for profile in profiles} == {"web", "api", "leak", "idle", "hot"}
    assert all(profile.window_end == cut for profile in profiles)
    web = next(profile for profile in profiles if profile.key.workload.name == "web")
    hours = (cut - web.window_start) / timedelta(hours=1)
    assert web.cpu_sample_count == hours * 12 * 3


def test_a_late_hour_rebuilds_its_day_only(world, run):
    ledger = world.warehouse.derived
    day = (world.now() - timedelta(days=5)).date()
    before = ledger.registered("container_histogram_day", "alpha")
    ledger.register("container_histogram_day", "alpha", {day: "older"}, "histogram-1", 0)
    assert build_histograms(world).built == {"alpha": (day,)}
    assert ledger.registered("container_histogram_day", "alpha") == before


def test_profiles_of_an_unknown_time_are_empty(world, run):
    assert read_profile_set(world, "alpha", world.now() - timedelta(days=400)).profiles == []


def test_an_owner_decides_and_the_life_is_recorded(world, run):
    stored = list_recommendations(world, PLATFORM, states={RecommendationState.PROPOSED})[0]
    with pytest.raises(Conflict, match="changed since"):
        accept(world, PLATFORM, stored.id, "0123456789abcdef")
    with pytest.raises((Forbidden, NotFound)):
        accept(world, Principal("eve", frozenset({Role.OWNER}), frozenset({"other"})), stored.id, stored.etag)
    snooze(world, PLATFORM, stored.id, stored.etag, until=world.now() + timedelta(days=7))
    life = explain(world, PLATFORM, stored.id)
    assert [event.state for event in life.events] == ["proposed", "snoozed"]
    assert life.stored.recommendation.explanation


def test_a_rejection_needs_its_reason_and_keeps_the_same_advice_away(world, run):
    stored = list_recommendations(world, PLATFORM, states={RecommendationState.PROPOSED})[0]
    reject(world, PLATFORM, stored.id, stored.etag, reason=RejectionReason.PEAK_KNOWN, note="Black Friday")
    recommend_all(world)
    proposed = list_recommendations(world, PLATFORM, states={RecommendationState.PROPOSED})
    assert stored.recommendation.key not in {other.recommendation.key for other in proposed}


def test_worker_processes_give_the_same_profiles(world, run):
    several = replace(world, executor=partial(open_executor, 2))
    cut = world.now() - timedelta(days=1, hours=5)
    assert build_profiles(several, as_of=cut) == build_profiles(world, as_of=cut)
