"""Load tests in replica advice: a measured capacity at the service level beats any utilisation target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_AGE_DAYS = 90
EXPIRED = "load_test_expired"
"""Flag of advice that ignored an older test."""


@dataclass(frozen=True)
class CapacityTest:
    """What one replica carried at its service level.

    Parameters
    ----------
    metric, unit : str
    capacity_per_replica : float
    tested_at : datetime
    service_level : str
    stop_rule_ratio : float or None
        Share of slow or failed answers at which the test ended.
    peak_demand : float or None
        What the owner expects of the whole workload.
    """

    metric: str
    unit: str
    capacity_per_replica: float
    tested_at: datetime
    service_level: str
    stop_rule_ratio: float | None = None
    peak_demand: float | None = None

    def is_expired(self, as_of: datetime, longest_age_days: int = LONGEST_AGE_DAYS) -> bool:
        """Whether the test is too old to say something about the present software."""
        return as_of - self.tested_at > timedelta(days=longest_age_days)


@dataclass(frozen=True)
class ChosenTests:
    """The newest valid test of each metric, and whether older ones were ignored for their age."""

    valid: tuple[CapacityTest, ...]
    flags: tuple[str, ...]


def choose_tests(
    tests: Sequence[CapacityTest], as_of: datetime, longest_age_days: int = LONGEST_AGE_DAYS
) -> ChosenTests:
    """Return the newest test of each metric that is not expired.

    Tests after ``as_of`` are not known yet. The flag is set where a metric has expired tests only.
    """
    known = sorted(
        (test for test in tests if test.tested_at <= as_of), key=lambda test: test.tested_at, reverse=True
    )
    newest: dict[str, CapacityTest] = {}
    for test in known:
        newest.setdefault(test.metric, test)
    valid = tuple(
        newest[metric] for metric in sorted(newest) if not newest[metric].is_expired(as_of, longest_age_days)
    )
    return ChosenTests(valid, () if len(valid) == len(newest) else (EXPIRED,))
