"""Progress of long work: a bar on stderr when a person is watching, nothing otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")
Advance = Callable[[int], None]


class Progress(Protocol):
    """Shows how far named tasks are."""

    def task(self, description: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Open a task of ``total`` steps (None: unknown); the value given is called with steps done."""


class SilentProgress:
    """Shows nothing: pipes, the scheduler, tests."""

    @contextmanager
    def task(self, description: str, total: int | None = None) -> Iterator[Advance]:
        """Accept steps and ignore them."""
        del description, total
        yield lambda steps: None


class BarProgress:
    """A rich progress bar on stderr that disappears when its task ends."""

    @contextmanager
    def task(self, description: str, total: int | None = None) -> Iterator[Advance]:
        """Show a bar until the block ends."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
            identifier = bars.add_task(description, total=total)
            yield lambda steps: bars.advance(identifier, steps)


def progress_for_people() -> Progress:
    """Return a bar if stderr is a terminal, else silence."""
    return BarProgress() if sys.stderr.isatty() else SilentProgress()


def tracked(
    progress: Progress, items: Iterable[T], description: str, total: int | None = None
) -> Iterator[T]:
    """Yield the items, advancing a task by one after each."""
    with progress.task(description, total) as advance:
        for item in items:
            yield item
            advance(1)
