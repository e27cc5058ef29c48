"""Daily cost as numbers for models: NaN where a day is not final, never 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt


def as_series(
    costs: Mapping[date, Decimal], days: Sequence[date], final: Mapping[date, bool]
) -> npt.NDArray[np.float64]:
    """Return the cost of each day, shape (days,); a final day without a cost is 0, any other is NaN."""
    return np.array(
        [float(costs.get(day, Decimal(0))) if final.get(day, False) else np.nan for day in days],
        dtype=np.float64,
    )
