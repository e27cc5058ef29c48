"""The values that a board shows, already worded: what a page prints is exactly what a test reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from service.boards.formats import Tone


@dataclass(frozen=True)
class Change:
    """A change beside a figure: its sign, arrow and meaning, and the days it compares."""

    text: str
    tone: Tone
    compared: str = ""


@dataclass(frozen=True)
class Figure:
    """One headline figure.

    Parameters
    ----------
    key : str
        Stable identifier, also the anchor of the figure on screen.
    label, value : str
        What it is, and how much, with unit or currency.
    change : Change or None
        None when there is nothing to compare with; ``note`` then says why.
    note, detail : str
        Two short lines below: the days, the interval, or why nothing is said.
    explanation : str
        How it is calculated, shown on request.
    """

    key: str
    label: str
    value: str
    change: Change | None = None
    note: str = ""
    detail: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Mark:
    """A doubt that stands beside the figures: simulated data, assumed prices, missing days, old data."""

    key: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class BoardHeader:
    """What stands above every board: title, state of the data, marks."""

    title: str
    data_until: str
    marks: tuple[Mark, ...] = field(default=())
    read_at: datetime | None = None
