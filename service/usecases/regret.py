"""The regret rate of applied suggestions, for everyone who may see them."""

from __future__ import annotations

from models.vocabulary.identity import Principal
from recommender.regret import AppliedCase, RegretRow, count_regret
from service.runtime import Runtime
from warehouse.reads.suggestions import SuggestionReads


def read_regret(runtime: Runtime, principal: Principal) -> list[RegretRow]:
    """Return how often applied suggestions were taken back: all, by policy, risk class and resource.

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    """
    lives = SuggestionReads(runtime.warehouse.database).applied_lives(principal)
    return count_regret(
        [
            AppliedCase(
                policy=life.stored.recommendation.policy,
                risk_class=life.stored.recommendation.risk_class,
                state=life.stored.state,
                old=life.stored.recommendation.current,
                wanted=life.stored.wanted,
                applied_from=life.applied_from,
                later=life.later,
            )
            for life in lives
        ]
    )
