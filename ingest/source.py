"""What every source of observed hours can do."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from models.vocabulary.windows import HourWindow
from warehouse.observed import ObservedWindow


class UsageSource(Protocol):
    """A place that can be asked what a cluster did in past hours."""

    @property
    def name(self) -> str:
        """Name of the source in ledgers (``prometheus``, ``files``)."""

    def oldest(self, cluster: str) -> datetime | None:
        """Return the instant of the first sample known of the cluster, None if there is none.

        Raises
        ------
        SourceError
            If the source cannot be read.
        """

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        """Return everything observed of the cluster in the window, with one report per hour.

        Raises
        ------
        SourceError
            If the source cannot be read at all. An hour that is only partly there is reported, not raised.
        """
