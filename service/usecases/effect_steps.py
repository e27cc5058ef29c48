"""Findings about suggestions as steps to record: priced, with the cause, and said only once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.suggestion_life import EventReason, RecommendationState
from recommender.effects import Finding
from recommender.savings import requested_saving
from recommender.subject import UnitPrices
from service.runtime import Runtime
from service.usecases.effect_causes import name_cause
from service.usecases.unit_prices import read_unit_prices
from warehouse.database.life_effects import LifeStep, RecordedStep
from warehouse.database.recommendation_rows import RecommendationEvent, StoredRecommendation

_State = RecommendationState
_SAID_ONCE = frozenset({EventReason.REMINDED, EventReason.DANGEROUS})
_NOTES = frozenset({*_SAID_ONCE, EventReason.PARTIALLY_APPLIED, EventReason.SOAK_RESTARTED})
_UNDONE = frozenset({EventReason.PUT_BACK, EventReason.CHANGED_AGAIN})


class StepWriter:
    """Collects findings about the suggestions of one cluster and records those that are new.

    Parameters
    ----------
    runtime : Runtime
    cluster : str
    stored : sequence of StoredRecommendation
        The suggestions that findings are about.
    """

    def __init__(self, runtime: Runtime, cluster: str, stored: Sequence[StoredRecommendation]) -> None:
        self._runtime = runtime
        self._cluster = cluster
        self._events = runtime.warehouse.suggestion_effects.events_of({one.id for one in stored})
        self._steps: list[LifeStep] = []
        self._prices: dict[datetime, Mapping[WorkloadKey, UnitPrices]] = {}

    def add(self, stored: StoredRecommendation, finding: Finding) -> None:
        """Take a finding, unless it was recorded before."""
        events = self._events.get(stored.id, ())
        if finding.reason is not None and _is_known(finding, stored, events):
            return
        last = max((event.occurred_at for event in events), default=finding.at)
        self._steps.append(self._step(stored, finding, max(finding.at, last)))

    def record(self) -> Sequence[RecordedStep]:
        """Record everything, and return what was recorded: somebody may have decided meanwhile."""
        return self._runtime.warehouse.suggestion_effects.record_steps(self._steps) if self._steps else []

    def _step(self, stored: StoredRecommendation, finding: Finding, at: datetime) -> LifeStep:
        evidence: dict[str, Any] = dict(finding.numbers)
        if finding.in_force is not None:
            evidence["in_force"] = asdict(finding.in_force)
        note = finding.sentence
        saving, currency = None, None
        if finding.state is _State.ROLLED_BACK:
            evidence["old_values"] = asdict(stored.recommendation.current)
        if finding.reason in _UNDONE:
            cause = name_cause(self._runtime, stored.recommendation.key, finding.at)
            evidence["cause"] = cause
            note = f"{note}; {cause}"
        if finding.state is _State.VERIFIED:
            prices = self._prices_at(finding.at).get(stored.recommendation.key.workload, UnitPrices())
            saving, currency = _verified_saving(stored, finding, prices), prices.currency
            evidence["verified_request_saving_per_month"] = None if saving is None else str(saving)
            evidence["currency"] = currency
        return LifeStep(
            stored.id,
            finding.state,
            at,
            None if finding.reason is None else finding.reason.value,
            note,
            evidence,
            is_note=finding.reason in _NOTES,
            applied_from=finding.applied_from,
            verified_saving_per_month=saving,
            verified_currency=None if saving is None else currency,
        )

    def _prices_at(self, at: datetime) -> Mapping[WorkloadKey, UnitPrices]:
        if at not in self._prices:
            self._prices[at] = read_unit_prices(self._runtime, self._cluster, at)
        return self._prices[at]


def _verified_saving(stored: StoredRecommendation, finding: Finding, prices: UnitPrices) -> Any:
    """Return (old requests - requests in force) x replicas seen x unit price x 720 hours."""
    if finding.in_force is None or finding.replica_count_mean is None:
        return None
    return requested_saving(
        stored.recommendation.current, finding.in_force, finding.replica_count_mean, prices
    )


def _is_known(finding: Finding, stored: StoredRecommendation, events: Sequence[RecommendationEvent]) -> bool:
    """Whether an event of the present state says the same already."""
    if finding.state is not stored.state and finding.reason is not EventReason.SOAK_RESTARTED:
        return False
    since = stored.state_since
    same = [
        event
        for event in events
        if event.reason == finding.reason and (since is None or event.occurred_at >= since)
    ]
    if finding.reason in _SAID_ONCE:
        return bool(same)
    if finding.reason is EventReason.PARTIALLY_APPLIED:
        return bool(same) and _said(same[-1], "share_ratio") == finding.numbers["share_ratio"]
    return any(_said(event, "hour") == finding.numbers.get("hour") for event in same)


def _said(event: RecommendationEvent, name: str) -> object:
    return (event.evidence or {}).get(name)
