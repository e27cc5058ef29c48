"""One palette for every chart: blue for money that works, pale for what does not, amber for overhead."""

from __future__ import annotations

from typing import Final

BRAND: Final = "#1d4e89"
BRAND_PALE: Final = "#a9c1de"
FORECAST: Final = "#d3dff0"
EARLIER: Final = "#e08e3c"
GRID: Final = "#e8ecf1"
INK: Final = "#1b2733"
SOFT: Final = "#5d6b7a"
GOOD: Final = "#1d7a4f"
BAD: Final = "#b4322b"
WARNING: Final = "#d99a3d"
NEUTRAL: Final = "#c3cad4"

CAUSE_COLOURS: Final = {
    "used": "#1d4e89",
    "unused": "#7fa6d6",
    "unmeasured": "#b9a7d3",
    "idle": "#c9d1db",
    "overhead": "#e3b35c",
}

HOUR_STATE_COLOURS: Final = {
    "complete": "#1d7a4f",
    "partial": "#d99a3d",
    "failed": "#b4322b",
    "unrecoverable": "#6d2320",
    "before_history": "#e8ecf1",
    "absent": "#c3cad4",
}
