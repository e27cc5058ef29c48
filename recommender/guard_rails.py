"""Guard rails of one request or limit: each may move the value, and says so when it does."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from models.vocabulary.recommendation import GuardRail
from recommender.presets import MEBIBYTE

CPU_GRANULE = 0.001
MEMORY_GRANULE = MEBIBYTE


@dataclass(slots=True)
class Rails:
    """A value on its way through the guard rails of one resource.

    Parameters
    ----------
    resource : str
        ``cpu`` or ``memory``.
    granule : float
        Values are rounded up to multiples of it, in the unit of the resource.
    value : float
    bound : list of GuardRail
        The rails that moved the value, in order.
    needed : float
        The value that safety asks for, however small the change.
    ceiling : float
        No value is above it: rounding up stops below it.
    is_short : bool
        Whether the request in force carries more risk than its class states: hysteresis holds no raise back.
    """

    resource: str
    granule: float
    value: float
    bound: list[GuardRail] = field(default_factory=list)
    needed: float = 0.0
    ceiling: float = math.inf
    is_short: bool = False

    def at_least(self, name: str, floor: float | None, because: str) -> None:
        """Raise the value to a floor; None is no floor."""
        if floor is not None and self.value < floor:
            self._move(name, floor, because)

    def must_reach(self, name: str, floor: float | None, because: str) -> None:
        """Raise the value to a floor that hysteresis may not hold back."""
        if floor is not None:
            self.needed = max(self.needed, floor)
            self.at_least(name, floor, because)

    def at_most(self, name: str, ceiling: float | None, because: str) -> None:
        """Lower the value to a ceiling; None is no ceiling."""
        if ceiling is None:
            return
        self.ceiling = min(self.ceiling, ceiling)
        if self.value > ceiling:
            self._move(name, ceiling, because)

    def round_up(self) -> None:
        """Round up to the granule, down where that would pass the ceiling; not a guard rail."""
        self.value = round_up(self.value, self.granule)
        if self.value > self.ceiling * (1 + 1e-9):
            self.value = math.floor(self.ceiling / self.granule + 1e-6) * self.granule

    def _move(self, name: str, value: float, because: str) -> None:
        self.bound.append(GuardRail(name, self.resource, self.value, value, because))
        self.value = value


def round_up(value: float, granule: float) -> float:
    """Return the next multiple of a granule."""
    # The tolerance keeps 0.3 / 0.001 = 299.99999999999994 from becoming another granule.
    return math.ceil(value / granule - 1e-6) * granule


def proportional_limit(limit: float | None, request: float | None, advised: float) -> float | None:
    """Return the limit that keeps the ratio of limit to request (VPA ``GetProportionalLimit``).

    No limit stays none; a limit without a request, or equal to it, becomes the advised request.

    Parameters
    ----------
    limit, request : float or None
        In force now.
    advised : float
        The new request.
    """
    if limit is None:
        return None
    if request is None or request <= 0 or limit == request:
        return advised
    return limit * (advised / request)


def is_within(ratio: float, current: float | None, wanted: float) -> bool:
    """Whether a change is smaller than the hysteresis; setting what is unset never is."""
    return current is not None and current > 0 and abs(wanted - current) < ratio * current * (1 - 1e-9)
