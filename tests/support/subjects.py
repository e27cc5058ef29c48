"""Containers to judge, and the policy's answer for one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from support.container_usage import Container
from support.profile_sets import profile_set

from models.profiles.build import ProfileOptions
from models.vocabulary.recommendation import NoRecommendation, Recommendation
from recommender.constraints import Constraints
from recommender.policy import recommend
from recommender.presets import PRESETS, PolicySettings
from recommender.subject import Subject, UnitPrices

NOW = datetime(2026, 9, 21, tzinfo=UTC)
PRICES = UnitPrices(Decimal("0.03"), Decimal("0.004"), "EUR")


def subject_of(
    container: Container,
    days: float = 14,
    constraints: Constraints | None = None,
    options: ProfileOptions | None = None,
) -> Subject:
    """Return a container that ran for some days, with prices."""
    found = profile_set([container], days=days, options=options)
    return Subject(found.profiles[0], found.evidence[0], constraints or Constraints(), PRICES)


def judge(
    subject: Subject, preset: str = "balanced", settings: PolicySettings | None = None
) -> Recommendation | NoRecommendation:
    """Return the policy's answer."""
    return recommend(subject, PRESETS[preset], settings or PolicySettings(), NOW)


def advise(
    container: Container, preset: str = "balanced", settings: PolicySettings | None = None, **more: object
) -> Recommendation | NoRecommendation:
    """Return the policy's answer for a container; ``more`` goes to `subject_of`."""
    return judge(subject_of(container, **more), preset, settings)  # type: ignore[arg-type]


def rail_names(answer: Recommendation | NoRecommendation) -> set[str]:
    """Return the names of the rails that bound."""
    assert isinstance(answer, Recommendation), answer
    return {rail.name for rail in answer.guard_rails}
