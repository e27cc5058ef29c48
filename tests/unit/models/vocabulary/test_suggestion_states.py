"""Every pair of states: which moves the life of a suggestion knows, and which it refuses."""

from itertools import product

import pytest

from models.vocabulary.errors import Conflict
from models.vocabulary.suggestion_life import (
    DECIDED_BY_PEOPLE,
    FROZEN,
    TRANSITIONS,
    RecommendationState,
    check_transition,
)

STATE = RecommendationState
ALLOWED = {
    ("proposed", "accepted"),
    ("proposed", "rejected"),
    ("proposed", "snoozed"),
    ("proposed", "superseded"),
    ("proposed", "expired"),
    ("proposed", "applied"),
    ("snoozed", "proposed"),
    ("snoozed", "superseded"),
    ("snoozed", "expired"),
    ("accepted", "applied"),
    ("accepted", "expired"),
    ("accepted", "failed"),
    ("accepted", "proposed"),
    ("applied", "verified"),
    ("applied", "rolled_back"),
    ("applied", "overwritten"),
    ("applied", "superseded"),
    ("applied", "expired"),
}


@pytest.mark.parametrize(("current", "wanted"), list(product(STATE, STATE)))
def test_every_pair_of_states_is_allowed_or_refused(current, wanted):
    if (current.value, wanted.value) in ALLOWED:
        check_transition(current, wanted)
    else:
        with pytest.raises(Conflict, match=f"{current} cannot become {wanted}"):
            check_transition(current, wanted)


def test_every_state_has_its_moves_written_down():
    assert set(TRANSITIONS) == set(STATE)


def test_people_never_decide_what_only_the_cluster_shows():
    shown = {STATE.APPLIED, STATE.VERIFIED, STATE.ROLLED_BACK, STATE.OVERWRITTEN}
    assert not shown & DECIDED_BY_PEOPLE


def test_a_decided_suggestion_is_frozen():
    assert {STATE.PROPOSED, STATE.SNOOZED} | FROZEN == set(STATE)
