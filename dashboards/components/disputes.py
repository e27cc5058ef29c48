"""Disputes of a month, as a list."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.components import html
from service.boards.disputing import DisputeRow
from service.boards.texts import say


def show_disputes(rows: Sequence[DisputeRow]) -> None:
    """Show disputes, those that wait for an answer first."""
    if not rows:
        html.show_note(say("chargeback.disputes_none"))
        return
    html.show_items(
        [
            (row.key, row.tone.value, row.text, " ".join(part for part in (row.subject, row.when) if part))
            for row in rows
        ]
    )
