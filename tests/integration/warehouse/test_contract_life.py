"""What the life of suggestions promises of its storage, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete, update
from support.life import FINANCE, NOBODY, OWNER, PLATFORM, STRANGER, advice, key_of
from support.recommendations import run_of, suggestion, workload
from support.warehouse import NOON

from models.vocabulary.errors import Conflict, Forbidden, InputError, NotFound
from models.vocabulary.exclusions import ExcludedResource, Exclusion, PeakSignature
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.recommendation import ResourceValues, StatedRisk
from models.vocabulary.suggestion_life import RecommendationState, RejectionReason, StaleContent
from warehouse.database.life_effects import LifeStep
from warehouse.database.recommendations import Agreement, Decision, RecommendationRun
from warehouse.database.schema import RECOMMENDATION_EVENT
from warehouse.gateway import Warehouse
from warehouse.reads.suggestions import SuggestionReads

STATE = RecommendationState
EDITED = Agreement(
    ResourceValues(0.6, None, 2.0**30, 2.0**60),
    StatedRisk(0.02, 0.0, 100, 7, "now and then"),
    Decimal("7.5"),
    is_signed=True,
)


def proposed(warehouse: Warehouse):
    warehouse.recommendations.save_run(run_of(suggestion()))
    (stored,) = warehouse.recommendations.list(OWNER)
    return stored


def test_agreed_values_stand_beside_the_advice_and_change_the_etag(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    decision = Decision(stored.id, stored.etag, STATE.ACCEPTED, agreement=EDITED, evidence={"why": "tried"})
    (event,) = repository.decide_all([decision], OWNER, NOON)
    agreed = repository.get(stored.id, OWNER)
    assert agreed.agreed == agreed.wanted == EDITED.values
    assert (agreed.agreed_risk, agreed.agreed_saving_per_month) == (EDITED.risk, Decimal("7.5"))
    assert agreed.recommendation.advised == suggestion().advised
    assert agreed.etag != stored.etag
    assert event.content_hash == agreed.etag
    assert repository.events(stored.id)[-1].evidence == {"why": "tried"}


def test_a_withdrawn_acceptance_is_a_proposal_as_it_was_first_shown(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    repository.decide_all([Decision(stored.id, stored.etag, STATE.ACCEPTED, agreement=EDITED)], OWNER, NOON)
    with pytest.raises(StaleContent):
        repository.decide(stored.id, etag=stored.etag, principal=OWNER, state=STATE.PROPOSED, at=NOON)
    now = repository.get(stored.id)
    repository.decide(stored.id, etag=now.etag, principal=OWNER, state=STATE.PROPOSED, at=NOON)
    again = repository.get(stored.id)
    assert (again.state, again.etag, again.agreed) == (STATE.PROPOSED, stored.etag, None)
    repository.save_run(run_of(suggestion(cpu=0.25), as_of=NOON + timedelta(hours=1)))
    assert repository.get(stored.id).state is STATE.SUPERSEDED


def test_a_withdrawn_proposal_ends_with_the_other_decisions(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    with pytest.raises(Conflict, match="cannot become"):
        repository.decide(stored.id, etag=stored.etag, principal=OWNER, state=STATE.PROPOSED, at=NOON)


def test_edited_values_belong_to_acceptances_only(each_database: Warehouse) -> None:
    stored = proposed(each_database)
    decision = Decision(
        stored.id, stored.etag, STATE.REJECTED, reason=RejectionReason.OTHER, agreement=EDITED
    )
    with pytest.raises(InputError, match="acceptance"):
        each_database.recommendations.decide_all([decision], OWNER, NOON)


def test_nobody_asserts_what_only_the_cluster_shows(each_database: Warehouse) -> None:
    stored = proposed(each_database)
    for state in (STATE.APPLIED, STATE.EXPIRED):
        with pytest.raises(Conflict, match="seen in the cluster"):
            each_database.recommendations.decide(
                stored.id, etag=stored.etag, principal=PLATFORM, state=state, at=NOON
            )


def test_decisions_taken_together_are_all_recorded_or_none(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    repository.save_run(run_of(suggestion(), suggestion(cluster="beta"), clusters=("alpha", "beta")))
    one, other = repository.list(OWNER)
    stale = Decision(other.id, "0" * 16, STATE.ACCEPTED)
    with pytest.raises(StaleContent):
        repository.decide_all([Decision(one.id, one.etag, STATE.ACCEPTED), stale], OWNER, NOON)
    assert {s.state for s in repository.list(OWNER)} == {STATE.PROPOSED}
    both = [Decision(s.id, s.etag, STATE.ACCEPTED) for s in (other, one)]
    events = repository.decide_all(both, OWNER, NOON)
    assert [event.recommendation_id for event in events] == [other.id, one.id]


def test_of_many_deciders_at_once_exactly_one_wins(each_database: Warehouse) -> None:
    stored = proposed(each_database)
    begin, lock, won, lost = threading.Barrier(6), threading.Lock(), [], []

    def decide(number: int) -> None:
        begin.wait()
        state = STATE.ACCEPTED if number % 2 else STATE.REJECTED
        reason = None if number % 2 else RejectionReason.OTHER
        decision = Decision(stored.id, stored.etag, state, reason=reason, note=str(number))
        try:
            each_database.recommendations.decide_all([decision], OWNER, NOON)
        except Conflict:
            with lock:
                lost.append(number)
        else:
            with lock:
                won.append(number)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 5)
    events = each_database.recommendations.events(stored.id)
    assert [event.note for event in events] == [None, str(won[0])]


def test_notes_change_no_state_and_need_the_right_to_decide(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    note = {"at": NOON, "reason": "apply_attempted", "evidence": {"method": "dry_run"}}
    event = repository.append_note(stored.id, principal=OWNER, **note)
    assert (event.state, event.sequence, event.evidence) == (STATE.PROPOSED, 2, {"method": "dry_run"})
    for principal, refusal in ((STRANGER, NotFound), (FINANCE, Forbidden), (NOBODY, Forbidden)):
        with pytest.raises(refusal):
            repository.append_note(stored.id, principal=principal, **note)


def test_events_can_neither_be_changed_nor_deleted_with_their_evidence(each_database: Warehouse) -> None:
    proposed(each_database)
    for statement in (update(RECOMMENDATION_EVENT).values(evidence={}), delete(RECOMMENDATION_EVENT)):
        with pytest.raises(Exception, match="append-only"), each_database.database.write() as connection:
            connection.execute(statement)


def test_steps_of_the_machine_are_recorded_and_one_that_came_too_late_is_left_out(
    each_database: Warehouse,
) -> None:
    effects = each_database.suggestion_effects
    stored = proposed(each_database)
    applied = LifeStep(stored.id, STATE.APPLIED, NOON, None, "seen", {"n": 1}, applied_from=NOON)
    verified = LifeStep(
        stored.id,
        STATE.VERIFIED,
        NOON,
        None,
        "clean",
        {},
        verified_saving_per_month=Decimal("-3.5"),
        verified_currency="EUR",
    )
    assert [step.is_move for step in effects.record_steps([applied, verified])] == [True, True]
    (found,) = effects.in_states("alpha", {STATE.VERIFIED})
    assert (found.applied_from, found.verified_saving_per_month) == (NOON, Decimal("-3.5"))
    assert effects.record_steps([applied]) == []
    assert [e.state for e in effects.events_of([stored.id])[stored.id]] == ["proposed", "applied", "verified"]


def test_a_note_that_two_processes_bring_is_written_once(each_database: Warehouse) -> None:
    effects = each_database.suggestion_effects
    stored = proposed(each_database)
    note = LifeStep(stored.id, STATE.PROPOSED, NOON, "reminded", "seven days", {"days": 7}, is_note=True)
    assert len(effects.record_steps([note])) == 1
    assert effects.record_steps([note]) == []
    assert effects.record_steps([replace(note, state=STATE.ACCEPTED)]) == []
    assert len(effects.record_steps([replace(note, at=NOON + timedelta(hours=1))])) == 1


def test_what_stands_open_is_read_without_its_evidence(each_database: Warehouse) -> None:
    stored = proposed(each_database)
    (found,) = each_database.suggestion_effects.open_values("alpha")
    assert (found.id, found.key, found.since) == (stored.id, stored.recommendation.key, NOON)
    assert found.advised == stored.recommendation.advised


def test_an_applied_suggestion_lets_only_an_increase_through(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    step = LifeStep(stored.id, STATE.APPLIED, NOON, None, "seen", applied_from=NOON)
    each_database.suggestion_effects.record_steps([step])
    repository.save_run(run_of(suggestion(cpu=0.25)))
    assert [s.state for s in repository.list(OWNER)] == [STATE.APPLIED]
    repository.save_run(run_of(suggestion(cpu=4.0)))
    assert sorted(s.state for s in repository.list(OWNER)) == [STATE.APPLIED, STATE.PROPOSED]


@pytest.mark.parametrize("older", [(), (suggestion(cpu=0.25),)])
def test_a_run_on_older_data_leaves_alone_what_newer_data_proposed(each_database: Warehouse, older) -> None:
    repository = each_database.recommendations
    later = NOON + timedelta(days=2)
    repository.save_run(run_of(replace(suggestion(), as_of=later), as_of=later))
    (stored,) = repository.list(OWNER)
    repository.save_run(run_of(*older, as_of=NOON))
    (found,) = repository.list(OWNER)
    assert (found.id, found.state, found.etag) == (stored.id, STATE.PROPOSED, stored.etag)
    assert len(repository.events(stored.id)) == 1


def test_a_decided_suggestion_follows_its_workload_to_the_new_team(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    stored = proposed(each_database)
    repository.decide(stored.id, etag=stored.etag, principal=OWNER, state=STATE.ACCEPTED, at=NOON)
    repository.save_run(replace(run_of(), teams={workload(): "bank"}))
    assert repository.list(OWNER) == []
    assert [s.id for s in repository.list(STRANGER)] == [stored.id]


def test_regret_is_read_from_lives_and_later_advice(each_database: Warehouse) -> None:
    stored = proposed(each_database)
    step = LifeStep(stored.id, STATE.APPLIED, NOON, None, "seen", applied_from=NOON)
    each_database.suggestion_effects.record_steps([step])
    later = NOON + timedelta(days=2)
    each_database.recommendations.save_run(run_of(suggestion(cpu=4.0), as_of=later))
    reads = SuggestionReads(each_database.database)
    (life,) = reads.applied_lives(OWNER)
    assert [(at, values.cpu_request_cores) for at, values in life.later] == [(later, 4.0)]
    assert reads.applied_lives(STRANGER) == []


def test_thousands_of_suggestions_are_stored_in_seconds(each_database: Warehouse) -> None:
    count = 2_000
    for cpu, at in ((0.5, NOON), (0.5, NOON + timedelta(hours=1)), (0.25, NOON + timedelta(hours=2))):
        started = time.perf_counter()
        each_database.recommendations.save_run(_large_run(count, cpu, at))
        assert time.perf_counter() - started < 10
    states = [one.state for one in each_database.recommendations.list(PLATFORM)]
    assert (states.count(STATE.PROPOSED), states.count(STATE.SUPERSEDED)) == (count, count)


def _large_run(count: int, cpu: float, at) -> RecommendationRun:
    made = []
    for number in range(count):
        key = ContainerKey(WorkloadKey("alpha", f"ns{number % 50}", "Deployment", f"w{number}"), "app")
        made.append(replace(suggestion(cpu=cpu), key=key, as_of=at))
    return RecommendationRun("millicore", at, ("alpha",), tuple(made), (), {})


RULE = Exclusion("", "*", "dev-*", "*", "*", ExcludedResource.CPU, "rebuilt", None, ("shop",), "ann", NOON)


def test_an_exclusion_is_kept_with_who_made_it_and_who_ended_it(each_database: Warehouse) -> None:
    repository = each_database.exclusions
    stored = repository.add(RULE)
    assert replace(stored, id="") == RULE
    assert repository.list(at=NOON) == [stored]
    assert repository.list(at=NOON - timedelta(seconds=1)) == []
    ended = repository.remove(stored.id, "pat", NOON + timedelta(days=1))
    assert (ended.removed_by, repository.list(at=NOON + timedelta(days=1))) == ("pat", [])
    assert repository.list() == [ended] == [repository.get(stored.id)]
    with pytest.raises(Conflict, match="removed by pat"):
        repository.remove(stored.id, "pat", NOON)
    with pytest.raises(NotFound):
        repository.remove("none", "pat", NOON)


def test_an_exclusion_ends_by_itself(each_database: Warehouse) -> None:
    until = NOON + timedelta(days=3)
    stored = each_database.exclusions.add(replace(RULE, until=until, teams=None))
    assert each_database.exclusions.list(at=until - timedelta(seconds=1)) == [stored]
    assert each_database.exclusions.list(at=until) == []


def test_a_signed_peak_stands_for_its_workload_and_ends(each_database: Warehouse) -> None:
    web = key_of().workload
    signature = PeakSignature(web, "sale-*", "ann", NOON, NOON + timedelta(days=90), "we load-tested")
    each_database.peak_signatures.add(signature)
    (found,) = each_database.peak_signatures.list("alpha", at=NOON)
    assert found == signature
    assert found.is_for(web, "sale-november", NOON)
    assert not found.is_for(web, "month-end", NOON)
    assert not found.is_for(advice("other").key.workload, "sale-november", NOON)
    assert each_database.peak_signatures.list("alpha", at=NOON + timedelta(days=90)) == []
    assert each_database.peak_signatures.list("beta") == []
