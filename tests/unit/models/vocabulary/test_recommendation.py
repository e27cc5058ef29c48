from __future__ import annotations

import pytest

from models.vocabulary.errors import Conflict
from models.vocabulary.suggestion_life import TRANSITIONS, RecommendationState, check_transition


def test_every_state_is_in_the_table_of_transitions() -> None:
    assert set(TRANSITIONS) == set(RecommendationState)


def test_every_state_can_be_reached_from_proposed() -> None:
    reached, frontier = {RecommendationState.PROPOSED}, [RecommendationState.PROPOSED]
    while frontier:
        new = TRANSITIONS[frontier.pop()] - reached
        reached |= new
        frontier.extend(new)
    assert reached == set(RecommendationState)


def test_a_decided_suggestion_cannot_be_proposed_again() -> None:
    with pytest.raises(Conflict, match="that is rejected cannot become proposed"):
        check_transition(RecommendationState.REJECTED, RecommendationState.PROPOSED)


def test_an_accepted_suggestion_is_frozen_against_newer_data() -> None:
    with pytest.raises(Conflict):
        check_transition(RecommendationState.ACCEPTED, RecommendationState.SUPERSEDED)
