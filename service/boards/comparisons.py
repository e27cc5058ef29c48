"""Period over period: absolute and relative, never infinite, with its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from service.boards.formats import Tone, arrow, ratio_of, signed_money, signed_percent


@dataclass(frozen=True)
class CostChange:
    """A change of cost.

    Parameters
    ----------
    difference : Decimal
        Later minus earlier. Of periods of different length, earlier is its average per day times the
        later period's days.
    ratio : float or None
        Relative to earlier; None when that was 0.
    is_average : bool
        Whether the periods have different lengths.
    """

    difference: Decimal
    ratio: float | None
    is_average: bool

    @property
    def tone(self) -> Tone:
        """Less cost is good."""
        return tone_of_change(self.difference)

    def text(self, currency: str) -> str:
        """Return arrow, signed amount and signed percentage."""
        amount = signed_money(self.difference, currency)
        relative = f" ({signed_percent(self.ratio)})" if self.ratio is not None else ""
        return f"{arrow(self.difference)} {amount}{relative}"


def tone_of_change(difference: Decimal) -> Tone:
    """Return the meaning of a change of cost: less is good."""
    if difference == 0:
        return Tone.NEUTRAL
    return Tone.BAD if difference > 0 else Tone.GOOD


def compare_costs(later: Decimal, earlier: Decimal, later_days: int, earlier_days: int) -> CostChange:
    """Compare two sums over days; sums of different lengths are compared by their average per day."""
    is_average = later_days != earlier_days
    base = earlier * later_days / earlier_days if is_average else earlier
    difference = later - base
    return CostChange(difference, ratio_of(difference, base), is_average)
