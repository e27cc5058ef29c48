"""Costs that left their range, as a list."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.components import html
from service.boards.changes import AnomalyRow
from service.boards.texts import say

_MOST_SHOWN = 5


def show_anomalies(rows: Sequence[AnomalyRow]) -> None:
    """Show anomalies, the newest first, and how many more there are."""
    if not rows:
        html.show_note(say("changes.anomaly_none"))
        return
    html.show_items(
        [
            (
                row.payer,
                row.tone.value,
                f"{row.payer} {row.when}",
                f"{row.text} {say('changes.at_risk', amount=row.at_risk)}",
            )
            for row in rows[:_MOST_SHOWN]
        ]
    )
    if len(rows) > _MOST_SHOWN:
        html.show_note(say("changes.more", count=len(rows) - _MOST_SHOWN))
