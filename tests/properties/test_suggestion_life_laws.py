"""Laws of the life of suggestions, whatever people decide and runs say in whatever order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.life import OWNER
from support.recommendations import run_of, suggestion
from support.warehouse import NOON, created_warehouse, folder_location

from models.vocabulary.errors import Conflict
from models.vocabulary.recommendation import ResourceValues
from models.vocabulary.suggestion_life import (
    FROZEN,
    TRANSITIONS,
    RecommendationState,
    RejectionReason,
)
from models.vocabulary.windows import HOUR
from recommender.effects import EffectRules, HourSeen, Watched
from recommender.effects_soak import replay_soak
from recommender.regret import wilson_interval
from warehouse.database.life_effects import LifeStep
from warehouse.database.recommendations import Agreement, Decision
from warehouse.database.schema import RECOMMENDATION
from warehouse.gateway import Warehouse

STATE = RecommendationState
EDITED = Agreement(ResourceValues(0.7, None, 2.0**30, 2.0**31))
OLD = ResourceValues(1.0, None, 2.0**30, 2.0**30)
NEW = ResourceValues(0.5, None, 2.0**29, 2.0**29)

act = st.one_of(
    st.tuples(st.just("run"), st.sampled_from([None, 0.25, 0.5, 2.0])),
    st.tuples(st.just("decide"), st.sampled_from([*STATE])),
    st.tuples(st.just("edit"), st.just(None)),
    st.tuples(st.just("see"), st.sampled_from([STATE.APPLIED, STATE.VERIFIED, STATE.ROLLED_BACK])),
)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    with tempfile.TemporaryDirectory() as folder:
        made = created_warehouse(folder_location(Path(folder)))
        yield made
        made.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(act, max_size=12), number=st.uuids())
def test_events_only_grow_every_move_is_allowed_and_decided_content_stays(warehouse, acts, number) -> None:
    cluster = f"c{number.hex[:20]}"
    lives: dict[str, list[object]] = {}
    frozen: dict[str, object] = {}
    for step, (kind, what) in enumerate([("run", 0.5), *acts]):
        _act(warehouse, cluster, step, kind, what)
        for stored in warehouse.recommendations.list(OWNER, cluster=cluster):
            events = list(warehouse.recommendations.events(stored.id))
            assert events[: len(lives.get(stored.id, []))] == lives.get(stored.id, [])
            lives[stored.id] = events
            _check_life(stored, events)
            if stored.state in FROZEN:
                content = (asdict(stored.recommendation), stored.agreed, stored.etag)
                assert frozen.setdefault(stored.id, content) == content
            else:
                frozen.pop(stored.id, None)


def _check_life(stored, events) -> None:
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    moves = [event.state for event in events]
    for before, after in pairwise(moves):
        assert after in TRANSITIONS[before]
    assert moves[-1] is stored.state
    assert stored.state_since == events[-1].occurred_at


def _act(warehouse: Warehouse, cluster: str, step: int, kind: str, what: object) -> None:
    at = NOON + timedelta(hours=step)
    if kind == "run":
        advised = () if what is None else (suggestion(cluster=cluster, cpu=float(str(what))),)
        run = run_of(*advised, clusters=(cluster,), as_of=at)
        teams = {one.key.workload: "shop" for one in advised}
        warehouse.recommendations.save_run(type(run)(**{**run.__dict__, "teams": teams, "silences": ()}))
        return
    for stored in warehouse.recommendations.list(OWNER, cluster=cluster):
        if kind == "see":
            move = LifeStep(stored.id, STATE(str(what)), at, None, "seen")
            warehouse.suggestion_effects.record_steps([move])
            continue
        state = STATE.ACCEPTED if kind == "edit" else STATE(str(what))
        decision = Decision(
            stored.id,
            stored.etag,
            state,
            reason=RejectionReason.OTHER if state is STATE.REJECTED else None,
            until=at + timedelta(hours=2) if state is STATE.SNOOZED else None,
            agreement=EDITED if kind == "edit" else None,
        )
        try:
            warehouse.recommendations.decide_all([decision], OWNER, at)
        except Conflict:
            continue


def test_the_columns_of_a_suggestion_are_those_that_the_laws_speak_of() -> None:
    assert {"agreed", "state_since", "applied_from"} <= set(RECOMMENDATION.c.keys())


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.sampled_from("....... wwwwww oO-pn".replace(" ", "")), min_size=1, max_size=60),
    days=st.integers(1, 3),
)
def test_a_soak_never_verifies_on_fewer_clean_hours_than_it_promises(kinds, days) -> None:
    """Hours: . w wanted, o OOM kill, O old values, - not stored, p some pods, n no pod."""
    hours, complete = [], set()
    for number, kind in enumerate(kind for kind in kinds for _ in range(3)):
        moment = NOON + number * HOUR
        if kind == "-":
            continue
        complete.add(moment)
        if kind == "n":
            continue
        shares = {"O": ((OLD, 3600.0),), "p": ((NEW, 1800.0), (OLD, 1800.0))}.get(kind, ((NEW, 3600.0),))
        hours.append(HourSeen(moment, shares, oom_killed_count=int(kind == "o")))
    end = NOON + 3 * len(kinds) * HOUR
    watched = Watched("id", STATE.APPLIED, NOON, OLD, NEW, NOON)
    found = replay_soak(watched, hours, complete, EffectRules(verification_days=days), end)
    assert len(found) <= 1
    by_hour = {seen.hour: seen for seen in hours}
    for finding in found:
        before = [seen for hour, seen in by_hour.items() if hour < finding.at]
        if finding.state is STATE.VERIFIED:
            assert len({hour for hour in complete if hour < finding.at}) >= 24 * days
            assert not any(seen.oom_killed_count for seen in before)
        if finding.state is STATE.ROLLED_BACK and finding.reason == "oom_killed":
            assert before[-1].oom_killed_count


@given(total=st.integers(1, 10_000), data=st.data())
def test_the_wilson_interval_holds_the_share_and_narrows(total, data) -> None:
    count = data.draw(st.integers(0, total))
    low, high = wilson_interval(count, total)
    assert 0.0 <= low <= count / total <= high <= 1.0
    narrower = wilson_interval(4 * count, 4 * total)
    assert narrower[1] - narrower[0] < high - low
