"""Both executors give the same results in the same order."""

from __future__ import annotations

import os
from concurrent.futures import Executor

import pytest

from service.engine import InProcessExecutor, open_executor


def square(number: int) -> int:
    return number * number


def process_id(_: int) -> int:
    return os.getpid()


def thread_limit(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def fail(number: int) -> int:
    raise ValueError(f"no {number}")


def test_no_workers_means_this_process() -> None:
    with open_executor(0) as executor:
        assert isinstance(executor, InProcessExecutor)
        assert list(executor.map(process_id, [1, 2])) == [os.getpid()] * 2


@pytest.mark.parametrize("workers", [0, 1])
def test_results_come_in_the_order_of_their_inputs(workers: int) -> None:
    with open_executor(workers) as executor:
        assert list(executor.map(square, range(5))) == [0, 1, 4, 9, 16]


def test_a_worker_process_limits_the_threads_of_native_libraries() -> None:
    with open_executor(1) as executor:
        assert executor.submit(thread_limit, 0).result() == os.environ.get("OMP_NUM_THREADS", "1")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_task_reaches_whoever_asks_for_its_result(workers: int) -> None:
    executor: Executor
    with open_executor(workers) as executor:
        future = executor.submit(fail, 7)
        with pytest.raises(ValueError, match="no 7"):
            future.result()


def test_in_this_process_a_task_runs_only_when_its_result_is_asked_for() -> None:
    done: list[int] = []
    results = InProcessExecutor().map(done.append, [1, 2, 3])
    assert done == []
    next(iter(results))
    assert done == [1]
