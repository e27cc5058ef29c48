"""How fast a server is asked: concurrency that yields, waits with jitter, and a count of the load."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class QueryLoad:
    """What a server was made to do. Loads add and subtract field by field."""

    query_count: int = 0
    sample_count: int = 0
    answer_bytes: int = 0
    retry_count: int = 0
    busy_seconds: float = 0.0

    def __add__(self, other: QueryLoad) -> QueryLoad:
        return QueryLoad(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: QueryLoad) -> QueryLoad:
        return QueryLoad(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))


class LoadCounter:
    """Adds up loads from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = QueryLoad()

    def add(self, load: QueryLoad) -> None:
        """Count a load."""
        with self._lock:
            self._total = self._total + load

    @property
    def total(self) -> QueryLoad:
        """Everything counted so far."""
        return self._total


class ConcurrencyLimit:
    """Additive increase, multiplicative decrease (AIMD), as in TCP: halved when the server pushes back.

    Parameters
    ----------
    most : int
        Upper bound, also the start.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._allowed = float(most)
        self._running = 0
        self._changed = threading.Condition()

    @property
    def allowed(self) -> int:
        """Queries that may run at one time now; at least 1."""
        return max(1, int(self._allowed))

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a free place and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self.allowed)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def succeeded(self) -> None:
        """Allow a little more: one place per round of answers."""
        with self._changed:
            self._allowed = min(self._most, self._allowed + 1.0 / self._allowed)
            self._changed.notify()

    def pushed_back(self) -> None:
        """Halve what may run at one time."""
        with self._changed:
            self._allowed = max(1.0, self._allowed / 2.0)


class RetryBudget:
    """Waits between attempts: full jitter, at least what the server asked for, from one common purse.

    Source of the jitter: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Parameters
    ----------
    seconds : float
        What all waits together may take.
    sleep : callable
        ``sleep(seconds)``.
    draw : callable
        ``draw()`` in [0, 1).
    """

    def __init__(
        self,
        seconds: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._left = seconds
        self._sleep = sleep
        self._draw = draw
        self._lock = threading.Lock()

    def wait(self, attempt: int, retry_after_seconds: float | None) -> bool:
        """Wait before the next attempt; False, at once, when the purse does not hold that long.

        Parameters
        ----------
        attempt : int
            Attempts made so far, from 1.
        retry_after_seconds : float or None
            What the server asked for.
        """
        ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1))
        seconds = self._draw() * ceiling + (retry_after_seconds or 0.0)
        with self._lock:
            if seconds > self._left:
                return False
            self._left -= seconds
        self._sleep(seconds)
        return True


def parse_retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (number or HTTP date), None if unreadable."""
    if value is None:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
