"""Two schedulers that store the same run at once: one waits for the other, and nothing is stored twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from support.life import MADE, OWNER, advice
from support.warehouse import NOON

from models.initiatives.priorities import PriorityWeights
from warehouse.database.recommendations import RecommendationRun
from warehouse.gateway import Warehouse


def at_once(*works: Callable[[], object]) -> list[BaseException | None]:
    """Run functions in threads that start together; return what each raised."""
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        ready.wait()
        work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [one.exception() for one in [threads.submit(run, work) for work in works]]


def test_the_same_run_twice_at_once_is_one_run(each_database: Warehouse) -> None:
    repository = each_database.recommendations
    advised = [advice(f"w{number}") for number in range(300)]
    run = RecommendationRun(
        "millicore-1", MADE, ("alpha",), advised, (), {one.key.workload: "shop" for one in advised}
    )
    raised = at_once(lambda: repository.save_run(run), lambda: repository.save_run(run))
    assert raised == [None, None]
    stored = repository.list(OWNER)
    assert len(stored) == 300
    assert [len(repository.events(stored[at].id)) for at in (0, 299)] == [1, 1]


def test_weights_stored_at_once_are_two_versions(each_database: Warehouse) -> None:
    traits = each_database.application_traits
    works = [
        lambda ease=ease: traits.save_weights(PriorityWeights(ease=ease), "pat", NOON) for ease in (1, 2)
    ]
    assert at_once(*works) == [None, None]
    assert traits.weights()[1] == 2
