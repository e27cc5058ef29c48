"""How profiles are built: how fast the past fades, class rules, what is known from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from models.profiles.classify import ClassRules
from models.vocabulary.errors import InputError, UsageError

HALF_LIFE = timedelta(days=7)
"""VPA takes 24 hours, which sees little but yesterday: on simulated clusters 7 days gave a quarter of the
changes at a lower share of samples above the request (`millicore backtest rightsizing`)."""

HALF_LIVES: Mapping[str, timedelta] = {
    "millicore": HALF_LIFE,
    "vpa": timedelta(hours=24),
    "koordinator": timedelta(hours=12),
}
"""Named settings: ours, the Vertical Pod Autoscaler's, and Koordinator's for CPU."""

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class ProfileOptions:
    """How profiles are built.

    Parameters
    ----------
    half_life : timedelta
        Age at which a sample counts half.
    rules : ClassRules
    hpa_metrics : mapping of (namespace, workload kind, workload name) to metric names
        What a HorizontalPodAutoscaler scales each workload on.

    Raises
    ------
    InputError
        If the half-life is not positive.
    """

    half_life: timedelta = HALF_LIFE
    rules: ClassRules = field(default_factory=ClassRules)
    hpa_metrics: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a half-life by which nothing could be weighed."""
        if self.half_life <= timedelta(0):
            raise InputError("must be longer than nothing", field="half_life", value=str(self.half_life))


def parse_half_life(text: str) -> timedelta:
    """Return a half-life by name (`HALF_LIVES`) or as a length such as ``36h``, ``7d`` or ``2w``.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text in HALF_LIVES:
        return HALF_LIVES[text]
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isdigit() and int(number) > 0:
        return int(number) * _UNITS[unit]
    raise UsageError(
        f"half-life {text!r} is neither a name ({', '.join(HALF_LIVES)}) nor a length such as 36h, 7d or 2w"
    )
