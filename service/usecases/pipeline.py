"""Everything that is derived from stored hours, in order: costs, profiles, advice, plans, forecasts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from models.vocabulary.identity import Principal, Role
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.anomalies import find_anomalies
from service.usecases.bill_factors import refresh_factors
from service.usecases.forecast_usage import forecast_usage
from service.usecases.forecasts import forecast_costs
from service.usecases.oversell import plan_oversell
from service.usecases.recommendations import recommend_all
from service.usecases.request_metrics import fit_request_metrics

_log = logging.getLogger(__name__)
_MODELS = Principal("millicore-models", frozenset({Role.PLATFORM}))


@dataclass(frozen=True)
class Step:
    """One step of the nightly models."""

    name: str
    run: Callable[[Runtime, Progress], object]


NIGHTLY_STEPS = (
    Step("bill factors", lambda runtime, _: refresh_factors(runtime)),
    Step("allocation", lambda runtime, progress: allocate(runtime, progress=progress)),
    Step("request weights", lambda runtime, _: fit_request_metrics(runtime, _MODELS)),
    Step("suggestions", lambda runtime, progress: recommend_all(runtime, progress=progress)),
    Step("oversell", lambda runtime, progress: plan_oversell(runtime, progress=progress)),
    Step("forecasts", lambda runtime, progress: forecast_costs(runtime, progress=progress)),
    Step("use ahead", lambda runtime, progress: forecast_usage(runtime, progress=progress)),
    Step("anomalies", lambda runtime, _: find_anomalies(runtime)),
)
"""In this order: bills make prices, these costs; suggestions and forecasts read costs. Suggestions build the
histograms they need."""


def run_models(runtime: Runtime, progress: Progress | None = None) -> None:
    """Run every model on what is stored. Each does only what is owed, so running it again is cheap."""
    for step in NIGHTLY_STEPS:
        _log.info("models: %s", step.name)
        step.run(runtime, progress or SilentProgress())
