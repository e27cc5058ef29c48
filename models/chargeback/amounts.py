"""The money of a line as one thing that can be added and divided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.allocation.apportion import apportion
from models.chargeback.lines import ChargeLine

LEVELS = ("effective", "list_units", "contracted", "assumed")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Money of a line: effective, list, contracted and assumed cost in nano-units."""

    effective: int = 0
    list_units: int = 0
    contracted: int = 0
    assumed: int = 0

    @classmethod
    def of(cls, line: ChargeLine) -> Amounts:
        """Return the amounts of a line."""
        return cls(line.effective, line.list_units, line.contracted, line.assumed)

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.effective + other.effective,
            self.list_units + other.list_units,
            self.contracted + other.contracted,
            self.assumed + other.assumed,
        )

    def __neg__(self) -> Amounts:
        return Amounts(*(-getattr(self, level) for level in LEVELS))

    def split(self, weights: Sequence[int]) -> list[Amounts]:
        """Divide by weight, exactly, by largest remainder."""
        columns = [apportion(getattr(self, level), weights) for level in LEVELS]
        return [Amounts(*parts) for parts in zip(*columns, strict=True)]

    def values(self) -> dict[str, Any]:
        """Return the amounts by field of a line."""
        return {level: getattr(self, level) for level in LEVELS}

    @property
    def is_nothing(self) -> bool:
        """Whether every amount is 0."""
        return not (self.effective or self.list_units or self.contracted or self.assumed)
