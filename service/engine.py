"""The engine seam: pure functions of one partition, mapped over a ``concurrent.futures`` executor.

References go in and references come out: a worker reads a pinned list of files and writes Parquet; only the
driver commits, in a fixed order, so that the number of workers changes nothing but the time.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class InProcessExecutor(Executor):
    """An executor that works in the calling thread, one task at a time, in order.

    ``map`` is lazy: a task runs when its result is asked for, so that progress is true and only one
    partition is in memory.
    """

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run the task now; its error, like its result, is kept in the future."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as problem:  # noqa: BLE001 - a future carries any error to whoever asks for its result
            future.set_exception(problem)
        return future

    def map(
        self,
        function: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Yield results in order, each computed when it is asked for."""
        del timeout, chunksize, buffersize
        return (function(*arguments) for arguments in zip(*iterables, strict=False))


def _one_thread_each() -> None:
    # A pool already uses every core: native libraries that start threads of their own only get in the way.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def open_executor(workers: int) -> Executor:
    """Return an executor to be used as a context manager.

    Parameters
    ----------
    workers : int
        0 works in this process; n starts n processes by ``spawn``, because native threads (Delta, DuckDB)
        do not survive a fork.
    """
    if workers == 0:
        return InProcessExecutor()
    return ProcessPoolExecutor(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_one_thread_each,
    )
