"""What the scheduler wakes: ingest of each cluster, the models, and the upkeep of the lake."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from models.vocabulary.errors import SourceError
from service.runtime import Runtime
from service.scheduler.clock import Bell, Job
from service.usecases.allocation import allocate
from service.usecases.ingest_prometheus import IngestOptions, run_ingest
from service.usecases.ownership_sync import sync_all
from service.usecases.pipeline import run_models
from service.usecases.upkeep import keep_up

_log = logging.getLogger(__name__)

MODELS_JOB = "models"
UPKEEP_JOB = "upkeep"


def scheduled_jobs(runtime: Runtime, is_stopping: Callable[[], bool]) -> Sequence[Job]:
    """Return all jobs: one per configured cluster, so that none waits for another, then the nightly ones.

    Each also runs at the start; the models wait until every cluster has been read once. What is owed comes
    from the ledgers, so after a downtime the first run catches up, oldest hour first.
    """
    settings = runtime.settings
    ingest = [
        Job(
            f"ingest {cluster.name}",
            Bell(minute=settings.schedule_ingest_minute),
            _ingest_work(runtime, cluster.name, is_stopping),
        )
        for cluster in settings.clusters
        if cluster.prometheus is not None
    ]
    names = frozenset(job.name for job in ingest)
    hour = settings.schedule_models_hour
    models = Job(MODELS_JOB, Bell(minute=45, hour=hour), lambda: run_models(runtime), after=names)
    upkeep = Job(
        UPKEEP_JOB,
        Bell(minute=45, hour=(hour + 1) % 24),
        lambda: _keep_up(runtime),
        after=frozenset({MODELS_JOB}),
    )
    owners = Job("ownership", Bell(minute=settings.schedule_ownership_minute), lambda: sync_all(runtime))
    return (*ingest, *((owners,) if settings.ownership_sources else ()), models, upkeep)


def _ingest_work(runtime: Runtime, cluster: str, is_stopping: Callable[[], bool]) -> Callable[[], None]:
    def work() -> None:
        options = IngestOptions((cluster,), is_stopping=is_stopping)
        problems = []
        for outcome in run_ingest(runtime, options):
            stored = sum(outcome.hours.values()) - outcome.unchanged_count
            _log.info("%s: %s hours read, %s rows stored", cluster, stored, outcome.row_count)
            if outcome.problem:
                problems.append(outcome.problem)
        if not is_stopping():
            allocate(runtime, cluster=cluster)
        if problems:
            raise SourceError("; ".join(problems))  # so that the clock tries again soon

    return work


def _keep_up(runtime: Runtime) -> None:
    keep_up(runtime)
